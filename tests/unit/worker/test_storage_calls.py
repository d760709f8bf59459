"""Storage calls of a worker are kept for the action that made them, and lead to no other trace."""

import asyncio

from opentelemetry import trace
from tests.unit.captured import Captured

from azure_storage.calls import CallOutcome, StorageCall
from contracts.telemetry import attributes as at
from contracts.telemetry import metrics
from worker.telemetry.storage_calls import StorageCalls, trace_calls


async def test_a_call_is_kept_for_the_observation_of_its_action(captured: Captured) -> None:
    calls = StorageCalls()

    async def read() -> None:
        calls.observe(StorageCall("journal.read", CallOutcome.UNKNOWN, 0.25))

    with trace_calls() as took:
        calls.observe(StorageCall("journal.commit", CallOutcome.OK, 0.5))
        await asyncio.create_task(read())
    calls.observe(StorageCall("leases.release", CallOutcome.OK, 0.5))
    assert [(call.operation, call.outcome) for call in took.calls] == [
        ("journal.commit", "ok"),
        ("journal.read", "unknown"),
    ]
    assert [call.ended - call.began for call in took.calls] == [500_000_000, 250_000_000]
    assert captured.spans() == []


def test_each_action_has_calls_of_its_own() -> None:
    calls = StorageCalls()
    with trace_calls() as outer:
        with trace_calls() as inner:
            calls.observe(StorageCall("journal.read", CallOutcome.OK, 0.1))
        calls.observe(StorageCall("journal.commit", CallOutcome.OK, 0.1))
    with trace_calls() as other:
        pass
    found = [[call.operation for call in took.calls] for took in (outer, inner, other)]
    assert found == [["journal.commit"], ["journal.read"], []]


def test_a_call_that_is_repeated_without_an_answer_says_how_often_it_was_sent_before() -> None:
    calls = StorageCalls()
    with trace_calls() as took:
        for outcome in ("unknown", "denied", "refused", "ok"):
            calls.observe(StorageCall("journal.commit", CallOutcome(outcome), 0.1))
        calls.observe(StorageCall("journal.read", CallOutcome.UNKNOWN, 0.1))
        calls.observe(StorageCall("journal.commit", CallOutcome.OK, 0.1))
    assert [call.resends for call in took.calls] == [0, 1, 2, 0, 0, 0]


def test_a_call_outside_of_any_action_is_only_measured(captured: Captured) -> None:
    with trace.get_tracer("test").start_as_current_span("another job's wake-up"):
        StorageCalls().observe(StorageCall("leases.renew", CallOutcome.OK, 0.5))
    (point,) = captured.points(metrics.STORAGE_CALL_DURATION)
    assert point.attributes == {at.STORAGE_OPERATION: "leases.renew", at.STORAGE_OUTCOME: "ok"}
    assert (point.count, point.sum) == (1, 0.5)
    assert [span.name for span in captured.spans()] == ["another job's wake-up"]
    assert point.exemplars == []
