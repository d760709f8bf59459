"""Spans that runners recorded, as the worker exports them."""

from collections.abc import Mapping
from typing import Any

from opentelemetry.trace import SpanContext

from contracts.telemetry import attributes as at
from contracts.telemetry import spans
from coordination.holder.runs import Run
from service_defaults.span_relay import SpanRelay
from worker.execution.messages import SpanData
from worker.telemetry.anchors import anchor, traceparent

#: Most characters of a step's name; a handler cannot give it more.
_MOST_NAME = 250


class RunnerSpans:
    """Hangs what happened in a runner under the attempt's span. A job without a trace has no spans."""

    def __init__(self, worker: str) -> None:
        self._worker = worker
        self._relay = SpanRelay()

    def run_traceparent(self, run: Run) -> str | None:
        """Return the trace context that the handler is to run in."""
        mine = anchor(run.job)
        return None if mine is None else traceparent(mine)

    def step_over(
        self,
        run: Run,
        step: str,
        span: SpanData,
        error: BaseException | None = None,
        calls: Mapping[str, int | float] | None = None,
    ) -> SpanContext | None:
        """Export a step's span, with attributes of its storage calls, and return its context."""
        mine = anchor(run.job)
        if mine is None:
            return None
        about: dict[str, Any] = {
            at.JOB_ID: run.job.job_id,
            at.JOB_KIND: run.job.kind,
            at.LOCK_NAME: run.job.lock_name,
            at.JOB_ATTEMPT: run.job.attempt,
            at.LOCK_FENCE: run.fence,
            at.WORKER_NAME: self._worker,
            at.JOB_STEP: step[:_MOST_NAME],
            **(calls or {}),
        }
        name = _name(step, span.get("name"))
        if error is None:
            return self._relay.hand_on(span, mine, name=name, attributes=about)
        about[at.ERROR_TYPE] = type(error).__name__
        return self._relay.hand_on(
            span,
            mine,
            name=name,
            attributes=about,
            error_type=type(error).__name__,
            error_message=str(error),
        )

    def span_over(self, run: Run, span: SpanData) -> SpanContext | None:
        """Export a span that the handler made itself."""
        mine = anchor(run.job)
        return None if mine is None else self._relay.hand_on(span, mine)


def _name(step: str, stem: object) -> str:
    """Return the name of a step's span, with the part of the step's name that the handler's code fixes."""
    if not isinstance(stem, str) or not stem or f"/{stem}" not in f"/{step}":
        return spans.ANY_STEP
    return spans.STEP.replace(f"{{{at.JOB_STEP}}}", stem)
