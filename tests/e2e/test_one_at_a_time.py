"""Jobs under one lock keep apart and in order; jobs under two locks do not wait for each other."""

import signal

import pytest
from tests.e2e.journeys import assert_kept_apart, bring_under_way
from tests.e2e.stack import Stack
from tests.e2e.trails import assert_trails_kept_apart

pytestmark = pytest.mark.e2e


def test_thirty_jobs_on_three_workers_run_one_at_a_time_in_the_order_of_their_submission(
    stack: Stack,
) -> None:
    stack.crew(3)
    lock = stack.new_lock()
    jobs = [stack.api.submit("visit", lock, {"seconds": 0.1}) for _ in range(30)]
    for job in jobs:
        assert job.wait_for_end(60)["status"] == "Completed"
    runs = assert_kept_apart(stack, lock)
    assert [run.job_id for run in runs] == [job.id for job in jobs]
    assert len({run.worker for run in runs}) > 1, "the lock never moved from one worker to another"
    effects = stack.sink.effects(lock)
    expected = [(job.id, step) for job in jobs for step in ("enter", "leave")]
    assert [(effect.job, effect.step) for effect in effects] == expected
    assert all(effect.accepted for effect in effects)
    assert_trails_kept_apart(stack, jobs)


def test_a_more_urgent_job_overtakes_those_that_wait(stack: Stack) -> None:
    stack.crew(2)
    lock = stack.new_lock()
    first = bring_under_way(stack, "effects", lock, count=8, seconds=0.2).job
    patient = stack.api.submit("visit", lock)
    urgent = stack.api.submit("visit", lock, priority=0)
    state = patient.state()
    assert (state["position"], state["waiting_for"]["running"]) == (2, first.id)
    assert state["waiting_for"]["ahead"] == [urgent.id]
    for job in (first, patient, urgent):
        assert job.wait_for_end()["status"] == "Completed"
    runs = assert_kept_apart(stack, lock)
    assert [run.job_id for run in runs] == [first.id, urgent.id, patient.id]


@pytest.mark.parametrize(("workers", "places"), [(2, 1), (1, 2)])
def test_jobs_under_two_locks_run_at_the_same_time(stack: Stack, workers: int, places: int) -> None:
    stack.crew(workers, **({"concurrency": str(places)} if places > 1 else {}))
    one, other = (
        stack.api.submit("effects", stack.new_lock(), {"count": 10, "seconds": 0.2}) for _ in range(2)
    )
    states = [job.wait_for_end() for job in (one, other)]
    assert [state["status"] for state in states] == ["Completed", "Completed"]
    assert len({state["worker"] for state in states}) == workers
    (first,), (second,) = (assert_kept_apart(stack, job.lock) for job in (one, other))
    assert max(first.began, second.began) < min(first.ended, second.ended), "they did not run at once"


def test_a_worker_with_one_place_hears_the_wake_ups_of_many_locks_without_the_sweepers_help(
    stack: Stack,
) -> None:
    stack.crew(1)
    stack.scheduler.signal(signal.SIGSTOP)
    try:
        jobs = [stack.api.submit("visit", stack.new_lock()) for _ in range(20)]
        for job in jobs:
            assert job.wait_for_end(20)["status"] == "Completed"
    finally:
        stack.scheduler.signal(signal.SIGCONT)
