"""Telemetry of submissions and cancellations: a span for each, and what came of submissions."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from opentelemetry import propagate, trace
from opentelemetry.trace import Span, Status, StatusCode

from contracts.jobs import Submission
from contracts.telemetry import attributes as at
from contracts.telemetry import metrics, spans
from coordination.clients.cancellation import CancelTooLateError
from coordination.clients.submission import JobExistsError
from coordination.journal.rows import JobRow
from coordination.ports import InvalidTransactionError, UnknownOutcomeError
from publisher.tracing import context_of, current_traceparent
from service_defaults.measures import counter
from submission import InvalidSubmissionError, SubmissionUnknownError

_SCOPE = "turnstile"

#: The kind of submissions that name none, or one that nobody knows: there is no end to what can be made up.
_UNKNOWN_KIND = "(unknown)"

_REFUSALS = (InvalidSubmissionError, InvalidTransactionError)


class Submitting:
    """A submission on its way; tells its span what is known of it."""

    def __init__(self, span: Span) -> None:
        self._span = span
        self.kind: str | None = None
        #: That of the span: what happens to the job later hangs under it.
        self.traceparent = current_traceparent()

    def asks(self, asked: Submission) -> None:
        """Return what is asked for."""
        self.kind = asked.kind
        self._span.set_attributes(
            {at.JOB_KIND: asked.kind, at.LOCK_NAME: asked.lock, at.JOB_PRIORITY: asked.priority}
        )

    def is_of(self, job_id: str) -> None:
        """Tell the job's id."""
        self._span.set_attribute(at.JOB_ID, job_id)


class RequestTelemetry:
    """Watches what is asked of the publisher, by HTTP or by message."""

    def __init__(self, knows_kind: Callable[[str], bool]) -> None:
        self._knows_kind = knows_kind
        self._tracer = trace.get_tracer(_SCOPE)
        self._submissions = counter(metrics.JOB_SUBMISSIONS)

    @contextmanager
    def submission(self, headers: Mapping[str, Any]) -> Iterator[Submitting]:
        """Watch a submission that came with these headers, from the first look at it to its acceptance."""
        with self._span(spans.SUBMIT_JOB, headers) as span:
            told, outcome = Submitting(span), "accepted"
            try:
                yield told
            except BaseException as error:
                outcome = _outcome(error, is_sent=told.kind is not None)
                _tell_job(error, told)
                _tell_error(span, error, is_our_fault=outcome == "unknown")
                raise
            finally:
                span.set_attribute(at.JOB_SUBMISSION_OUTCOME, outcome)
                is_known = told.kind is not None and self._knows_kind(told.kind)
                kind = told.kind if told.kind is not None and is_known else _UNKNOWN_KIND
                self._submissions.add(1, {at.JOB_KIND: kind, at.JOB_SUBMISSION_OUTCOME: outcome})

    @contextmanager
    def cancellation(self, headers: Mapping[str, Any]) -> Iterator[Callable[[JobRow], None]]:
        """Watch a request for cancellation; return the function that takes the job once it is known."""
        with self._span(spans.REQUEST_CANCELLATION, headers) as span:

            def tell(job: JobRow) -> None:
                span.set_attributes({at.JOB_ID: job.job_id, at.LOCK_NAME: job.lock_name})
                # The span belongs to the trace of who asked, which the job's only points to.
                submitted = propagate.extract({"traceparent": job.traceparent or ""})
                span.add_link(trace.get_current_span(submitted).get_span_context())

            try:
                yield tell
            except BaseException as error:
                if isinstance(error, CancelTooLateError):
                    tell(error.job)
                _tell_error(span, error, is_our_fault=isinstance(error, UnknownOutcomeError))
                raise

    @contextmanager
    def _span(self, name: str, headers: Mapping[str, Any]) -> Iterator[Span]:
        with self._tracer.start_as_current_span(
            name, context_of(headers), record_exception=False, set_status_on_exception=False
        ) as span:
            yield span


def _outcome(error: BaseException, *, is_sent: bool) -> str:
    if isinstance(error, JobExistsError):
        return "repeated" if error.same_request else "refused"
    is_refused = isinstance(error, _REFUSALS) or not is_sent
    return "refused" if is_refused else "unknown"


def _tell_job(error: BaseException, told: Submitting) -> None:
    if isinstance(error, JobExistsError):
        told.is_of(error.existing.job_id)
    elif isinstance(error, SubmissionUnknownError):
        told.is_of(error.job_id)


def _tell_error(span: Span, error: BaseException, *, is_our_fault: bool) -> None:
    """Name the error; a request that was wrong is no error of ours, as HTTP's conventions have it."""
    span.set_attribute(at.ERROR_TYPE, type(error).__name__)
    if is_our_fault:
        span.set_status(Status(StatusCode.ERROR))
