"""Traces as Jaeger's query API writes them: made of received spans, and read from its answers."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from tests.e2e.telemetry.received import Attributes, Span

from contracts.telemetry import attributes as at
from contracts.telemetry import resource


@dataclass(frozen=True)
class Drawn:
    """A span as Jaeger draws it."""

    span_id: str
    name: str
    service: str
    host: str
    #: Empty for the first of a trace.
    parent_id: str
    #: Other spans that it leads to, as ids of trace and span.
    links: tuple[tuple[str, str], ...]
    tags: Attributes
    warnings: tuple[str, ...]

    @property
    def is_red(self) -> bool:
        """Whether it is drawn as an error."""
        return self.tags.get("error") is True


@dataclass(frozen=True)
class DrawnTrace:
    """A trace as Jaeger draws it, earliest span first."""

    trace_id: str
    spans: Sequence[Drawn]

    def named(self, *names: str, attempt: int | None = None) -> list[Drawn]:
        """Return the spans with one of these names, of an attempt if one is given."""
        return [
            span
            for span in self.spans
            if span.name in names and attempt in {None, span.tags.get(at.JOB_ATTEMPT)}
        ]

    def above(self, span: Drawn) -> list[Drawn]:
        """Return the parents of a span, nearest first."""
        by_id, found = {one.span_id: one for one in self.spans}, []
        while (parent := by_id.get(span.parent_id)) is not None:
            found.append(parent)
            span = parent
        return found

    def __str__(self) -> str:
        """Draw it, for failures."""
        return "\n".join(
            f"{span.service:25} {'  ' * len(self.above(span))}{span.name} {' '.join(span.warnings)}"
            for span in self.spans
        )


class JaegerApi:
    """Asks Jaeger as its web pages do."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=10)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def trace(self, trace_id: str) -> DrawnTrace:
        """Return a trace; one without spans if Jaeger does not know it."""
        answer = self._client.get(f"/api/traces/{trace_id}")
        if answer.status_code == httpx.codes.NOT_FOUND:
            return DrawnTrace(trace_id, ())
        (found,) = answer.raise_for_status().json()["data"]
        return _read(found)

    def search(self, service: str, tags: str) -> list[DrawnTrace]:
        """Return traces with a span of the service that has these tags, which are JSON."""
        answer = self._client.get("/api/traces", params={"service": service, "tags": tags, "limit": "100"})
        return [_read(found) for found in answer.raise_for_status().json()["data"]]

    def operations(self, service: str) -> set[str]:
        """Return the list of a service's operations."""
        answer = self._client.get(f"/api/services/{service}/operations").raise_for_status()
        return set(answer.json()["data"] or ())


def document(trace_id: str, spans: Sequence[Span]) -> dict[str, Any]:
    """Return a trace as Jaeger answers with it, with what it warns of."""
    by_id, counts = {span.span_id: span for span in spans}, Counter(span.span_id for span in spans)
    return {
        "traceID": trace_id,
        "spans": [
            {
                "traceID": trace_id,
                "spanID": span.span_id,
                "operationName": span.name,
                "startTime": round(span.start * 1e6),
                "processID": f"{span.service} {span.host}",
                "references": list(_references(span)),
                "tags": _tags({**span.attributes, **_of_jaeger(span)}),
                "warnings": list(_warnings(span, by_id, counts)) or None,
            }
            for span in spans
        ],
        "processes": {
            f"{span.service} {span.host}": {
                "serviceName": span.service,
                "tags": _tags({str(resource.HOST_ID): span.host}),
            }
            for span in spans
        },
    }


def _of_jaeger(span: Span) -> dict[str, Any]:
    """Return what Jaeger makes tags of."""
    return {"span.kind": span.kind} | ({"error": True} if span.status == "error" else {})


def _references(span: Span) -> Iterable[dict[str, str]]:
    if span.parent_id:
        yield {"refType": "CHILD_OF", "traceID": span.trace_id, "spanID": span.parent_id}
    for link in span.links:
        yield {"refType": "FOLLOWS_FROM", "traceID": link.trace_id, "spanID": link.span_id}


def _warnings(span: Span, by_id: Mapping[str, Span], counts: Mapping[str, int]) -> Iterable[str]:
    """Warn as Jaeger 2 does (internal/adjuster)."""
    if counts[span.span_id] > 1:
        yield "duplicate span IDs"
    parent = by_id.get(span.parent_id)
    if parent is None:
        if span.parent_id:
            yield f"parent span ID={span.parent_id} is not in the trace"
    elif not (span.host and span.host == parent.host) and not parent.start <= span.start <= parent.end:
        yield "clock skew adjustment disabled"


def _tags(attributes: Attributes) -> list[dict[str, Any]]:
    return [{"key": name, "value": value} for name, value in attributes.items()]


def _read(found: Mapping[str, Any]) -> DrawnTrace:
    senders = {
        key: (sender["serviceName"], _attributes(sender["tags"]).get(str(resource.HOST_ID), ""))
        for key, sender in found["processes"].items()
    }
    spans = []
    for span in sorted(found["spans"], key=lambda span: int(span["startTime"])):
        service, host = senders[span["processID"]]
        references = span["references"] or ()
        parents = [one["spanID"] for one in references if one["refType"] == "CHILD_OF"]
        links = [(one["traceID"], one["spanID"]) for one in references if one["refType"] == "FOLLOWS_FROM"]
        spans.append(
            Drawn(
                span["spanID"],
                span["operationName"],
                service,
                host,
                parents[0] if parents else "",
                tuple(links),
                _attributes(span["tags"]),
                tuple(span["warnings"] or ()),
            )
        )
    return DrawnTrace(found["traceID"], spans)


def _attributes(tags: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    return {tag["key"]: tag["value"] for tag in tags}
