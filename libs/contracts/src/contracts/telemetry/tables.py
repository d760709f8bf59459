"""The schema as the tables of the README."""

from collections.abc import Iterable, Sequence

from contracts.telemetry import attributes, metrics, spans
from contracts.telemetry.document import declared
from contracts.telemetry.names import SERVICES, Attribute, Metric, Source, SpanEvent, SpanName

BEGIN, END = "<!-- telemetry:begin -->", "<!-- telemetry:end -->"


def with_tables(text: str) -> str:
    """Put the tables between their marks in a text. Raises ValueError where a mark is missing."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the text lacks {BEGIN} or {END}")
    return f"{before}{BEGIN}\n{tables()}{END}{after}"


def tables() -> str:
    """Give the tables of spans, moments on them, metrics and attributes."""
    return "\n".join(
        [
            _table(("span", "by", "means"), map(_row, declared(spans, SpanName).values())),
            _folded(
                "Moments on spans",
                _table(("moment", "by", "means"), map(_row, declared(spans, SpanEvent).values())),
            ),
            _folded(
                "Metrics, by the names they have in Prometheus",
                _table(
                    ("metric", "labels", "by", "means"),
                    map(_metric, declared(metrics, Metric).values()),
                ),
            ),
            _folded(
                "Attributes of spans and log lines",
                _table(
                    ("attribute", "means", "values"),
                    map(_attribute, declared(attributes, Attribute).values()),
                ),
            ),
        ]
    )


def _row(name: SpanName | SpanEvent) -> tuple[str, ...]:
    return _code(name), _sources(name.sources), name.meaning


def _metric(name: Metric) -> tuple[str, ...]:
    labels = ", ".join(_code(label.replace(".", "_")) for label in name.attributes)
    return _code(name.prometheus_name), labels, _sources(name.sources), name.meaning


def _attribute(name: Attribute) -> tuple[str, ...]:
    return _code(name), name.meaning, ", ".join(map(_code, name.values))


def _sources(sources: Sequence[Source]) -> str:
    return "all" if set(sources) == set(SERVICES) else ", ".join(sources)


def _folded(title: str, table: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{table}\n</details>\n"


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _code(name: str) -> str:
    return f"`{name}`"
