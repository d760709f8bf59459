"""Where the spans of a job hang: under its submission, and each attempt's under the attempt's own span.

The id of an attempt's span, its anchor, follows from the job and the attempt. So spans hang under it before
it is exported, which is when it is over, and the worker that takes over exports that of a lost worker.
"""

import hashlib
from functools import lru_cache

from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, SpanContext

from coordination.journal.rows import JobRow

#: The context of a measurement that belongs to no trace. For an empty one the SDK takes the current context.
NO_TRACE = trace.set_span_in_context(trace.INVALID_SPAN, Context())


def submission(job: JobRow) -> SpanContext | None:
    """Return the span of the job's submission; None when the submission carried none."""
    return _parsed(job.traceparent) if job.traceparent else None


@lru_cache(1024)
def _parsed(traceparent: str) -> SpanContext | None:
    extracted = propagate.extract({"traceparent": traceparent})
    found = trace.get_current_span(extracted).get_span_context()
    return found if found.is_valid else None


def anchor(job: JobRow, attempt: int | None = None) -> SpanContext | None:
    """Return the span of an attempt at the job, by default the latest."""
    root = submission(job)
    if root is None:
        return None
    digest = hashlib.sha256(f"{job.job_id}/{attempt or job.attempt}".encode()).digest()
    span_id = int.from_bytes(digest[:8], "big") or 1
    return SpanContext(root.trace_id, span_id, is_remote=True, trace_flags=root.trace_flags)


def child_of(span: SpanContext) -> Context:
    """Return the context in which a new span is the child of this one, and nothing else is known."""
    return trace.set_span_in_context(NonRecordingSpan(span), Context())


def traceparent(span: SpanContext) -> str:
    """Return a span as a W3C traceparent."""
    return f"00-{span.trace_id:032x}-{span.span_id:016x}-{span.trace_flags:02x}"
