"""Telemetry of the projection: what is projected, how far behind it is, and what the proof finds."""

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import assert_never

from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from audit_projector.observations import EventsProjected, ExclusionViolated, Observation, TrailBroken
from contracts.telemetry import attributes as at
from contracts.telemetry import metrics, spans
from service_defaults.measures import counter, histogram

#: A header of the first version (www.w3.org/TR/trace-context), without ids of zeros, which name nothing.
_TRACEPARENT = re.compile("00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-(0[0-3])")

logger = logging.getLogger(__name__)


class ProjectionTelemetry:
    """The audit-projector's span events, instruments and log lines."""

    def __init__(self) -> None:
        self._events = counter(metrics.EVENTS_PROJECTED)
        self._lag = histogram(metrics.PROJECTION_LAG)
        self._breaks = counter(metrics.TRAIL_BREAKS)
        self._violations = counter(metrics.EXCLUSION_VIOLATIONS)
        # What an alert watches must be there before it first happens.
        self._breaks.add(0)
        self._violations.add(0)

    @contextmanager
    def projecting(
        self, lock: str, job_id: str, traceparent: str | None = None
    ) -> Iterator[Callable[[int], None]]:
        """Watch one try to project a job, and return the function that takes the number of events.

        It is noted on the span of the message, which is about many jobs, and not in the job's trace, which
        shows what happens to the job. A link leads to the job's submission.
        """
        message = trace.get_current_span()
        about: dict[str, str] = {}
        if message.is_recording():
            about = {at.JOB_ID: job_id, at.LOCK_NAME: lock}
            if traceparent:
                submission = trace.get_current_span(_context_of(traceparent)).get_span_context()
                if submission.is_valid:
                    message.add_link(submission, {at.JOB_ID: job_id})
        try:
            yield lambda events: message.add_event(spans.JOB_PROJECTED, {**about, at.JOB_EVENT_COUNT: events})
        except Exception as error:
            message.add_event(spans.PROJECTION_FAILED, {**about, at.ERROR_TYPE: type(error).__name__})
            raise

    def observe(self, observation: Observation) -> None:
        """Measure and log what the projection noticed."""
        match observation:
            case EventsProjected():
                self._projected(observation)
            case TrailBroken(event):
                self._breaks.add(1)
                logger.error(
                    "audit trail is broken: this event does not follow from the one before",
                    extra={
                        at.JOB_ID: event.job_id,
                        at.LOCK_NAME: event.lock_name,
                        at.JOB_EVENT_NUMBER: event.seq,
                    },
                )
            case ExclusionViolated():
                self._violations.add(1)
                logger.critical(
                    "exclusion violated",
                    extra={
                        at.LOCK_NAME: observation.lock,
                        at.LOCK_FENCE: observation.fence,
                        at.JOB_ID: observation.job_id,
                        at.OTHER_FENCE: observation.other_fence,
                        at.OTHER_JOB_ID: observation.other_job_id,
                        at.REASON: observation.reason,
                    },
                )
            case _:
                assert_never(observation)

    def _projected(self, seen: EventsProjected) -> None:
        if seen.afresh:
            return
        self._events.add(len(seen.events))
        now = datetime.now(UTC)
        for event in seen.events:
            # The time is the writer's, whose clock may be ahead of this one.
            self._lag.record(max(0.0, (now - datetime.fromisoformat(event.timestamp)).total_seconds()))


def _context_of(traceparent: str) -> Context:
    """Return the context that a job's own header names, which is written in one form as a rule."""
    found = _TRACEPARENT.fullmatch(traceparent)
    if found is None:
        return propagate.extract({"traceparent": traceparent}, Context())
    named = SpanContext(int(found[1], 16), int(found[2], 16), True, TraceFlags(int(found[3], 16)))
    return trace.set_span_in_context(NonRecordingSpan(named), Context())
