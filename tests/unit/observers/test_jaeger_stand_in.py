"""The stand-in answers and warns as Jaeger does, as far as tests of traces look at it."""

import json
from collections.abc import Iterator
from contextlib import closing

import pytest
from tests.e2e.telemetry.jaeger import JaegerStandIn
from tests.e2e.telemetry.jaeger_documents import JaegerApi
from tests.e2e.telemetry.received import Link, Span, SpanEvent

TRACE = "1" * 32
FIRST = Span(
    "a",
    "turnstile",
    "ask",
    kind="client",
    attributes={"job.id": "j"},
    events=(SpanEvent("job projected", {"job.id": "k"}),),
    start=10,
    end=12,
    trace_id=TRACE,
    span_id="1" * 16,
    host="h",
)
LATE = Span(
    "b",
    "turnstile",
    "answer",
    links=(Link("2" * 32, "9" * 16),),
    status="error",
    start=13,
    end=14,
    trace_id=TRACE,
    span_id="2" * 16,
    parent_id=FIRST.span_id,
    host="h",
)


def spans_of(*, host: str = "h", parent_id: str = FIRST.span_id, times: int = 1) -> list[Span]:
    """Return the first span, and the other one on a host, under a parent, and so often."""
    return [FIRST, *[Span(**{**vars(LATE), "host": host, "parent_id": parent_id})] * times]


@pytest.fixture
def shown() -> list[Span]:
    """Return the spans that the stand-in knows, to be filled."""
    return []


@pytest.fixture
def api(shown: list[Span]) -> Iterator[JaegerApi]:
    """Return the stand-in's API."""
    with JaegerStandIn(lambda: shown) as server, closing(JaegerApi(server.url)) as asked:
        yield asked


def test_a_trace_is_shown_with_parents_links_tags_and_errors(api: JaegerApi, shown: list[Span]) -> None:
    shown += spans_of()
    trace = api.trace(TRACE)
    first, late = trace.spans
    assert (first.name, first.service, first.host, first.parent_id) == ("ask", "a", "h", "")
    assert first.tags == {"job.id": "j", "span.kind": "client"}
    assert trace.above(late) == [first]
    assert late.links == (("2" * 32, "9" * 16),)
    assert (first.is_red, late.is_red) == (False, True)
    assert (first.warnings, late.warnings) == ((), ())
    assert api.trace("3" * 32).spans == ()


def test_traces_are_found_by_tags_of_spans_and_of_moments(api: JaegerApi, shown: list[Span]) -> None:
    shown += spans_of()
    found = [
        len(api.search(service, json.dumps({"job.id": job}))) for service in ("a", "b") for job in ("j", "k")
    ]
    assert found == [1, 1, 0, 0]
    assert (api.operations("a"), api.operations("c")) == ({"ask"}, set())


@pytest.mark.parametrize(
    ("spans", "warning"),
    [
        (spans_of(host="other"), "clock skew"),
        (spans_of(host=""), "clock skew"),
        (spans_of(parent_id="7" * 16), "is not in the trace"),
        (spans_of(times=2), "duplicate"),
    ],
    ids=["host", "no host", "parent", "twice"],
)
def test_it_warns_of_what_jaeger_warns_of(
    api: JaegerApi, shown: list[Span], spans: list[Span], warning: str
) -> None:
    shown += spans
    assert warning in " ".join(api.trace(TRACE).spans[-1].warnings)
