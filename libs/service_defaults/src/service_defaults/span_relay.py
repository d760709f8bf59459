"""Spans that another process recorded (`service_defaults.span_recording`) and this one sends as its own.

The other process runs user code and is not trusted: what is malformed or belongs to another trace is dropped.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    Tracer,
)
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StringConstraints, ValidationError

from service_defaults.span_ids import next_span_id

#: Names of libraries cost memory for ever; spans of more than these are filed under our own.
_MOST_SCOPES = 100
_OWN_SCOPE = "turnstile"

_TraceId = Annotated[str, StringConstraints(strict=True, pattern=r"^[0-9a-f]{32}$")]
_SpanId = Annotated[str, StringConstraints(strict=True, pattern=r"^[0-9a-f]{16}$")]
_Name = Annotated[str, StringConstraints(strict=True, max_length=500)]
_Text = Annotated[str, StringConstraints(strict=True, max_length=5000)]
_Integer = Annotated[int, Field(strict=True, ge=-(2**63), lt=2**63)]
#: Nanoseconds since the epoch.
_Time = Annotated[int, Field(strict=True, ge=0, lt=2**63)]
_Value = StrictBool | _Integer | StrictFloat | _Text
_Attributes = Annotated[
    dict[_Name, _Value | Annotated[list[_Value], Field(max_length=100)]], Field(max_length=64)
]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    attributes: _Attributes = {}


class EventData(_Part):
    """Something that happened while a span lasted."""

    name: _Name
    at: _Time


class LinkData(_Part):
    """A span that a span refers to."""

    trace_id: _TraceId
    span_id: _SpanId


class SpanData(_Part):
    """A span."""

    name: _Name
    #: Name of the library that made it.
    scope: _Name = ""
    trace_id: _TraceId
    span_id: _SpanId
    #: None when it knew no parent.
    parent_id: _SpanId | None = None
    kind: Literal["INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"] = "INTERNAL"
    start: _Time
    #: None when it ends now.
    end: _Time | None = None
    status: Literal["UNSET", "OK", "ERROR"] = "UNSET"
    description: _Text = ""
    events: Annotated[list[EventData], Field(max_length=32)] = []
    links: Annotated[list[LinkData], Field(max_length=16)] = []


class SpanRelay:
    """Makes spans of this process from those of another."""

    def __init__(self) -> None:
        self._tracers: dict[str, Tracer] = {}

    def hand_on(
        self,
        data: Mapping[str, Any],
        anchor: SpanContext,
        *,
        name: str | None = None,
        attributes: Mapping[str, str | int | float] | None = None,
        error_type: str | None = None,
        error_message: str = "",
    ) -> SpanContext | None:
        """Make a span beneath the anchor, and return None when it was dropped. Never raises.

        A span without a parent becomes a child of the anchor, and one without an end ends now. The name and
        the attributes given here win; with `error_type` it ends in that error.
        """
        span = _read(data, anchor)
        if span is None or not anchor.trace_flags.sampled:
            return None
        parent = anchor if span.parent_id is None else _context(span.trace_id, span.parent_id)
        with next_span_id(int(span.span_id, 16)):
            made = self._tracer(span.scope).start_span(
                name or span.name,
                trace.set_span_in_context(NonRecordingSpan(parent), Context()),
                SpanKind[span.kind],
                {**span.attributes, **(attributes or {})},
                [Link(_context(link.trace_id, link.span_id), link.attributes) for link in span.links],
                span.start,
            )
        for event in span.events:
            made.add_event(event.name, event.attributes, event.at)
        if error_type is not None:
            made.set_status(Status(StatusCode.ERROR, f"{error_type}: {error_message}"[:5000]))
        elif span.status != "UNSET":
            made.set_status(StatusCode[span.status], span.description or None)
        made.end(span.end)
        return made.get_span_context()

    def _tracer(self, scope: str) -> Tracer:
        if not scope or (scope not in self._tracers and len(self._tracers) >= _MOST_SCOPES):
            scope = _OWN_SCOPE
        # Kept, as the SDK takes longer to find a tracer than to make a span.
        if scope not in self._tracers:
            self._tracers[scope] = trace.get_tracer(scope)
        return self._tracers[scope]


def _read(data: Mapping[str, Any], anchor: SpanContext) -> SpanData | None:
    try:
        span = SpanData.model_validate(data)
    except ValidationError:
        return None
    ids = {int(span.span_id, 16), anchor.span_id, 0}
    return span if int(span.trace_id, 16) == anchor.trace_id and len(ids) == 3 else None


def _context(trace_id: str, span_id: str) -> SpanContext:
    flags = TraceFlags(TraceFlags.SAMPLED)
    return SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=flags)
