"""Storage calls of a worker: those of an operation of the protocol are told with it, when it is over."""

from azure_storage.calls import StorageCall
from coordination.call_tracing import current_operation
from service_defaults.storage_telemetry import StorageTelemetry
from worker.telemetry.anchors import NO_TRACE


class StorageCalls:
    """Observes the worker's storage calls."""

    def __init__(self) -> None:
        self._telemetry = StorageTelemetry()

    def observe(self, call: StorageCall) -> None:
        """Measure a call, and keep it for the span of the operation it belongs to."""
        # Which job's trace it belongs to is not known yet, and the current one may be another's.
        timed = self._telemetry.measure(call, NO_TRACE)
        operation = current_operation()
        if operation is not None:
            operation.calls.append(timed)
