"""A worker that is told to stop hands its job over at once, with what it saved, and leaves nothing behind."""

import signal
import socket

import pytest
from tests.e2e.journeys import assert_finished, assert_kept_apart, bring_under_way, next_start
from tests.e2e.services import is_alive
from tests.e2e.stack import Stack
from tests.e2e.waiting import until

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


def test_a_worker_that_was_stopped_is_told_apart_from_one_that_died(stack: Stack) -> None:
    stopped, died, again = stack.crew(3)
    names = {stopped.name, died.name, again.name}
    until(lambda: names <= _stopped_at(stack).keys(), 20, "the heartbeats of the workers")
    died.kill()
    for worker in (stopped, again):
        assert worker.stop() == 0
    again.launch()
    again.wait_until_ready()
    _wait_until_alive(stack, again.name)
    found = _stopped_at(stack)
    assert found[stopped.name] is not None
    assert found[died.name] is None


def test_the_other_services_say_that_they_were_stopped(stack: Stack) -> None:
    for service in (stack.scheduler, stack.projector):
        name = f"{socket.gethostname()}-{service.pid}"
        _wait_until_alive(stack, name)
        assert service.stop() == 0
        assert _stopped_at(stack)[name] is not None
        service.launch()
        service.wait_until_ready()


def _wait_until_alive(stack: Stack, name: str) -> None:
    until(lambda: _stopped_at(stack).get(name, "never heard") is None, 20, f"{name} to be alive")


def _stopped_at(stack: Stack) -> dict[str, str | None]:
    """Return when each process was stopped, by name."""
    found: dict[str, str | None] = {}
    for path, name in (("workers", "worker"), ("instances", "instance")):
        answer = stack.api.client.get(f"/api/v1/{path}").raise_for_status().json()
        found |= {each[name]: each["stopped_at"] for each in answer["items"]}
    return found
