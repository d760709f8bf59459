"""The telemetry schema as the tables of docs/telemetry.md."""

from collections.abc import Iterable, Sequence

from contracts.telemetry import attributes, metrics, resource, spans
from contracts.telemetry.names import SERVICES, Attribute, Metric, Source, SpanEvent, SpanName
from deploy.documentation.marks import code, table
from deploy.documentation.telemetry_schema import declared


def tables() -> str:
    """Return the tables of spans, span events, metrics, attributes and resource, each under a heading."""
    return "\n".join(
        [
            _section("Spans", ("span", "by", "means"), map(_row, declared(spans, SpanName).values())),
            _section("Span events", ("event", "by", "means"), map(_row, declared(spans, SpanEvent).values())),
            _section(
                "Metrics",
                ("metric in Prometheus", "labels", "by", "means"),
                map(_metric, declared(metrics, Metric).values()),
            ),
            _section(
                "Attributes of spans and log lines",
                ("attribute", "means", "values"),
                map(_attribute, declared(attributes, Attribute).values()),
            ),
            _section(
                "Resource",
                ("attribute of the sender", "means", "values"),
                map(_attribute, declared(resource, Attribute).values()),
            ),
        ]
    )


def _row(name: SpanName | SpanEvent) -> tuple[str, ...]:
    return code(name), _sources(name.sources), name.meaning


def _metric(name: Metric) -> tuple[str, ...]:
    labels = ", ".join(code(label.replace(".", "_")) for label in name.attributes)
    return code(name.prometheus_name), labels, _sources(name.sources), name.meaning


def _attribute(name: Attribute) -> tuple[str, ...]:
    return code(name), name.meaning, ", ".join(map(code, name.values))


def _sources(sources: Sequence[Source]) -> str:
    if set(sources) == set(Source):
        return "all"
    return "all but dashboard" if set(sources) == set(SERVICES) else ", ".join(sources)


def _section(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return f"## {title}\n\n{table(columns, rows)}"
