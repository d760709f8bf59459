"""Reads OTLP requests into what tests look at."""

from collections.abc import Iterator, Sequence
from typing import Any

from tests.e2e.telemetry.received import Link, LogRecord, Metric, Span, SpanEvent

_KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
_STATUSES = ("unset", "ok", "error")


def resources(request: Any) -> list[dict[str, Any]]:
    """Return the attributes of every resource in a request."""
    return [_attributes(group.resource.attributes) for group in _groups(request)]


def spans(request: Any) -> list[Span]:
    """Return the spans of a request."""
    return [
        Span(
            service=service,
            scope=scope.scope.name,
            name=span.name,
            kind=_KINDS[span.kind],
            attributes=_attributes(span.attributes),
            events=tuple(
                SpanEvent(event.name, _attributes(event.attributes), event.time_unix_nano / 1e9)
                for event in span.events
            ),
            links=tuple(
                Link(link.trace_id.hex(), link.span_id.hex(), _attributes(link.attributes))
                for link in span.links
            ),
            status=_STATUSES[span.status.code],
            start=span.start_time_unix_nano / 1e9,
            end=span.end_time_unix_nano / 1e9,
            trace_id=span.trace_id.hex(),
            span_id=span.span_id.hex(),
            parent_id=span.parent_span_id.hex(),
            host=_attributes(group.resource.attributes).get("host.id", ""),
        )
        for service, group in _by_service(request)
        for scope in group.scope_spans
        for span in scope.spans
    ]


def metrics(request: Any) -> list[Metric]:
    """Return the series of a request."""
    return [
        Metric(
            service,
            scope.scope.name,
            metric.name,
            metric.unit,
            _attributes(point.attributes),
            getattr(point, "sum", 0.0),
        )
        for service, group in _by_service(request)
        for scope in group.scope_metrics
        for metric in scope.metrics
        for point in getattr(metric, metric.WhichOneof("data")).data_points
    ]


def logs(request: Any) -> list[LogRecord]:
    """Return the log records of a request."""
    return [
        LogRecord(
            service,
            scope.scope.name,
            str(_value(record.body)),
            _attributes(record.attributes),
            record.trace_id.hex(),
            record.span_id.hex(),
            record.severity_text,
        )
        for service, group in _by_service(request)
        for scope in group.scope_logs
        for record in scope.log_records
    ]


def _groups(request: Any) -> Sequence[Any]:
    for name in ("resource_spans", "resource_metrics", "resource_logs"):
        if hasattr(request, name):
            return list(getattr(request, name))
    raise AssertionError(f"not an OTLP request: {request}")


def _by_service(request: Any) -> Iterator[tuple[str, Any]]:
    for group in _groups(request):
        yield _attributes(group.resource.attributes)["service.name"], group


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: Any) -> Any:
    which = value.WhichOneof("value")
    if which is None:
        return None
    if which == "array_value":
        return tuple(_value(item) for item in value.array_value.values)
    if which == "kvlist_value":
        return _attributes(value.kvlist_value.values)
    return getattr(value, which)
