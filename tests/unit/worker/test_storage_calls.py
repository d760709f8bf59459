"""Storage calls of a worker are kept for the operation that made them, and lead to no other trace."""

from opentelemetry import trace
from tests.unit.captured import Captured

from azure_storage.calls import CallOutcome, StorageCall
from contracts.telemetry import attributes as at
from contracts.telemetry import metrics
from coordination.call_tracing import current_operation, operation
from service_defaults.storage_telemetry import TimedCall
from worker.telemetry.storage_calls import StorageCalls


async def test_a_call_is_kept_for_the_span_of_its_operation(captured: Captured) -> None:
    observed = StorageCalls()
    kept: list[TimedCall] = []

    @operation
    async def operate() -> None:
        observed.observe(StorageCall("journal.commit", CallOutcome.OK, 0.5))
        observed.observe(StorageCall("journal.read", CallOutcome.UNKNOWN, 0.25))
        current = current_operation()
        assert current is not None
        kept.extend(current.calls)

    await operate()
    assert [(call.operation, call.outcome) for call in kept] == [
        ("journal.commit", "ok"),
        ("journal.read", "unknown"),
    ]
    assert [call.ended - call.began for call in kept] == [500_000_000, 250_000_000]
    assert captured.spans() == []


def test_a_call_outside_of_any_operation_is_only_measured(captured: Captured) -> None:
    with trace.get_tracer("test").start_as_current_span("another job's wake-up"):
        StorageCalls().observe(StorageCall("leases.renew", CallOutcome.OK, 0.5))
    (point,) = captured.points(metrics.STORAGE_CALL_DURATION)
    assert point.attributes == {at.STORAGE_OPERATION: "leases.renew", at.STORAGE_OUTCOME: "ok"}
    assert (point.count, point.sum) == (1, 0.5)
    assert [span.name for span in captured.spans()] == ["another job's wake-up"]
    assert point.exemplars == []
