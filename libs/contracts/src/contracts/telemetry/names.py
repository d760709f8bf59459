"""What a declaration of a telemetry name consists of. Every declared name is text and is used as such."""

from enum import StrEnum
from typing import Self


class Source(StrEnum):
    """Who emits something: services by name, or a library within them."""

    PUBLISHER = "publisher"
    WORKER = "worker"
    AUDIT_PROJECTOR = "audit-projector"
    SCHEDULER = "scheduler"
    DASHBOARD = "dashboard"
    INGRESS = "ingress"

    @property
    def service_name(self) -> str:
        """The default of `service.name`, which is not the name of another system's service."""
        return f"turnstile-{self}"


#: Every service that takes part in the running of jobs.
SERVICES = (Source.PUBLISHER, Source.WORKER, Source.AUDIT_PROJECTOR, Source.SCHEDULER)


class Attribute(str):
    """A piece of data on spans, log records or measurements."""

    __slots__ = ("convention", "meaning", "on_metrics", "values")

    meaning: str
    #: The only values there are; empty when it is free.
    values: tuple[str, ...]
    #: Whether it may be a metric's label: only what has few values.
    on_metrics: bool
    #: Whether the name is OpenTelemetry's (https://opentelemetry.io/docs/specs/semconv/), not ours.
    convention: bool

    def __new__(
        cls,
        name: str,
        meaning: str,
        *,
        values: tuple[str, ...] = (),
        on_metrics: bool = False,
        convention: bool = False,
    ) -> Self:
        """Declare a attribute."""
        made = super().__new__(cls, name)
        made.meaning, made.values = meaning, values
        made.on_metrics, made.convention = on_metrics or bool(values), convention
        return made


class SpanName(str):
    """The name of spans. One with a part in braces stands for many."""

    __slots__ = ("attributes", "kind", "meaning", "sources")

    meaning: str
    sources: tuple[Source, ...]
    #: internal, server, client, producer or consumer.
    kind: str
    attributes: tuple[Attribute, ...]

    def __new__(
        cls,
        name: str,
        meaning: str,
        *sources: Source,
        kind: str = "internal",
        attributes: tuple[Attribute, ...] = (),
    ) -> Self:
        """Declare a span name."""
        made = super().__new__(cls, name)
        made.meaning, made.sources, made.kind, made.attributes = meaning, sources, kind, attributes
        return made


class SpanEvent(str):
    """The name of a moment on a span."""

    __slots__ = ("attributes", "meaning", "sources")

    meaning: str
    sources: tuple[Source, ...]
    attributes: tuple[Attribute, ...]

    def __new__(
        cls, name: str, meaning: str, *sources: Source, attributes: tuple[Attribute, ...] = ()
    ) -> Self:
        """Declare a moment's name."""
        made = super().__new__(cls, name)
        made.meaning, made.sources, made.attributes = meaning, sources, attributes
        return made


class Instrument(StrEnum):
    """How a metric is measured."""

    COUNTER = "counter"
    HISTOGRAM = "histogram"
    #: Asked for when metrics are collected.
    GAUGE = "gauge"
    UP_DOWN_COUNTER = "updowncounter"


#: Before the names of our own metrics, which share a Prometheus with those of others.
_PREFIX = "turnstile."
#: Those of our units that Prometheus has in a metric's name.
_PROMETHEUS_UNITS = {"s": "seconds", "By": "bytes"}


class Metric(str):
    """The name of a metric."""

    __slots__ = ("attributes", "buckets", "convention", "instrument", "meaning", "sources", "unit")

    instrument: Instrument
    #: UCUM: `s` for seconds, `1` for a share, `{job}` for a count of jobs.
    unit: str
    meaning: str
    sources: tuple[Source, ...]
    attributes: tuple[Attribute, ...]
    #: Upper bounds of a histogram's buckets, in its unit.
    buckets: tuple[float, ...]
    convention: bool

    def __new__(
        cls,
        name: str,
        instrument: Instrument,
        unit: str,
        meaning: str,
        *sources: Source,
        attributes: tuple[Attribute, ...] = (),
        buckets: tuple[float, ...] = (),
        convention: bool = False,
    ) -> Self:
        """Declare a metric: OpenTelemetry's, or one of ours, whose name gets the prefix `turnstile.`."""
        made = super().__new__(cls, name if convention else _PREFIX + name)
        made.instrument, made.unit, made.meaning, made.sources = instrument, unit, meaning, sources
        made.attributes, made.buckets, made.convention = attributes, buckets, convention
        return made

    @property
    def prometheus_name(self) -> str:
        """The name under which Prometheus knows it, as its OpenTelemetry exporter spells it."""
        name = self.replace(".", "_")
        unit = _PROMETHEUS_UNITS.get(self.unit)
        if unit and not name.endswith(f"_{unit}"):
            name += f"_{unit}"
        if self.instrument is Instrument.COUNTER:
            name += "_total"
        return name
