"""Whatever part of a worker is killed, its job goes on elsewhere in time; nothing recorded is repeated."""

import signal
from statistics import median

import psutil
import pytest
from tests.e2e.journeys import assert_finished, assert_kept_apart, bring_under_way, next_start, now
from tests.e2e.services import is_alive
from tests.e2e.stack import LEASE_SECONDS, TAKE_OVER_SECONDS, Stack
from tests.e2e.waiting import until

pytestmark = pytest.mark.e2e


def test_a_job_whose_runner_is_killed_starts_again_within_three_seconds(stack: Stack) -> None:
    stack.crew(2)
    took = []
    for _ in range(3):
        at_work = bring_under_way(stack, "effects", stack.new_lock(), count=8, seconds=0.2)
        killed = now()
        at_work.runner.kill()
        again = next_start(stack, at_work.job, 2, within=LEASE_SECONDS)
        took.append(again.committed - killed)
        result = assert_finished(stack, at_work.job, attempts=2)
        assert result["done_before"] >= 2
        assert result["found"] == {"reached": result["done_before"]}
        assert_kept_apart(stack, at_work.job.lock)
        assert at_work.worker.is_ready
    # One slow moment of a busy machine does not decide.
    assert median(took) < 3, took


def test_a_job_whose_supervisor_is_killed_starts_elsewhere_once_the_lease_has_run_out(stack: Stack) -> None:
    stack.crew(2)
    at_work = bring_under_way(stack, "effects", stack.new_lock(), count=8, seconds=0.2)
    family = at_work.worker.family()
    killed = now()
    at_work.worker.kill()
    until(
        lambda: not any(map(is_alive, family)),
        2,
        "the runner and the deadline enforcer to follow the supervisor",
    )
    again = next_start(stack, at_work.job, 2, within=2 * TAKE_OVER_SECONDS)
    assert again.committed - killed <= TAKE_OVER_SECONDS
    assert again.worker != at_work.worker.name
    assert_finished(stack, at_work.job, attempts=2)
    assert_kept_apart(stack, at_work.job.lock)


def test_a_worker_killed_whole_is_replaced_by_one_that_watches_its_lock(stack: Stack) -> None:
    stack.crew(2)
    lock = stack.new_lock()
    at_work = bring_under_way(stack, "effects", lock, count=8, seconds=0.2)
    waiting = stack.api.submit("visit", lock)
    family = at_work.worker.family()
    killed = now()
    for process in reversed(family):
        with_signal(process, signal.SIGKILL)
    again = next_start(stack, at_work.job, 2, within=2 * TAKE_OVER_SECONDS)
    assert again.committed - killed <= TAKE_OVER_SECONDS
    assert_finished(stack, at_work.job, attempts=2)
    assert waiting.wait_for_end()["status"] == "Completed"
    runs = assert_kept_apart(stack, lock)
    assert [run.job_id for run in runs] == [at_work.job.id, at_work.job.id, waiting.id]


def test_a_job_that_nobody_is_left_to_watch_is_found_by_the_next_scheduler(stack: Stack) -> None:
    stack.crew(1)
    at_work = bring_under_way(stack, "effects", stack.new_lock(), count=8, seconds=0.2)
    killed = now()
    at_work.worker.kill()
    stack.scheduler.kill()
    try:
        # Nothing is left to come back: the next scheduler alone can find the job.
        stack.broker.purge(stack.broker.topology.jobs_queue)
    finally:
        stack.scheduler.start()
    stack.crew(1)
    again = next_start(stack, at_work.job, 2, within=2 * (TAKE_OVER_SECONDS + LEASE_SECONDS))
    assert again.committed - killed <= TAKE_OVER_SECONDS + LEASE_SECONDS
    assert_finished(stack, at_work.job, attempts=2)
    assert_kept_apart(stack, at_work.job.lock)


def with_signal(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return  # it has followed another that was killed a moment ago
