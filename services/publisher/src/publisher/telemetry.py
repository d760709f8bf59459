"""Telemetry of submissions and cancellations: a span for each, and what came of submissions."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode

from contracts.jobs import Submission
from contracts.telemetry import attributes as at
from contracts.telemetry import metrics, spans
from coordination.clients.cancellation import CancelTooLateError
from coordination.clients.conflicts import LockBusyError, TooManyWaitingError
from coordination.clients.retrying import RetryRefusedError
from coordination.clients.submission import JobExistsError
from coordination.journal.rows import JobRow
from coordination.ports import InvalidTransactionError, UnknownOutcomeError
from publisher.job_traces import JobTraces
from publisher.tracing import context_of, current_traceparent
from service_defaults.measures import counter
from submission import Acceptance, IdempotencyKeyError, InvalidSubmissionError, SubmissionUnknownError

_SCOPE = "turnstile"

#: The kind of submissions without a known kind. Callers can invent any number of names.
_UNKNOWN_KIND = "(unknown)"

_REFUSALS = (
    InvalidSubmissionError,
    InvalidTransactionError,
    LockBusyError,
    TooManyWaitingError,
    RetryRefusedError,
)


class Submitting:
    """A submission in progress. It sets what is known of it on its span, and on that of its request."""

    def __init__(self, span: Span, request: Span | None) -> None:
        self._spans = (span,) if request is None else (span, request)
        self.kind: str | None = None
        self.job_id: str | None = None
        self.outcome: str = "accepted"
        #: That of the span, which is the parent of all later spans of the job.
        self.traceparent = current_traceparent()

    def asks(self, asked: Submission) -> None:
        """Set what is asked for."""
        self.kind = asked.kind
        for span in self._spans:
            span.set_attributes(
                {at.JOB_KIND: asked.kind, at.LOCK_NAME: asked.lock, at.JOB_PRIORITY: asked.priority}
            )

    def ends(self, accepted: Acceptance) -> None:
        """Set which job was accepted, now or earlier."""
        self.is_of(accepted.job.job_id)
        self.outcome = accepted.outcome

    def is_of(self, job_id: str) -> None:
        """Set the job's id."""
        self.job_id = job_id
        for span in self._spans:
            span.set_attribute(at.JOB_ID, job_id)

    def name_kind(self, kind: str) -> None:
        """Put the kind, which is known, into the names of the spans, so that lists of traces differ by it."""
        for span in self._spans:
            name = getattr(span, "name", None)  # only a recorded one has it
            if name == spans.SUBMIT_JOB:
                span.update_name(spans.SUBMIT_KIND.replace(f"{{{at.JOB_KIND}}}", kind))
            elif getattr(span, "kind", None) is SpanKind.SERVER:
                span.update_name(f"{name} {kind}")


class RequestTelemetry:
    """Records what is asked of the publisher, by HTTP or by message."""

    def __init__(self, knows_kind: Callable[[str], bool], traces: JobTraces | None = None) -> None:
        self._knows_kind = knows_kind
        self._traces = traces or JobTraces()
        self._tracer = trace.get_tracer(_SCOPE)
        self._submissions = counter(metrics.JOB_SUBMISSIONS)

    @contextmanager
    def submission(self, headers: Mapping[str, Any], *, is_one_of_many: bool = False) -> Iterator[Submitting]:
        """Record a submission that came with these headers, from its arrival to its acceptance.

        One of many has a trace of its own, and so has one whose caller's trace is not to be continued. Then
        its span and that of the request link to each other.
        """
        request = trace.get_current_span(context_of(headers))
        has_own = is_one_of_many or self._traces.wants_own(headers, request.get_span_context())
        shown = request if request.is_recording() and not is_one_of_many else None
        with self._span(spans.SUBMIT_JOB, headers, is_root=has_own) as span:
            submitting = Submitting(span, shown)
            try:
                yield submitting
            except BaseException as error:
                submitting.outcome = outcome = _outcome(error, is_sent=submitting.kind is not None)
                _set_job(error, submitting)
                _set_error(span, error, is_our_fault=outcome == "unknown")
                raise
            finally:
                kind, outcome = submitting.kind, submitting.outcome
                span.set_attribute(at.JOB_SUBMISSION_OUTCOME, outcome)
                if kind is not None and self._knows_kind(kind):
                    submitting.name_kind(kind)
                else:
                    kind = _UNKNOWN_KIND
                self._submissions.add(1, {at.JOB_KIND: kind, at.JOB_SUBMISSION_OUTCOME: outcome})
                if has_own and submitting.job_id is not None and request.is_recording():
                    request.add_link(span.get_span_context(), {at.JOB_ID: submitting.job_id})

    @contextmanager
    def cancellation(self, headers: Mapping[str, Any]) -> Iterator[Callable[[JobRow], None]]:
        """Record a request for cancellation; yield the function that takes the job once it is known."""
        with self._span(spans.REQUEST_CANCELLATION, headers) as span:

            def set_job(job: JobRow) -> None:
                span.set_attributes({at.JOB_ID: job.job_id, at.LOCK_NAME: job.lock_name})
                # The span belongs to the caller's trace; it only has a link to the job's.
                submitted = propagate.extract({"traceparent": job.traceparent or ""})
                span.add_link(trace.get_current_span(submitted).get_span_context())

            try:
                yield set_job
            except BaseException as error:
                if isinstance(error, CancelTooLateError):
                    set_job(error.job)
                _set_error(span, error, is_our_fault=isinstance(error, UnknownOutcomeError))
                raise

    @contextmanager
    def _span(self, name: str, headers: Mapping[str, Any], *, is_root: bool = False) -> Iterator[Span]:
        context = context_of(headers)
        request = trace.get_current_span(context).get_span_context()
        links = [Link(request)] if is_root and request.is_valid else []
        with self._tracer.start_as_current_span(
            name,
            Context() if is_root else context,
            links=links,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            yield span


def _outcome(error: BaseException, *, is_sent: bool) -> str:
    exists = _existing(error)
    if exists is not None:
        return "repeated" if exists.same_request else "refused"
    is_refused = isinstance(error, _REFUSALS) or not is_sent
    return "refused" if is_refused else "unknown"


def _existing(error: BaseException) -> JobExistsError | None:
    if isinstance(error, IdempotencyKeyError):
        return error.exists
    return error if isinstance(error, JobExistsError) else None


def _set_job(error: BaseException, submitting: Submitting) -> None:
    exists = _existing(error)
    if exists is not None:
        submitting.is_of(exists.existing.job_id)
    elif isinstance(error, SubmissionUnknownError):
        submitting.is_of(error.job_id)


def _set_error(span: Span, error: BaseException, *, is_our_fault: bool) -> None:
    """Set the error's type. By HTTP's conventions, a wrong request does not fail the span."""
    span.set_attribute(at.ERROR_TYPE, type(error).__name__)
    if is_our_fault:
        span.set_status(Status(StatusCode.ERROR))
