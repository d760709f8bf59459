"""Recording spans in a process that must not send them itself: each is handed on as plain JSON when it ends.

`service_defaults.span_relay` makes spans of them again, in the process that sends.
"""

import json
import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased, Sampler, SamplingResult
from opentelemetry.trace import SpanContext, Status, StatusCode

from contracts.telemetry import attributes as at

#: Most characters of a span's JSON. A larger one keeps its name, its status and a few attributes.
MOST_CHARACTERS = 64 * 1024
_FEW, _SHORT = 16, 200
_MOST_NAME, _MOST_PARTS = 300, 100

_LIMITS = SpanLimits(
    max_span_attributes=64,
    max_events=32,
    max_links=16,
    max_event_attributes=16,
    max_link_attributes=8,
    max_attribute_length=4096,
    max_span_attribute_length=4096,
)


class SpanRecorder(SpanProcessor):
    """Records the spans of one run at a time. Made once: it becomes the process's tracer provider."""

    def __init__(self) -> None:
        self._anchor: SpanContext | None = None
        self._send: Callable[[dict[str, Any]], object] = lambda span: None
        self._pid = os.getpid()
        provider = TracerProvider(
            ParentBased(_DuringSampledRuns(self._current)),
            Resource.get_empty(),
            shutdown_on_exit=False,
            id_generator=_RunTraceIds(self._current),
            span_limits=_LIMITS,
        )
        provider.add_span_processor(self)
        trace.set_tracer_provider(provider)
        # Not the global one, which the jobs may have set before.
        self._tracer = provider.get_tracer("turnstile")

    def record(self, anchor: SpanContext | None, send: Callable[[dict[str, Any]], object]) -> None:
        """Hand on what ends from now on in the anchor's trace, if that is sampled."""
        self._anchor, self._send = anchor, send

    def start(self, name: str) -> trace.Span:
        """Begin a span, which is not handed on when it ends: see `describe`."""
        return self._tracer.start_span(name)

    def describe(self, span: trace.Span, error: BaseException | None = None) -> dict[str, Any] | None:
        """Return a span that has begun as it is now; it ends, with the error, if there is one.

        None for a span that is not recorded.
        """
        if not isinstance(span, ReadableSpan) or not self._is_wanted(span):
            return None
        if error is None:
            return describe(span)
        span.set_attribute(at.ERROR_TYPE, type(error).__name__)
        span.record_exception(error, escaped=True)
        span.set_status(Status(StatusCode.ERROR, f"{type(error).__name__}: {error}"))
        return {**describe(span), "end": time.time_ns()}

    def on_end(self, span: ReadableSpan) -> None:
        """Hand on a span."""
        # Not from a fork of this process, which would share its wire.
        if self._is_wanted(span) and os.getpid() == self._pid:
            self._send(describe(span))

    def _current(self) -> SpanContext | None:
        return self._anchor

    def _is_wanted(self, span: ReadableSpan) -> bool:
        context, anchor = span.context, self._anchor
        return context is not None and anchor is not None and context.trace_id == anchor.trace_id


class _RunTraceIds(RandomIdGenerator):
    """Puts a span that knows no parent, made in a thread that was told none, into the run's trace."""

    def __init__(self, current: Callable[[], SpanContext | None]) -> None:
        self._current = current

    def generate_trace_id(self) -> int:
        """Return the run's trace."""
        anchor = self._current()
        return super().generate_trace_id() if anchor is None else anchor.trace_id


class _DuringSampledRuns(Sampler):
    """Records spans that know no parent while a run is recorded."""

    def __init__(self, current: Callable[[], SpanContext | None]) -> None:
        self._current = current

    def should_sample(self, parent_context: Context | None, *args: Any, **kwargs: Any) -> SamplingResult:
        """Decide as was decided for the run."""
        anchor = self._current()
        is_sampled = anchor is not None and anchor.trace_flags.sampled
        return (ALWAYS_ON if is_sampled else ALWAYS_OFF).should_sample(parent_context, *args, **kwargs)

    def get_description(self) -> str:
        """Return what it does."""
        return "DuringSampledRuns"


def describe(span: ReadableSpan) -> dict[str, Any]:
    """Return a span as plain JSON of bounded size (span_relay.SpanData)."""
    context, scope = span.get_span_context() or trace.INVALID_SPAN_CONTEXT, span.instrumentation_scope
    attributes = _plain(span.attributes or {})
    data: dict[str, Any] = {
        "name": _text(span.name, _MOST_NAME),
        "scope": _text(scope.name if scope else "", _SHORT),
        "trace_id": trace.format_trace_id(context.trace_id),
        "span_id": trace.format_span_id(context.span_id),
        "parent_id": trace.format_span_id(span.parent.span_id) if span.parent else None,
        "kind": span.kind.name,
        "start": span.start_time,
        "end": span.end_time,
        "status": span.status.status_code.name,
        "description": _text(span.status.description or "", 4 * _SHORT),
        "attributes": attributes,
        "events": [
            {
                "name": _text(event.name, _MOST_NAME),
                "at": event.timestamp,
                "attributes": _plain(event.attributes),
            }
            for event in span.events
        ],
        "links": [
            {
                "trace_id": trace.format_trace_id(link.context.trace_id),
                "span_id": trace.format_span_id(link.context.span_id),
                "attributes": _plain(link.attributes),
            }
            for link in span.links
        ],
    }
    if len(json.dumps(data)) > MOST_CHARACTERS:
        few = list(attributes.items())[:_FEW]
        short = {name: _text(value, _SHORT) if isinstance(value, str) else value for name, value in few}
        data |= {"attributes": {n: v for n, v in short.items() if not isinstance(v, list)}}
        data |= {"events": [], "links": []}
    return data


def _plain(attributes: Mapping[str, Any] | None) -> dict[str, Any]:
    return {_text(name, _SHORT): _value(value) for name, value in (attributes or {}).items()}


def _value(value: Any) -> Any:
    """Return a value as OTLP and JSON both know it, or as text."""
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_single(part) for part in value[:_MOST_PARTS]]
    return _single(value)


def _single(value: Any) -> bool | int | float | str:
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    return _text(value if isinstance(value, str) else str(value), 4096)


def _text(text: str, limit: int) -> str:
    return text[:limit].encode("utf-8", "replace").decode()
