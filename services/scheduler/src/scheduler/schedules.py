"""Schedules in the scheduler: submits the jobs of due times, and tells what became of them."""

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, Status, StatusCode

from contracts.schedules import ScheduleFiring
from contracts.telemetry import attributes as at
from contracts.telemetry import metrics, spans
from schedules import DueSchedules, FiringRow, Firings, ScheduleStore
from service_defaults.measures import counter, histogram
from submission import Acceptance, SubmissionService, SubmissionUnknownError

_SCOPE = "turnstile"

logger = logging.getLogger(__name__)


def due_schedules(store: ScheduleStore, submissions: SubmissionService) -> DueSchedules:
    """Return what fires the schedules that are due."""
    telemetry = ScheduleTelemetry()

    async def submit(firing: FiringRow) -> Acceptance:
        asked = firing.asked
        with telemetry.submission(firing) as (traceparent, span):
            accepted = await submissions.accept(asked, firing.actor, traceparent)
            span.set_attribute(at.JOB_SUBMISSION_OUTCOME, accepted.outcome)
            if submissions.kinds.knows(asked.kind):
                span.update_name(spans.SUBMIT_KIND.replace(f"{{{at.JOB_KIND}}}", asked.kind))
        return accepted

    return DueSchedules(store, Firings(store, submit), telemetry)


class ScheduleTelemetry:
    """Spans, measurements and log lines of schedules; a `schedules.DueObserver`."""

    def __init__(self) -> None:
        self._tracer = trace.get_tracer(_SCOPE)
        self._firings = counter(metrics.SCHEDULE_FIRINGS)
        self._lateness = histogram(metrics.SCHEDULE_LATENESS)

    @contextmanager
    def submission(self, firing: FiringRow) -> Iterator[tuple[str, Span]]:
        """Record the submission of a job, which begins its trace; yield the traceparent and the span."""
        asked = firing.asked
        about: dict[str, str | int] = {
            at.JOB_ID: firing.job_id,
            at.JOB_KIND: asked.kind,
            at.LOCK_NAME: asked.lock,
            at.JOB_PRIORITY: asked.priority,
            at.SCHEDULE_NAME: firing.name,
            at.SCHEDULE_DUE_AT: firing.due_at,
        }
        with self._tracer.start_as_current_span(
            spans.SUBMIT_JOB,
            Context(),
            attributes=about,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield _traceparent(), span
            except Exception as error:
                is_unknown = isinstance(error, SubmissionUnknownError)
                span.set_attribute(at.ERROR_TYPE, type(error).__name__)
                span.set_attribute(at.JOB_SUBMISSION_OUTCOME, "unknown" if is_unknown else "refused")
                if is_unknown:
                    span.set_status(Status(StatusCode.ERROR))
                raise

    def fired(self, row: FiringRow, said: ScheduleFiring, late_seconds: float) -> None:
        """Count and log what became of a firing."""
        self._firings.add(1, {at.SCHEDULE_OUTCOME: said.outcome})
        if row.trigger == "due":
            self._lateness.record(max(0.0, late_seconds))
        about: dict[str, str | float] = {
            at.SCHEDULE_NAME: row.name,
            at.SCHEDULE_DUE_AT: row.due_at,
            at.SCHEDULE_OUTCOME: said.outcome,
            at.SCHEDULE_LATE_SECONDS: round(late_seconds, 3),
            at.JOB_ID: said.job_id or row.job_id,
        }
        if said.outcome == "refused":
            logger.warning("schedule refused", extra=about | {at.REASON: said.detail})
        else:
            logger.info("schedule fired", extra=about)

    def missed(self, name: str, count: int) -> None:
        """Count and log due times that get no job."""
        self._firings.add(count, {at.SCHEDULE_OUTCOME: "missed"})
        logger.warning("due times missed", extra={at.SCHEDULE_NAME: name, at.SCHEDULE_MISSED: count})

    def unreadable(self, name: str, error: ValueError) -> None:
        """Log that a schedule cannot be read."""
        logger.error(
            "schedule cannot be read; update this scheduler",
            extra={at.SCHEDULE_NAME: name, at.ERROR_MESSAGE: str(error)},
        )


def _traceparent() -> str:
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    # Every job has a trace, also where nothing is exported.
    return carrier.get("traceparent") or f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
