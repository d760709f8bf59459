"""Which pairs of runs are take-overs, and how long the lock was without a run between them."""

from datetime import timedelta

import pytest
from tests.unit.verification.authored import BEGINNING

from coordination.journal.events import timestamp
from verification import Run, TakeOver, take_overs


def at(seconds: float) -> str:
    return timestamp(BEGINNING + timedelta(seconds=seconds))


def cut_off(fence: int = 1, *, by: str = "w2", died: bool = False, lock: str = "a", job: str = "one") -> Run:
    """Return a run of w1 whose last own event was after 5 seconds, and which was found cut off after 20."""
    return Run(
        lock, lock, fence, job, 1, "w1", at(0), at(0), "t1", None, None, at(5), at(20), "t2", "Interrupted",
        by, died,
    )  # fmt: skip


def next_run(fence: int = 2, *, queued: float = 0, lock: str = "a", job: str = "two") -> Run:
    return Run(lock, lock, fence, job, 1, "w2", at(queued), at(22), "t3", None, None, at(22))


def test_a_lost_worker_was_last_known_to_live_at_its_last_own_event() -> None:
    assert take_overs([cut_off(), next_run()]) == [
        TakeOver("a", 1, 2, "w1", "w2", "worker_lost", at(5), at(22), 17.0, is_at_most=True)
    ]


@pytest.mark.parametrize(("died", "cause"), [(True, "runner_died"), (False, "worker_stopped")])
def test_a_worker_that_ended_the_run_itself_lost_no_time_before_that(died: bool, cause: str) -> None:
    (found,) = take_overs([cut_off(by="w1", died=died), next_run()])
    assert (found.cause, found.since, found.seconds, found.is_at_most) == (cause, at(20), 2.0, False)


def test_a_worker_that_took_over_from_itself_had_lost_its_lease() -> None:
    again = next_run()
    again.begun_in = "t2"
    (found,) = take_overs([cut_off(by="w1"), again])
    assert (found.cause, found.since, found.seconds, found.is_at_most) == ("worker_lost", at(5), 17.0, True)


def test_only_the_next_run_of_the_same_lock_takes_over() -> None:
    assert take_overs([cut_off(), next_run(lock="b")]) == []
    assert len(take_overs([cut_off(), next_run(3)])) == 1, "the run of a lost worker may take a fence to end"
    assert take_overs([cut_off(), next_run(4)]) == [], "runs between them are not among those drawn"
    assert take_overs([cut_off(by="w1", died=True), next_run(3)]) == []
    assert take_overs([cut_off(), next_run(1)]) == []


def test_a_lock_that_no_job_waited_for_was_not_taken_over() -> None:
    assert take_overs([cut_off(), next_run(queued=21)]) == []
    assert len(take_overs([cut_off(), next_run(queued=21), next_run(3, job="one")])) == 1
    assert len(take_overs([cut_off(), next_run(queued=21, job="one")])) == 1


def test_a_run_that_ended_or_goes_on_was_not_taken_over() -> None:
    ended, running = cut_off(), cut_off()
    ended.outcome = "Completed"
    running.ended_at = running.outcome = ""
    assert take_overs([ended, next_run()]) == []
    assert take_overs([running, next_run()]) == []
