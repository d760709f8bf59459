"""Cancelling many jobs: what was done is known, the rest can be repeated."""

import threading

import pytest

from dashboard.bulk import BulkAction, Chosen, Done
from dashboard.publisher_api import NotFoundError, PublisherAwayError, RefusedError


def jobs(count: int) -> list[Chosen]:
    return [Chosen(f"id-{number}", f"Job {number}", "Running", "ledger") for number in range(count)]


class Publisher:
    """Cancels jobs; refuses some, and goes away after so many."""

    def __init__(self, refuses: frozenset[str] = frozenset(), *, away_after: int | None = None) -> None:
        self.refuses = refuses
        self.away_after = away_after
        self.cancelled: list[str] = []
        self._mutex = threading.Lock()

    def __call__(self, job: Chosen) -> Done:
        with self._mutex:
            if self.away_after is not None and len(self.cancelled) >= self.away_after:
                raise PublisherAwayError("the publisher does not answer", may_be_done=True)
            if job.job_id in self.refuses:
                raise RefusedError("the job has ended already: Completed", "cancel_too_late")
            if job.job_id == "id-66":
                raise NotFoundError("no such job")
            self.cancelled.append(job.job_id)
            return Done(job_id=f"new-{job.job_id}")


def test_every_job_is_done_once_or_refused_with_its_reason() -> None:
    publisher = Publisher(frozenset({"id-3", "id-90"}))
    action = BulkAction(jobs(100), publisher)
    action.start()
    action.wait()
    standing = action.standing
    assert (standing.total, len(standing.done), standing.left, standing.away) == (100, 97, (), "")
    assert {(job.job_id, done.job_id) for job, done in standing.done} == {
        (job_id, f"new-{job_id}") for job_id in publisher.cancelled
    }
    assert standing.is_complete
    assert sorted(publisher.cancelled) == sorted(
        {job.job_id for job in jobs(100)} - {"id-3", "id-66", "id-90"}
    )
    assert {job.job_id: why for job, why in standing.refused} == {
        "id-3": "the job has ended already: Completed",
        "id-66": "no such job",
        "id-90": "the job has ended already: Completed",
    }


def test_when_the_publisher_goes_away_the_rest_is_left_and_can_be_repeated() -> None:
    publisher = Publisher(away_after=40)
    action = BulkAction(jobs(65), publisher)
    action.start()
    action.wait()
    standing = action.standing
    assert (len(standing.done), len(standing.left), standing.is_running) == (40, 25, False)
    assert standing.away == "the publisher does not answer"
    assert {job.job_id for job in standing.left} | set(publisher.cancelled) == {j.job_id for j in jobs(65)}
    publisher.away_after = None
    action.start()
    action.wait()
    assert (len(action.standing.done), action.standing.left, action.standing.away) == (65, (), "")
    assert len(publisher.cancelled) == len(set(publisher.cancelled)) == 65


def test_one_answer_that_does_not_come_stops_all_the_others() -> None:
    def act(job: Chosen) -> Done:
        if job.job_id == "id-0":
            raise PublisherAwayError("the publisher does not answer", may_be_done=True)
        while not action.standing.away:
            threading.Event().wait(0.001)
        return Done()

    action = BulkAction(jobs(50), act)
    action.start()
    action.wait()
    assert len(action.standing.done) <= 3, "no more than were under way"
    assert len(action.standing.done) + len(action.standing.left) == 50


def test_a_person_can_stop_it_and_go_on() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def act(job: Chosen) -> Done:
        begun.set()
        assert go_on.wait(10)
        return Done()

    action = BulkAction(jobs(50), act)
    action.start()
    assert begun.wait(10)
    action.stop()
    assert action.standing.is_running
    assert len(action.standing.left) == 50, "what is under way is not done yet"
    go_on.set()
    action.wait()
    standing = action.standing
    assert 1 <= len(standing.done) <= 4
    assert (len(standing.left), standing.is_running, standing.away) == (50 - len(standing.done), False, "")
    assert not standing.is_complete
    action.start()
    action.wait()
    assert action.standing.is_complete


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_error_nobody_expects_leaves_the_job_to_be_repeated() -> None:
    def act(job: Chosen) -> Done:
        raise ZeroDivisionError("at last")

    action = BulkAction(jobs(1), act)
    action.start()
    action.wait()
    assert action.standing.away == "ZeroDivisionError: at last"
    assert len(action.standing.left) == 1


def test_nothing_to_do_is_done_at_once() -> None:
    action = BulkAction([], Publisher())
    action.start()
    action.wait()
    assert action.standing.is_complete
