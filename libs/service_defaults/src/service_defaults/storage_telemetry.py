"""Storage calls as measurements, and on the spans that waited for them: counted, or as spans of their own."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, TracerProvider

from contracts.telemetry import attributes as at
from contracts.telemetry import metrics
from service_defaults.measures import histogram

_SCOPE = "turnstile"

#: Outcomes of a call that was answered.
_ANSWERS = {"ok", "refused"}

#: Nanoseconds from which on a call is a span: a trace shows what happens to a job, and every request would
#: hide that.
_SLOW = 500_000_000

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

    @property
    def is_remarkable(self) -> bool:
        """Whether a trace shows it as a span: it failed, was sent again or was slow."""
        return self.is_unanswered or self.resends > 0 or self.ended - self.began >= _SLOW


class StorageTelemetry:
    """Observes the storage calls of a service."""

    def __init__(self) -> None:
        self._durations = histogram(metrics.STORAGE_CALL_DURATION)
        #: Calls without an answer by the span under which they were made, until the next one there.
        self._unanswered: dict[int, TimedCall] = {}

    def observe(self, call: Call) -> None:
        """Measure a call that is just over, and show it on the current span.

        A request that several share is shown on the span of each, and measured by itself.
        """
        current = trace.get_current_span()
        span_id = current.get_span_context().span_id
        timed = self.measure(call, self._unanswered.pop(span_id, None))
        if not current.is_recording():
            return
        _count(current, timed)
        if timed.is_remarkable:
            storage_span(timed)
        if timed.is_unanswered:
            self._unanswered[span_id] = timed
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


def counted(calls: Sequence[TimedCall]) -> Mapping[str, int | float]:
    """Return the attributes of a span that waited for these calls."""
    if not calls:
        return {}
    seconds = sum(call.ended - call.began for call in calls) / 1e9
    return {at.STORAGE_CALLS: len(calls), at.STORAGE_SECONDS: round(seconds, 6)}


def _count(span: Span, call: TimedCall) -> None:
    """Add a call to those that the span has waited for."""
    so_far = (span.attributes if isinstance(span, ReadableSpan) else None) or {}
    calls, seconds = so_far.get(at.STORAGE_CALLS, 0), so_far.get(at.STORAGE_SECONDS, 0.0)
    if isinstance(calls, int) and isinstance(seconds, int | float):
        took = round(seconds + (call.ended - call.began) / 1e9, 6)
        span.set_attributes({at.STORAGE_CALLS: calls + 1, at.STORAGE_SECONDS: took})


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
