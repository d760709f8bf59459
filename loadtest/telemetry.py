"""The load's own spans: with --otel every submission is the beginning of its job's trace."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus

from opentelemetry import propagate, trace

from contracts.telemetry import attributes as at
from contracts.traceparent import trace_id_of

_NO_ANSWER = "no_answer"


class Sending:
    """A request that is under way."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span
        #: What to send along, so that the server's spans follow ours; empty without --otel.
        self.headers: dict[str, str] = {}
        propagate.inject(self.headers)

    def answered(self, status: int, headers: Mapping[str, str] | None) -> str | None:
        """Note the answer, 0 for none, and return the trace's id, as we or the server know it."""
        self._span.set_attribute(at.HTTP_STATUS, status)
        if status == 0 or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            self._span.set_attribute(at.ERROR_TYPE, str(status) if status else _NO_ANSWER)
            self._span.set_status(trace.StatusCode.ERROR)
        context = self._span.get_span_context()
        if context.is_valid:
            return trace.format_trace_id(context.trace_id)
        return trace_id_of((headers or {}).get("traceresponse"))


@contextmanager
def request_span(method: str, route: str, job_id: str, lock: str) -> Iterator[Sending]:
    """Surround a request by a client's span."""
    attributes: dict[str, str] = {
        at.HTTP_METHOD: method,
        at.HTTP_ROUTE: route,
        at.JOB_ID: job_id,
        at.LOCK_NAME: lock,
    }
    tracer = trace.get_tracer("loadtest")
    # Each in a trace of its own: Locust's users have none around them.
    with tracer.start_as_current_span(
        f"{method} {route}", kind=trace.SpanKind.CLIENT, attributes=attributes
    ) as span:
        yield Sending(span)
