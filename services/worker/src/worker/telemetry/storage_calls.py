"""Storage calls of a worker: those of an action of the protocol are reported with it, when it is over."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from azure_storage.calls import StorageCall
from coordination.call_tracing import Took
from service_defaults.storage_telemetry import StorageTelemetry
from worker.telemetry.anchors import NO_TRACE

#: The action that the calling code is part of, also in tasks that the action has started.
_action: ContextVar[Took | None] = ContextVar("worker_action", default=None)


@contextmanager
def trace_calls() -> Iterator[Took]:
    """Gather the storage calls of an action."""
    took = Took(time.time_ns())
    token = _action.set(took)
    try:
        yield took
    finally:
        _action.reset(token)


class StorageCalls:
    """Observes the worker's storage calls."""

    def __init__(self) -> None:
        self._telemetry = StorageTelemetry()

    def observe(self, call: StorageCall) -> None:
        """Measure a call, and keep it for the span of the action that it belongs to."""
        took = _action.get()
        # Which job's trace it belongs to is not known yet, and the current one may be another's.
        previous = took.calls[-1] if took is not None and took.calls else None
        timed = self._telemetry.measure(call, previous, NO_TRACE)
        if took is not None:
            took.calls.append(timed)
