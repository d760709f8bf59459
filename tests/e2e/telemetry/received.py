"""What an OTLP receiver got from the services, as far as tests look at it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Attributes = Mapping[str, Any]


@dataclass(frozen=True)
class SpanEvent:
    """A moment on a span."""

    name: str
    attributes: Attributes = field(default_factory=dict)
    #: Seconds since 1970.
    at: float = 0.0


@dataclass(frozen=True)
class Link:
    """A span that another one points to."""

    trace_id: str
    span_id: str
    attributes: Attributes = field(default_factory=dict)


@dataclass(frozen=True)
class Span:
    """A finished span; ids are lower-case hex, as in `traceparent`."""

    #: `service.name` of its resource.
    service: str
    #: Name of the instrumentation scope, the library that made it.
    scope: str
    name: str
    #: internal, server, client, producer or consumer.
    kind: str = "internal"
    attributes: Attributes = field(default_factory=dict)
    events: tuple[SpanEvent, ...] = ()
    links: tuple[Link, ...] = ()
    #: unset, ok or error.
    status: str = "unset"
    #: Seconds since 1970.
    start: float = 0.0
    end: float = 0.0
    trace_id: str = ""
    span_id: str = ""
    #: Empty for the first of a trace.
    parent_id: str = ""
    #: `host.id` of its resource.
    host: str = ""


@dataclass(frozen=True)
class Metric:
    """One series of a metric: its data point's attributes."""

    service: str
    scope: str
    name: str
    unit: str = ""
    attributes: Attributes = field(default_factory=dict)
    #: What all measurements of a histogram add up to; not what tells one series from another.
    total: float = field(default=0.0, repr=False, compare=False)


@dataclass(frozen=True)
class LogRecord:
    """A log record; the scope is the name of its logger."""

    service: str
    scope: str
    body: str
    attributes: Attributes = field(default_factory=dict)
    trace_id: str = ""
    span_id: str = ""
    #: DEBUG, INFO, WARNING and so on.
    severity: str = ""


@dataclass(frozen=True)
class Received:
    """Everything that came."""

    spans: Sequence[Span] = ()
    metrics: Sequence[Metric] = ()
    logs: Sequence[LogRecord] = ()
