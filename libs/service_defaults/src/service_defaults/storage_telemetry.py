"""Storage calls as measurements, and as spans under what made them."""

import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer, TracerProvider

from contracts.telemetry import attributes as at
from contracts.telemetry import metrics
from service_defaults.measures import histogram

_SCOPE = "turnstile"

#: Outcomes of a call that was answered.
_ANSWERS = {"ok", "refused"}

#: Most unanswered calls that are remembered.
_MOST_UNANSWERED = 1000


class Call(Protocol):
    """A storage call that is over (`azure_storage.calls.StorageCall`)."""

    @property
    def operation(self) -> str:
        """Port and call."""

    @property
    def outcome(self) -> str:
        """What is known after it."""

    @property
    def seconds(self) -> float:
        """How long it took."""

    @property
    def is_shared(self) -> bool:
        """Whether this is how one of several callers saw a request that is reported by itself, too."""


@dataclass(frozen=True)
class TimedCall:
    """A storage call with its place in time: nanoseconds since the epoch."""

    operation: str
    outcome: str
    began: int
    ended: int
    #: How often it was sent before without an answer.
    resends: int = 0

    @property
    def is_unanswered(self) -> bool:
        """Whether it is unknown what came of it."""
        return self.outcome not in _ANSWERS


class StorageTelemetry:
    """Observes the storage calls of a service."""

    def __init__(self) -> None:
        self._durations = histogram(metrics.STORAGE_CALL_DURATION)
        #: Calls without an answer by the span under which they were made, until the next one there.
        self._unanswered: dict[int, TimedCall] = {}

    def observe(self, call: Call) -> None:
        """Measure a call that is just over, and make its span where another is current.

        Of a request that several share, each makes a span, and the request itself is measured.
        """
        parent = trace.get_current_span().get_span_context()
        timed = self.measure(call, self._unanswered.pop(parent.span_id, None))
        if not parent.is_valid:
            return
        storage_span(timed)
        if timed.is_unanswered:
            self._unanswered[parent.span_id] = timed
            while len(self._unanswered) > _MOST_UNANSWERED:
                del self._unanswered[next(iter(self._unanswered))]

    def measure(
        self, call: Call, previous: TimedCall | None = None, context: Context | None = None
    ) -> TimedCall:
        """Measure a call that is just over; its exemplar leads to the context's trace, or the current one.

        After `previous`, the same call without an answer, it counts as one more resend.
        """
        labels: dict[str, str] = {at.STORAGE_OPERATION: call.operation}
        labels[at.STORAGE_OUTCOME] = str(call.outcome)
        if not call.is_shared:
            self._durations.record(call.seconds, labels, context)
        ended = time.time_ns()
        is_resend = previous is not None and previous.is_unanswered and previous.operation == call.operation
        resends = previous.resends + 1 if previous is not None and is_resend else 0
        return TimedCall(call.operation, str(call.outcome), ended - int(call.seconds * 1e9), ended, resends)


def storage_span(call: TimedCall, parent: Context | None = None) -> None:
    """Make the span of a call, as a child of the current span or of the given context's."""
    about: dict[str, str | int] = {at.STORAGE_OPERATION: call.operation, at.STORAGE_OUTCOME: call.outcome}
    if call.resends:
        about[at.RESEND_COUNT] = call.resends
    if call.is_unanswered:
        about[at.ERROR_TYPE] = call.outcome
    span = _tracer(trace.get_tracer_provider()).start_span(
        call.operation, parent, SpanKind.CLIENT, {**about}, start_time=call.began
    )
    if at.ERROR_TYPE in about:
        span.set_status(Status(StatusCode.ERROR))
    span.end(call.ended)


@lru_cache(1)
def _tracer(provider: TracerProvider) -> Tracer:
    """Return the tracer of a provider, which takes as long to look up as a span to make."""
    return provider.get_tracer(_SCOPE)
