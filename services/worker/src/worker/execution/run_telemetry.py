"""What the supervisor reports of runs, in addition to what the protocol observes."""

from typing import Literal

from coordination.holder.runs import Run
from worker.execution.messages import SpanData


class RunTelemetry:
    """Receives what happens to runs and runners. Subclasses use it; this one does nothing."""

    def run_traceparent(self, run: Run) -> str | None:
        """Return the W3C trace context that the handler is to run in."""
        return None

    def reported(self, run: Run, value: float | None, limit: float | None, step: str) -> None:
        """Learn how far the handler is (progress, limit, current step): a sign that it gets on."""

    def step_over(self, run: Run, step: str, span: SpanData, error: BaseException | None = None) -> None:
        """Take the span of a step: recorded now, or not, with the error why; or left by an error of its own.

        The span is as the runner sent it, and so not to be trusted. It has no end when that is now.
        """

    def span_over(self, run: Run, span: SpanData) -> None:
        """Take a span that the handler made itself; not to be trusted either."""

    def handler_over(self, run: Run, began: float, ended: float) -> None:
        """Learn when the handler's first line was reached, and when it returned or raised.

        Seconds since the epoch, as the runner sent them: not to be trusted either.
        """

    def runner_replaced(self, end: Literal["died", "ended"]) -> None:
        """Learn that a runner is replaced: it died, or was ended because it could not be used again."""
