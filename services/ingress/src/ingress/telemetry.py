"""Telemetry of ingress: what became of the messages of each input, and how far it is behind."""

import logging
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, Status, StatusCode

from contracts.jobs import Submission
from contracts.telemetry import attributes as at
from contracts.telemetry import metrics, spans
from inputs.message_submission import SubmissionTrace
from inputs.observer import TakenOutcome, WaitReason
from inputs.port import Delivery, InputError, Lag, Refusal, RefusalReason
from service_defaults.measures import Reading, counter, gauge, histogram
from submission import SubmissionUnknownError

_SCOPE = "turnstile"

#: Properties in which senders put their trace context: the W3C's, and that of Azure's SDKs.
_TRACES = ("traceparent", "Diagnostic-Id")

logger = logging.getLogger(__name__)


class _Trace:
    """The first span of a job's trace."""

    def __init__(self, span: Span) -> None:
        carrier: dict[str, str] = {}
        propagate.inject(carrier)
        # Every job has a trace, also where nothing is exported.
        own = f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
        self.traceparent = carrier.get("traceparent") or own
        self._span = span

    def ends(self, outcome: TakenOutcome) -> None:
        """Record the outcome."""
        self._span.set_attribute(at.JOB_SUBMISSION_OUTCOME, outcome)


class IngressTelemetry:
    """The instruments that all inputs share. `knows_kind` returns whether workers know a kind."""

    def __init__(self, knows_kind: Callable[[str], bool]) -> None:
        self.knows_kind = knows_kind
        self.messages = counter(metrics.INGRESS_MESSAGES)
        self.refusals = counter(metrics.INGRESS_REFUSALS)
        self.durations = histogram(metrics.INGRESS_DURATION)
        self._inputs: list[InputTelemetry] = []
        gauge(metrics.INGRESS_CONNECTED, lambda: self._read(lambda each: each.is_connected))
        gauge(metrics.INGRESS_WAITING, lambda: self._read(lambda each: each.lag.waiting))
        gauge(metrics.INGRESS_LAG, lambda: self._read(lambda each: each.lag.oldest_seconds))

    def of_input(self, name: str) -> "InputTelemetry":
        """Return the telemetry of another input."""
        self._inputs.append(InputTelemetry(name, self))
        return self._inputs[-1]

    def _read(self, read: "Callable[[InputTelemetry], float | None]") -> list[Reading]:
        values = ((each, read(each)) for each in self._inputs)
        return [Reading(float(value), each.labels) for each, value in values if value is not None]


class InputTelemetry:
    """The spans, measurements and log lines of one input; an `inputs.observer.InputObserver`."""

    def __init__(self, name: str, shared: IngressTelemetry) -> None:
        self.labels: dict[str, str] = {at.INGRESS_INPUT: name}
        #: Whether the queue answered last; None before it was asked.
        self.is_connected: bool | None = None
        self.lag = Lag()
        self._shared = shared
        self._tracer = trace.get_tracer(_SCOPE)
        # What an alert watches must be there before it first happens.
        for outcome in at.INGRESS_OUTCOME.values:
            shared.messages.add(0, {**self.labels, at.INGRESS_OUTCOME: outcome})
        for reason in RefusalReason:
            shared.refusals.add(0, {**self.labels, at.INGRESS_REFUSAL: str(reason)})

    @contextmanager
    def submission(self, delivery: Delivery, asked: Submission) -> Iterator[SubmissionTrace]:
        """Record the submission of a job, which begins its trace, with a link to the trace of the sender."""
        about: dict[str, str | int] = {
            **self.labels,
            at.MESSAGING_MESSAGE_ID: delivery.message_id or "",
            at.JOB_ID: asked.job_id or "",
            at.JOB_KIND: asked.kind,
            at.JOB_PRIORITY: asked.priority,
        }
        if "lock" in asked.model_fields_set:
            about[at.LOCK_NAME] = asked.lock
        name = spans.SUBMIT_JOB
        if self._shared.knows_kind(asked.kind):
            name = spans.SUBMIT_KIND.replace(f"{{{at.JOB_KIND}}}", asked.kind)
        with self._tracer.start_as_current_span(
            name,
            Context(),
            attributes=about,
            links=_links(delivery),
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield _Trace(span)
            except Exception as error:
                is_unknown = isinstance(error, SubmissionUnknownError)
                span.set_attribute(at.ERROR_TYPE, type(error).__name__)
                span.set_attribute(at.JOB_SUBMISSION_OUTCOME, "unknown" if is_unknown else "refused")
                if is_unknown:
                    span.set_status(Status(StatusCode.ERROR))
                raise

    def taken(self, delivery: Delivery, outcome: TakenOutcome, job_id: str, seconds: float) -> None:
        """Count and log that the job of a message is in the journal."""
        self._shared.messages.add(1, {**self.labels, at.INGRESS_OUTCOME: outcome})
        self._shared.durations.record(seconds, self.labels)
        about = self._of(delivery) | {at.JOB_ID: job_id, at.INGRESS_OUTCOME: outcome}
        logger.info("message taken", extra=about)

    def refused(self, delivery: Delivery, refusal: Refusal) -> None:
        """Count and log that a message is among its sender's dead letters."""
        self._shared.messages.add(1, {**self.labels, at.INGRESS_OUTCOME: "refused"})
        self._shared.refusals.add(1, {**self.labels, at.INGRESS_REFUSAL: str(refusal.reason)})
        about = {at.INGRESS_REFUSAL: str(refusal.reason), at.REASON: refusal.explanation}
        logger.warning("message refused", extra=self._of(delivery) | about)

    def given_back(self, delivery: Delivery, reason: WaitReason) -> None:
        """Count and log that a message was given back to its queue."""
        self._shared.messages.add(1, {**self.labels, at.INGRESS_OUTCOME: "given_back"})
        logger.info("message given back", extra=self._of(delivery) | {at.REASON: reason})

    def waits(self, reason: WaitReason, explanation: str) -> None:
        """Log that the input pauses, or holds a message, until something has changed."""
        logger.warning("input waits", extra=self.labels | {at.REASON: explanation or reason})

    def not_settled(self, delivery: Delivery, error: InputError) -> None:
        """Log that a message could not be settled, so that its queue delivers it again."""
        logger.warning("message not settled", extra=self._of(delivery) | {at.ERROR_MESSAGE: str(error)})

    def failed(self, delivery: Delivery, error: BaseException) -> None:
        """Log an error that nothing foresaw."""
        logger.error("message not handled", extra=self._of(delivery), exc_info=error)

    def connected(self) -> None:
        """Show, and log if it is news, that the queue answers."""
        if not self.is_connected:
            logger.info("input connected", extra=self.labels)
        self.is_connected = True

    def behind(self, lag: Lag) -> None:
        """Show how far the input is behind."""
        self.lag = lag

    def unavailable(self, error: InputError) -> None:
        """Show and log that the queue does not answer, or is deaf."""
        self.is_connected, self.lag = False, Lag()
        logger.warning("input unavailable", extra=self.labels | {at.ERROR_MESSAGE: str(error)})

    def _of(self, delivery: Delivery) -> dict[str, str]:
        return {**self.labels, at.MESSAGING_MESSAGE_ID: delivery.message_id or ""}


def _links(delivery: Delivery) -> list[Link]:
    """Return a link to the span that the sender names, if it names one."""
    for name in _TRACES:
        if sent := delivery.properties.get(name):
            context = propagate.extract({"traceparent": sent}, Context())
            sender = trace.get_current_span(context).get_span_context()
            return [Link(sender)] if sender.is_valid else []
    return []
