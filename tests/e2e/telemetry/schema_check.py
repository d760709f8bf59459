"""Compares what services emitted with the schema: nothing it lacks, and nothing it lists in vain."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping

from deploy.documentation.telemetry_schema import declared
from tests.e2e.telemetry.received import Attributes, LogRecord, Metric, Received, Span, SpanEvent

from contracts.telemetry import attributes, metrics, names, spans

_OURS = frozenset(
    {
        "audit_projector",
        "azure_storage",
        "command_line",
        "contracts",
        "coordination",
        "publisher",
        "scheduler",
        "service_defaults",
        "turnstile",
        "worker",
    }
)

#: Where jobs log; their names are their authors'.
_JOBS = "turnstile.jobs"

#: What the OpenTelemetry SDK adds by itself.
_EXCEPTION = "exception"
_ADDED = ("exception.", "code.")

_SPAN_NAMES = {str(name): name for name in declared(spans, names.SpanName).values()}
_MOMENTS = {str(name): name for name in declared(spans, names.SpanEvent).values()}
_METRICS = {str(name): name for name in declared(metrics, names.Metric).values()}
_ATTRIBUTES = {str(name): name for name in declared(attributes, names.Attribute).values()}

_PLACEHOLDER = re.compile(r"\{([^}]+)\}")


def deviations(received: Received) -> list[str]:
    """Say what was emitted against the schema, each case once; empty when all is well.

    User code names things as it likes: logs of `turnstile.jobs` and spans of its own are exempt, and so is
    what libraries emit under scopes of theirs.
    """
    found: set[str] = set()
    for span in received.spans:
        found.update(_wrong_with_span(span))
    for metric in received.metrics:
        found.update(_wrong_with_metric(metric))
    for record in received.logs:
        found.update(_wrong_with_log(record))
    return sorted(found)


def never_emitted(received: Received) -> list[str]:
    """Say what the schema lists and nothing emitted."""
    moments = [moment for span in received.spans for moment in span.events]
    keyed: Iterable[Span | SpanEvent | Metric | LogRecord] = (
        *received.spans,
        *moments,
        *received.metrics,
        *received.logs,
    )
    seen: Mapping[str, Collection[str]] = {
        "span": {name for span in received.spans if (name := span_name(span)) is not None},
        "moment": {moment.name for moment in moments},
        "metric": {metric.name for metric in received.metrics},
        "attribute": {name for one in keyed for name in one.attributes},
    }
    listed: Mapping[str, Collection[str]] = {
        "span": _SPAN_NAMES,
        "moment": _MOMENTS,
        "metric": _METRICS,
        "attribute": _ATTRIBUTES,
    }
    return [f"{what} `{name}`" for what, all_ in listed.items() for name in all_ if name not in seen[what]]


def span_name(span: Span) -> names.SpanName | None:
    """Return the declared name that a span bears: just that, or one with a part in braces."""
    exact = _SPAN_NAMES.get(span.name)
    if exact is not None:
        return exact
    for name in _SPAN_NAMES.values():
        keys = _PLACEHOLDER.findall(name)
        match = re.fullmatch(_PLACEHOLDER.sub("(.+)", name), span.name) if keys else None
        # A part may be cut short in the name: a repeated step's has no number there.
        if match and all(
            str(span.attributes.get(key, "")).startswith(part)
            for key, part in zip(keys, match.groups(), strict=True)
        ):
            return name
    return None


def _wrong_with_span(span: Span) -> Iterator[str]:
    where = f"{span.service}: span `{span.name}`"
    name = span_name(span)
    if not _is_ours(span.scope):
        return
    if name is None:
        yield f"{where} of {span.scope} is not in the schema"
        return
    if span.kind != name.kind:
        yield f"{where} is of the kind {span.kind}, not {name.kind}"
    yield from _wrong_source(where, span.service, name.sources)
    yield from _wrong_attributes(where, span.attributes, name.attributes)
    for moment in span.events:
        declared_moment = _MOMENTS.get(moment.name)
        if declared_moment is not None:
            there = f"{span.service}: moment `{moment.name}`"
            yield from _wrong_source(there, span.service, declared_moment.sources)
            yield from _wrong_attributes(there, moment.attributes, declared_moment.attributes)
        elif moment.name != _EXCEPTION:
            yield f"{where} has a moment `{moment.name}`, which is not in the schema"


def _wrong_with_metric(metric: Metric) -> Iterator[str]:
    if not _is_ours(metric.scope):
        return
    where = f"{metric.service}: metric `{metric.name}`"
    name = _METRICS.get(metric.name)
    if name is None:
        yield f"{where} is not in the schema"
        return
    if metric.unit != name.unit:
        yield f"{where} is in {metric.unit or 'no unit'}, not {name.unit}"
    yield from _wrong_source(where, metric.service, name.sources)
    yield from _wrong_attributes(where, metric.attributes, name.attributes)


def _wrong_with_log(record: LogRecord) -> Iterator[str]:
    if _is_ours(record.scope):
        where = f"{record.service}: log `{record.body}` of {record.scope}"
        yield from _wrong_attributes(where, record.attributes, _ATTRIBUTES.values())


def _wrong_source(where: str, service: str, sources: Collection[names.Source]) -> Iterator[str]:
    if service not in {source.service_name for source in sources}:
        yield f"{where} is not expected of this service"


def _wrong_attributes(where: str, got: Attributes, allowed: Iterable[names.Attribute]) -> Iterator[str]:
    known = {str(attribute): attribute for attribute in allowed}
    for name, value in got.items():
        attribute = known.get(name)
        if attribute is None:
            if not name.startswith(_ADDED):
                yield f"{where} has an attribute `{name}`, which is not in the schema"
        elif attribute.values and value not in attribute.values:
            yield f"{where} has {name}={value!r}, which is none of {', '.join(attribute.values)}"


def _is_ours(scope: str) -> bool:
    is_job = scope == _JOBS or scope.startswith(f"{_JOBS}.")
    return scope.partition(".")[0] in _OURS and not is_job
