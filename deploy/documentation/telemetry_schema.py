"""The telemetry schema as a document for programs: all that contracts.telemetry declares, as JSON values."""

import re
from types import ModuleType
from typing import Any, TypeVar

from contracts.telemetry import attributes, metrics, resource, spans
from contracts.telemetry.names import Attribute, Metric, Source, SpanEvent, SpanName

_T = TypeVar("_T", bound=str)


def declared(module: ModuleType, kind: type[_T]) -> dict[str, _T]:
    """Return the declarations of a module by the names of their constants, in the order of the file."""
    return {
        constant: value
        for constant, value in vars(module).items()
        if re.fullmatch("[A-Z][A-Z0-9_]*", constant) and isinstance(value, kind)
    }


def schema() -> dict[str, Any]:
    """Return the whole schema as JSON values."""
    return {
        "services": {str(source): source.service_name for source in Source},
        "resource": [_attribute(name) for name in declared(resource, Attribute).values()],
        "spans": [_span(name) for name in declared(spans, SpanName).values()],
        "events": [_event(name) for name in declared(spans, SpanEvent).values()],
        "metrics": [_metric(name) for name in declared(metrics, Metric).values()],
        "attributes": [_attribute(name) for name in declared(attributes, Attribute).values()],
    }


def _span(name: SpanName) -> dict[str, Any]:
    return {
        "name": str(name),
        "kind": name.kind,
        "meaning": name.meaning,
        "sources": _plain(name.sources),
        "attributes": _plain(name.attributes),
    }


def _event(name: SpanEvent) -> dict[str, Any]:
    return {
        "name": str(name),
        "meaning": name.meaning,
        "sources": _plain(name.sources),
        "attributes": _plain(name.attributes),
    }


def _metric(name: Metric) -> dict[str, Any]:
    return {
        "name": str(name),
        "prometheus_name": name.prometheus_name,
        "type": name.instrument.value,
        "unit": name.unit,
        "meaning": name.meaning,
        "sources": _plain(name.sources),
        "attributes": _plain(name.attributes),
        "buckets": list(name.buckets),
        "is_convention": name.convention,
    }


def _attribute(name: Attribute) -> dict[str, Any]:
    return {
        "name": str(name),
        "meaning": name.meaning,
        "values": list(name.values),
        "may_be_label": name.on_metrics,
        "is_convention": name.convention,
    }


def _plain(names: tuple[str, ...]) -> list[str]:
    return [str(name) for name in names]
