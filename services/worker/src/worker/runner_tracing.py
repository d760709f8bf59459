"""Tracing within a runner: what a handler does finds itself under the attempt's anchor and the right step."""

from contextlib import AbstractContextManager, nullcontext, suppress
from types import TracebackType

from opentelemetry import context, trace
from opentelemetry.trace import NonRecordingSpan, SpanContext
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from worker.execution.messages import SpanData
from worker.execution.tracing import RunnerTracing, SendSpan


class ContextTracing(RunnerTracing):
    """Makes no spans; what a handler calls still learns to which trace it belongs."""

    def run(self, traceparent: str | None, send: SendSpan) -> AbstractContextManager[object]:
        """Make the anchor the current span."""
        anchor = _read(traceparent)
        return nullcontext() if anchor is None else trace.use_span(NonRecordingSpan(anchor))

    def span_id(self) -> str | None:
        """Return the id of the current span."""
        context = trace.get_current_span().get_span_context()
        return trace.format_span_id(context.span_id) if context.is_valid else None


class SpanTracing(ContextTracing):
    """Makes spans of steps, and sends them and the handler's own, as far as the run's trace is sampled."""

    def __init__(self) -> None:
        from service_defaults.span_recording import SpanRecorder  # noqa: PLC0415 - brings the SDK along

        self._recorder = SpanRecorder()
        #: Spans of steps whose work is done, by name.
        self._done: dict[str, SpanData] = {}
        self._send: SendSpan = _send_nothing

    def run(self, traceparent: str | None, send: SendSpan) -> AbstractContextManager[object]:
        """Make the anchor the current span, and record the spans made under it."""
        self._done, self._send = {}, send
        self._recorder.record(_read(traceparent), send)
        return super().run(traceparent, send)

    def step(self, name: str, stem: str) -> AbstractContextManager[object]:
        """Make a step's span the current one."""
        return _StepScope(self, name, stem)

    def take(self, step: str) -> SpanData | None:
        """Return the span of a step whose work is done, once."""
        return self._done.pop(step, None)

    def start(self, stem: str) -> trace.Span:
        """Begin a step's span."""
        return self._recorder.start(stem)

    def finish(self, name: str, span: trace.Span, error: BaseException | None) -> None:
        """Keep a step's span until the step is recorded, or send it with the error that left the step."""
        with suppress(Exception):  # an exception's own __str__ is user code, and must not replace its error
            data = self._recorder.describe(span, error)
            if data is not None and error is None:
                self._done[name] = data
            elif data is not None:
                self._send(data, name)


class _StepScope(AbstractContextManager[None]):
    """Surrounds the work of a step."""

    def __init__(self, tracing: SpanTracing, name: str, stem: str) -> None:
        self._tracing = tracing
        self._name = name
        self._stem = stem

    def __enter__(self) -> None:
        self._span = self._tracing.start(self._stem)
        self._token = context.attach(trace.set_span_in_context(self._span))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        context.detach(self._token)
        self._tracing.finish(self._name, self._span, error)


def _read(traceparent: str | None) -> SpanContext | None:
    extracted = TraceContextTextMapPropagator().extract({"traceparent": traceparent or ""}, context.Context())
    anchor = trace.get_current_span(extracted).get_span_context()
    return anchor if anchor.is_valid else None


def _send_nothing(span: SpanData, step: str | None = None) -> None:
    """Send nothing: no run has begun."""
