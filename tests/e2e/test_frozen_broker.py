"""A RabbitMQ that is there and does not answer, for longer than its connections live."""

import signal

import httpx
import pytest
from azure.storage.blob import BlobServiceClient
from tests.e2e.journeys import assert_finished, assert_kept_apart, bring_under_way
from tests.e2e.services import Service
from tests.e2e.stack import Stack
from tests.e2e.waiting import until

from contracts import lock_names

pytestmark = pytest.mark.e2e

#: Seconds after which a connection that nothing comes over is given up, and some.
_GIVEN_UP_SECONDS = 50


def has_given_up_its_connection(worker: Service) -> bool:
    return "not connected to RabbitMQ" in httpx.get(f"{worker.url}/health/ready", timeout=5).text


def lease_of(stack: Stack, lock: str) -> str:
    with BlobServiceClient.from_connection_string(stack.azurite.connection_string) as service:
        blob = service.get_blob_client(f"{stack.namespace}locks", lock_names.partition(lock))
        return str(blob.get_blob_properties().lease.state)


def test_a_worker_with_a_free_place_listens_again_after_rabbitmq_was_frozen(stack: Stack) -> None:
    (worker,) = stack.crew(1)
    pid = worker.pid
    at_work = bring_under_way(stack, "effects", stack.new_lock(), count=12, seconds=0.2)
    stack.rabbitmq.pause()
    try:
        # Now its place is free, and it asks RabbitMQ for wake-ups.
        assert at_work.job.wait_for_end()["status"] == "Completed"
        until(lambda: has_given_up_its_connection(worker), _GIVEN_UP_SECONDS, "the connection to be given up")
    finally:
        stack.rabbitmq.resume()
    stack.wait_until_all_work()
    assert stack.api.submit("visit", stack.new_lock()).wait_for_end()["status"] == "Completed"
    assert worker.pid == pid


def test_a_worker_that_is_told_to_stop_while_rabbitmq_is_frozen_hands_its_job_over(stack: Stack) -> None:
    (worker,) = stack.crew(1)
    at_work = bring_under_way(stack, "effects", stack.new_lock(), count=40, seconds=0.2)
    stack.rabbitmq.pause()
    try:
        worker.signal(signal.SIGTERM)
        journal = stack.records.journal
        until(
            lambda: "Interrupted" in [event.status for event in journal(at_work.job.lock)],
            5,
            "the job to be interrupted",
        )
        until(lambda: lease_of(stack, at_work.job.lock) == "available", 3, "the lease to be released")
        assert worker.wait() == 0
    finally:
        stack.rabbitmq.resume()
    stack.crew(1)
    result = assert_finished(stack, at_work.job, attempts=2, within=60)
    assert result["done_before"] >= 2
    assert_kept_apart(stack, at_work.job.lock)
    stack.wait_until_all_work()
