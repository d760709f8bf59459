"""The demonstration's checks must be able to fail."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from deploy.demo.checks import Event, check_interruption, check_runs, check_trail, runs_by_fence

MakeTrail = Callable[..., list[Event]]


@pytest.fixture
def trail() -> MakeTrail:
    def make(job_id: str, *facts: tuple[Any, ...]) -> list[Event]:
        """Write events from (status, second, fence, worker[, message])."""
        attempts = itertools.accumulate(fact[0] == "Started" for fact in facts)
        return [
            {
                "job_id": job_id,
                "seq": seq,
                "status": status,
                "timestamp_utc": f"2026-01-01T00:00:{second:02d}Z",
                "attempt": attempt,
                "fence": fence,
                "worker": worker,
                "message": more[0] if more else "",
            }
            for seq, (attempt, (status, second, fence, worker, *more)) in enumerate(
                zip(attempts, facts, strict=True), start=1
            )
        ]

    return make


@pytest.fixture
def taken_over(trail: MakeTrail) -> Any:
    return trail(
        "a",
        ("Submitted", 0, None, None),
        ("Started", 1, 1, "w1"),
        ("Step", 2, 1, "w1", "chunk 1"),
        ("Interrupted", 9, 2, "w2"),
        ("Started", 9, 2, "w2"),
        ("Step", 10, 2, "w2", "chunk 2"),
        ("Completed", 11, 2, "w2"),
    )


def test_a_take_over_holds(taken_over: list[Event], trail: MakeTrail) -> None:
    runs = runs_by_fence([taken_over, trail("b", ("Started", 11, 3, "w2"), ("Completed", 12, 3, "w2"))])

    assert [(run.job_id, run.fence, run.outcome) for run in runs] == [
        ("a", 1, "Interrupted"),
        ("a", 2, "Completed"),
        ("b", 3, "Completed"),
    ]
    assert all(check.holds for check in check_runs(runs))
    assert all(
        check.holds for check in check_interruption({"status": "Completed", "attempt": 2}, taken_over, "w1")
    )
    assert check_trail(taken_over).holds


def test_runs_that_overlap_are_found(trail: MakeTrail) -> None:
    events = [
        trail("a", ("Started", 1, 1, "w1"), ("Completed", 5, 1, "w1")),
        trail("b", ("Started", 4, 2, "w2"), ("Completed", 6, 2, "w2")),
    ]

    assert not check_runs(runs_by_fence(events))[0].holds


def test_a_run_that_never_ended_overlaps_what_follows(trail: MakeTrail) -> None:
    events = [
        trail("a", ("Started", 1, 1, "w1")),
        trail("b", ("Started", 4, 2, "w2"), ("Completed", 6, 2, "w2")),
    ]

    assert not check_runs(runs_by_fence(events))[0].holds


def test_a_fence_given_twice_is_found(trail: MakeTrail) -> None:
    events = [
        trail("a", ("Started", 1, 1, "w1"), ("Completed", 2, 1, "w1")),
        trail("b", ("Started", 4, 1, "w2"), ("Completed", 6, 1, "w2")),
    ]

    assert not check_runs(runs_by_fence(events))[1].holds


def test_a_step_that_ran_twice_is_found(taken_over: list[Event]) -> None:
    repeated = [{**event, "message": "chunk 1"} for event in taken_over]
    checks = check_interruption({"status": "Completed", "attempt": 2}, repeated, "w1")

    assert [check.what for check in checks if not check.holds] == ["no recorded step ran again"]


def test_a_worker_that_was_not_replaced_is_found(taken_over: list[Event]) -> None:
    checks = check_interruption({"status": "Completed", "attempt": 2}, taken_over, "w2")

    assert [check.what for check in checks if not check.holds] == ["another worker took the job over"]


@pytest.mark.parametrize("lost", [0, 3, 6])
def test_a_trail_with_a_gap_is_found(taken_over: list[Event], lost: int) -> None:
    del taken_over[lost]

    assert not check_trail(taken_over).holds
