"""What a runner traces with. Spans are made and understood elsewhere, and pass through here as they are."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from worker.execution.messages import SpanData


class SendSpan(Protocol):
    """Sends a span that has ended to the supervisor, from any thread."""

    def __call__(self, span: SpanData, step: str | None = None) -> None:
        """Send it; `step` names the step whose span it is."""


class RunnerTracing:
    """What a runner traces with, one run at a time. Subclasses do something; this one does nothing."""

    def run(self, traceparent: str | None, send: SendSpan) -> AbstractContextManager[object]:
        """Surround the handler, so that it runs in the given trace context."""
        return nullcontext()

    def step(self, name: str, stem: str) -> AbstractContextManager[object]:
        """Surround the work of a step, named after the stem in its span. One left by an error sends it."""
        return nullcontext()

    def take(self, step: str) -> SpanData | None:
        """Return the span of a step whose work is done, once."""
        return None

    def span_id(self) -> str | None:
        """Return the id of the calling code's span, in hexadecimal."""
        return None


#: Makes what a runner traces with; the argument is whether spans are wanted, or only their context.
MakeTracing = Callable[[bool], RunnerTracing]


def no_tracing(wants_spans: bool) -> RunnerTracing:
    """Trace nothing."""
    return RunnerTracing()
