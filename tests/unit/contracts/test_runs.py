"""The start of each run is paired with its end, whatever else the events of its job say."""

from collections.abc import Mapping
from typing import Any

import pytest

from contracts.runs import Runs, runs_of
from contracts.statuses import EventStatus


def events(*facts: tuple[str, int | None]) -> list[Mapping[str, Any]]:
    return [{"seq": seq, "status": status, "fence": fence} for seq, (status, fence) in enumerate(facts, 1)]


def numbers(*facts: tuple[str, int | None]) -> list[tuple[int | None, ...]]:
    """Return the fence of each run, and the numbers of its start, its end and what the job waited from."""
    return [
        (run.fence, *((event or {}).get("seq") for event in (run.start, run.end, run.queued)))
        for run in runs_of(events(*facts))
    ]


def test_a_run_lasts_from_its_start_to_its_end_and_the_next_one_waits_from_there() -> None:
    assert numbers(
        ("Submitted", None),
        ("LeaseAcquired", 4),
        ("Started", 4),
        ("Step", 4),
        ("CancelRequested", 4),
        ("Interrupted", 5),
        ("Started", 6),
        ("StateSaved", 6),
        ("Completed", 6),
    ) == [(4, 3, 6, 1), (6, 7, 9, 6)]


@pytest.mark.parametrize("status", [status for status in EventStatus if status.ends_run])
def test_every_status_that_ends_a_run_does(status: EventStatus) -> None:
    assert numbers(("Submitted", None), ("Started", 1), (status, 1)) == [(1, 2, 3, 1)]


def test_a_run_that_goes_on_has_no_end() -> None:
    assert numbers(("Submitted", None), ("Started", 1), ("Step", 1)) == [(1, 2, None, 1)]


def test_a_job_that_ends_while_it_waits_has_no_run() -> None:
    assert numbers(("Submitted", None), ("Cancelled", None)) == []


def test_a_failure_after_an_interruption_ends_no_other_run() -> None:
    assert numbers(("Submitted", None), ("Started", 1), ("Interrupted", 2), ("Failed", 2)) == [(1, 2, 3, 1)]


def test_a_start_within_a_run_leaves_that_one_without_an_end() -> None:
    assert numbers(("Started", 1), ("Started", 2), ("Completed", 2)) == [(1, 1, None, 1), (2, 2, 3, 1)]


def test_the_events_may_begin_within_a_run() -> None:
    runs: Runs[str] = Runs(running_fence=7)
    assert runs.running_fence == 7
    runs.follow("step", EventStatus.STEP, 7)
    assert runs.found == []
    runs.follow("end", EventStatus.COMPLETED, 7)
    (run,) = runs.found
    assert (run.fence, run.start, run.end) == (7, None, "end")
    assert runs.running_fence == 0
