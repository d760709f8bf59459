"""A worker that is told to stop hands its job over at once, with what it saved, and leaves nothing behind."""

import signal

import pytest
from tests.e2e.journeys import assert_finished, assert_kept_apart, bring_under_way, next_start
from tests.e2e.services import is_alive
from tests.e2e.stack import Stack

pytestmark = pytest.mark.e2e


def test_a_stopped_worker_hands_its_job_over_in_less_than_a_second_with_what_it_had_saved(
    stack: Stack,
) -> None:
    stack.crew(2)
    at_work = bring_under_way(stack, "effects", stack.new_lock(), count=12, seconds=0.3)
    family = at_work.worker.family()
    at_work.worker.signal(signal.SIGTERM)
    again = next_start(stack, at_work.job, 2, within=10)
    assert again.worker != at_work.worker.name
    journal = stack.records.journal(at_work.job.lock)
    given_up = next(event for event in journal if event.status == "Interrupted")
    assert given_up.worker == at_work.worker.name
    assert again.committed - given_up.committed < 1
    assert at_work.worker.wait() == 0
    assert not [process for process in family if is_alive(process)]

    result = assert_finished(stack, at_work.job, attempts=2)
    assert result["found"] == {"reached": result["done_before"]}
    assert result["done_before"] >= 2
    assert_kept_apart(stack, at_work.job.lock)


def test_a_stopped_worker_lets_its_job_finish_within_the_grace_period(stack: Stack) -> None:
    (worker,) = stack.crew(1, grace_seconds="20")
    at_work = bring_under_way(stack, "effects", stack.new_lock(), count=8, seconds=0.2)
    left = stack.api.submit("visit", at_work.job.lock)
    assert at_work.worker is worker
    assert worker.stop() == 0
    assert_finished(stack, at_work.job, attempts=1)
    assert left.state()["status"] == "Queued"
    stack.crew(1)
    assert left.wait_for_end()["status"] == "Completed"
