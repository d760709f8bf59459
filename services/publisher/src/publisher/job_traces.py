"""Which trace a submitted job is in: its caller's, or one of its own."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.trace import SpanContext

_HEADERS = ("traceparent", "tracestate")

#: Traces of callers whose jobs are counted; of those beyond, the ones are forgotten that no job came in for
#: the longest time.
_MOST_TRACES = 10_000


class JobTraces:
    """Decides for each submission whether its job continues the caller's trace."""

    def __init__(self, *, follows_unsampled: bool = False, jobs_per_trace: int = 20) -> None:
        self._follows_unsampled = follows_unsampled
        self._jobs_per_trace = jobs_per_trace
        self._jobs: OrderedDict[int, int] = OrderedDict()

    def wants_own(self, headers: Mapping[str, Any], request: SpanContext) -> bool:
        """Return whether a job gets a trace of its own, and count it where it does not.

        `request` is the span of the request or message, `headers` are those that it came with.
        """
        called = caller(headers)
        if not called.is_valid or called.trace_id != request.trace_id:
            return False  # nobody's trace is continued; whether this one is recorded was decided here
        if not called.trace_flags.sampled:
            return not self._follows_unsampled
        count = self._jobs.pop(called.trace_id, 0)
        self._jobs[called.trace_id] = count + 1
        if len(self._jobs) > _MOST_TRACES:
            self._jobs.popitem(last=False)
        return count >= self._jobs_per_trace


def caller(headers: Mapping[str, Any]) -> SpanContext:
    """Return the span that headers name."""
    named = {name.lower(): str(value) for name, value in headers.items() if name.lower() in _HEADERS}
    context = propagate.extract(named, Context()) if named else Context()
    return trace.get_current_span(context).get_span_context()
