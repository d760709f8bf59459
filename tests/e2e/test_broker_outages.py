"""RabbitMQ carries hints only: without it jobs go on, and so does their trail; what it loses is found."""

import json

import pytest
from tests.e2e.journeys import assert_finished, assert_kept_apart, bring_under_way
from tests.e2e.stack import Stack
from tests.e2e.waiting import until

from contracts import topology
from contracts.identifiers import new_id

pytestmark = pytest.mark.e2e

#: Seconds within which a job under a free lock has started without RabbitMQ, and ended.
_WITHOUT_BROKER_SECONDS = 10 + 5


def test_jobs_run_on_and_are_accepted_while_rabbitmq_is_dead_and_all_run_after_its_restart(
    stack: Stack,
) -> None:
    # FastStream reports handlers that were busy when the connection broke.
    stack.expected_tracebacks.append("CancelledError: Server connection reset")
    stack.crew(2)
    lock = stack.new_lock()
    at_work = bring_under_way(stack, "effects", lock, count=25, seconds=0.2)
    waiting = stack.api.submit("visit", lock)
    before = len(stack.sink.effects(lock, at_work.job.id))
    stack.rabbitmq.kill()
    try:
        during = [stack.api.submit("visit", name) for name in (lock, stack.new_lock())]
        stack.sink.wait_for_effect(lock, at_work.job.id, more_than=before + 5)
        # The one under a free lock: the worker that has a place looks into the register by itself.
        assert during[1].wait_for_end(_WITHOUT_BROKER_SECONDS)["status"] == "Completed"
        assert during[0].state()["status"] == "Queued"
        # No message told the audit-projector of its end: it looks into the journal by itself.
        until(lambda: during[1].id not in stack.records.active_jobs(), 20, "its end to be in the trail")
        until(lambda: not stack.publisher.is_ready, 10, "the publisher to say that RabbitMQ is away")
    finally:
        stack.rabbitmq.start()
    assert_finished(stack, at_work.job, attempts=1)
    for job in (waiting, *during):
        assert job.wait_for_end(60)["status"] == "Completed"
    runs = assert_kept_apart(stack, lock)
    assert [run.job_id for run in runs] == [at_work.job.id, waiting.id, during[0].id]
    stack.wait_until_all_work()


def test_a_job_whose_wake_up_was_lost_is_notified_of_by_the_sweeper(stack: Stack) -> None:
    stack.crew(0)
    job = stack.api.submit("visit", stack.new_lock())
    wake_ups = stack.broker.topology.jobs_queue
    # The publisher answers before RabbitMQ has the wake-up, if RabbitMQ was away until just now.
    until(lambda: stack.broker.ready(wake_ups) >= 1, 30, "the wake-up to reach RabbitMQ")
    assert stack.broker.purge(wake_ups) >= 1
    stack.crew(1)
    assert job.wait_for_end(30)["status"] == "Completed"


def test_a_message_that_nobody_understands_is_set_aside_with_the_reason_and_delays_nobody(
    stack: Stack,
) -> None:
    stack.crew(1)
    names = stack.broker.topology
    stack.broker.quarantined()
    unreadable = [b"not json", b'{"version": 1}', b'{"version": 7, "lock": "ledger"}']
    for body in unreadable:
        stack.broker.send(names.jobs_exchange, topology.RUN, body)
    job = stack.api.submit("visit", stack.new_lock())
    assert job.wait_for_end()["status"] == "Completed"
    until(lambda: stack.broker.ready(names.quarantine_queue) == len(unreadable), 10, "all to be set aside")
    found = {message.body: message.reason for message in stack.broker.quarantined()}
    assert set(found) == set(unreadable)
    assert "JSON" in found[unreadable[0]]
    assert "lock" in found[unreadable[1]]
    assert "version" in found[unreadable[2]]


def test_a_job_can_be_submitted_by_a_message_any_number_of_times_and_runs_once(stack: Stack) -> None:
    stack.crew(1)
    lock, job_id = stack.new_lock(), new_id()
    command = {"job": {"kind": "visit", "lock": lock, "job_id": job_id}, "actor": "billing"}
    for _ in range(3):
        stack.broker.send(stack.broker.topology.jobs_exchange, topology.SUBMIT, json.dumps(command).encode())
    url = f"/api/v1/jobs/{job_id}"
    until(lambda: stack.api.client.get(url).is_success, 15, "the job to be accepted")
    job = stack.api.job(job_id, lock)
    assert job.wait_for_end()["status"] == "Completed"
    until(lambda: stack.broker.ready(stack.broker.topology.submissions_queue) == 0, 10, "an empty queue")
    assert len(assert_kept_apart(stack, lock)) == 1
    assert job.events()[0]["actor"] == "billing"
