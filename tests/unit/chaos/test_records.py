"""Fences of a lock's runs follow each other; a take-over that only ends a job uses one up."""

import pytest
from tests.e2e.records import Recorded, assert_no_overlap


def event(job: str, seq: int, status: str, fence: int, committed: float) -> Recorded:
    return Recorded(job, seq, status, "", 1, fence, "worker-1", committed)


def run(job: str, fence: int, *ends: str) -> list[Recorded]:
    begin = [event(job, 1, "Submitted", 0, 0.0), event(job, 2, "Started", fence, fence)]
    return begin + [event(job, 3 + at, end, fence, fence + 0.5) for at, end in enumerate(ends)]


def test_a_take_over_that_ends_a_cancelled_job_may_start_no_other() -> None:
    events = run("a", 1, "Interrupted", "Cancelled") + run("b", 3, "Completed")
    assert [of.fence for of in assert_no_overlap(events)] == [1, 3]


@pytest.mark.parametrize(
    "events",
    [
        run("a", 2, "Completed"),
        run("a", 1, "Completed") + run("b", 3, "Completed"),
        run("a", 1, "Interrupted") + run("b", 3, "Completed"),
        run("a", 1, "Interrupted", "Cancelled") + run("b", 4, "Completed"),
    ],
)
def test_no_other_fence_may_be_missing(events: list[Recorded]) -> None:
    with pytest.raises(AssertionError, match="no run has fence"):
        assert_no_overlap(events)
