"""Spans that one process records and another one sends."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, StatusCode, TraceFlags

from service_defaults.span_ids import SpanIds
from service_defaults.span_recording import MOST_CHARACTERS, SpanRecorder
from service_defaults.span_relay import SpanRelay

TRACE = 0xABC
ANCHOR = SpanContext(TRACE, 0xA, is_remote=True, trace_flags=TraceFlags(1))
UNSAMPLED = SpanContext(TRACE, 0xA, is_remote=True, trace_flags=TraceFlags(0))
ELSEWHERE = SpanContext(0xDEF, 0xD, is_remote=True, trace_flags=TraceFlags(1))

Provide = Callable[[TracerProvider], None]


@pytest.fixture
def provide(monkeypatch: pytest.MonkeyPatch) -> Provide:
    """Let a provider be the global one for the test."""

    def provide(provider: TracerProvider) -> None:
        monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)

    return provide


@pytest.fixture
def sent(provide: Provide) -> Iterator[InMemorySpanExporter]:
    """What the relaying process sends."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(
        resource=Resource({"service.name": "worker"}), id_generator=SpanIds(), shutdown_on_exit=False
    )
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    provide(provider)
    yield exporter
    provider.shutdown()


class Recorded:
    """A recorder, what it handed on, and a tracer of its process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        providers: list[TracerProvider] = []
        with monkeypatch.context() as patch:
            patch.setattr(trace, "set_tracer_provider", providers.append)
            self.recorder = SpanRecorder()
        self.spans: list[dict[str, Any]] = []
        self.tracer = providers[0].get_tracer("some.library")
        self.recorder.record(ANCHOR, self.spans.append)

    def beneath(self, span: SpanContext) -> Context:
        return trace.set_span_in_context(NonRecordingSpan(span), Context())


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Recorded:
    return Recorded(monkeypatch)


def relayed(data: dict[str, Any], sent: InMemorySpanExporter, **given: Any) -> ReadableSpan:
    # As it comes out of the wire.
    assert SpanRelay().hand_on(json.loads(json.dumps(data)), ANCHOR, **given) is not None
    return sent.get_finished_spans()[-1]


def test_a_span_arrives_as_it_was_made(recorded: Recorded, sent: InMemorySpanExporter) -> None:
    span = recorded.tracer.start_span(
        "work",
        recorded.beneath(ANCHOR),
        SpanKind.CLIENT,
        {"text": "ü", "number": 7, "share": 0.5, "is": True, "many": ["a", "b"]},
        [Link(ELSEWHERE, {"why": "because"})],
    )
    span.add_event("happened", {"how": "well"}, 5)
    span.set_status(StatusCode.ERROR, "broken")
    span.end()
    (data,) = recorded.spans
    made = relayed(data, sent)
    assert (made.name, made.kind, made.context.trace_id) == ("work", SpanKind.CLIENT, TRACE)
    assert (made.context.span_id, made.parent.span_id) == (span.get_span_context().span_id, 0xA)
    assert made.attributes == {"text": "ü", "number": 7, "share": 0.5, "is": True, "many": ("a", "b")}
    assert (made.events[0].name, made.events[0].timestamp, made.events[0].attributes) == (
        "happened",
        5,
        {"how": "well"},
    )
    assert (made.links[0].context.span_id, made.links[0].attributes) == (0xD, {"why": "because"})
    assert (made.status.status_code, made.status.description) == (StatusCode.ERROR, "broken")
    assert (made.start_time, made.end_time) == (span.start_time, span.end_time)  # type: ignore[attr-defined]
    assert made.instrumentation_scope.name == "some.library"
    assert made.resource.attributes == {"service.name": "worker"}


def test_a_span_that_knew_no_parent_becomes_a_child_of_the_anchor(
    recorded: Recorded, sent: InMemorySpanExporter
) -> None:
    recorded.tracer.start_span("lost", Context()).end()
    assert relayed(recorded.spans[0], sent).parent.span_id == 0xA


def test_a_step_ends_when_it_is_relayed_and_under_its_given_name(
    recorded: Recorded, sent: InMemorySpanExporter
) -> None:
    data = recorded.recorder.describe(recorded.recorder.start("load"))
    assert data is not None
    assert data["end"] is None
    before = time.time_ns()
    made = relayed(data, sent, name="step load", attributes={"job.step": "load"})
    assert (made.name, made.attributes) == ("step load", {"job.step": "load"})
    assert made.end_time is not None
    assert made.end_time >= before
    assert recorded.spans == []


def test_what_the_relaying_process_says_wins(recorded: Recorded, sent: InMemorySpanExporter) -> None:
    span = recorded.recorder.start("load")
    span.set_attribute("job.id", "forged")
    span.set_status(StatusCode.OK)
    data = recorded.recorder.describe(span)
    assert data is not None
    made = relayed(data, sent, attributes={"job.id": "j"}, error_type="FencedError", error_message="stale")
    assert made.attributes == {"job.id": "j"}
    assert (made.status.status_code, made.status.description) == (StatusCode.ERROR, "FencedError: stale")


def test_only_spans_of_the_runs_trace_are_handed_on(recorded: Recorded) -> None:
    recorded.tracer.start_span("elsewhere", recorded.beneath(ELSEWHERE)).end()
    recorded.tracer.start_span("unsampled", recorded.beneath(UNSAMPLED)).end()
    recorded.recorder.record(UNSAMPLED, recorded.spans.append)
    recorded.tracer.start_span("of an unsampled run", Context()).end()
    recorded.recorder.record(None, recorded.spans.append)
    recorded.tracer.start_span("of no run", Context()).end()
    assert recorded.recorder.describe(recorded.recorder.start("step")) is None
    assert recorded.spans == []


def test_the_largest_span_stays_within_bounds_and_keeps_what_matters(
    recorded: Recorded, sent: InMemorySpanExporter
) -> None:
    with recorded.tracer.start_as_current_span("n" * 10_000, recorded.beneath(ANCHOR)) as span:
        for number in range(200):
            span.set_attribute(f"{number}" * 100, "ü" * 10_000)
            span.add_event("e" * 10_000, {"text": "\ud800" * 10_000})
        span.set_attribute("list", list(range(100)))
        span.set_status(StatusCode.ERROR, "d" * 100_000)
    (data,) = recorded.spans
    assert len(json.dumps(data)) <= MOST_CHARACTERS
    made = relayed(data, sent)
    assert made.status.status_code is StatusCode.ERROR
    assert made.attributes


def test_odd_values_become_text(recorded: Recorded, sent: InMemorySpanExporter) -> None:
    odd = {
        "nan": float("nan"),
        "huge": 2**70,
        "bytes": b"\xff",
        "half": "a\ud800",
        "few": [1.5, float("inf")],
        "many": list(range(1000)),
    }
    recorded.tracer.start_span("odd", recorded.beneath(ANCHOR), attributes=odd).end()  # type: ignore[arg-type]
    made = relayed(recorded.spans[0], sent)
    assert made.attributes == {
        "nan": "nan",
        "huge": str(2**70),
        "bytes": str(b"\xff"),
        "half": "a?",
        "few": (1.5, "inf"),
        "many": tuple(range(100)),
    }


GOOD: dict[str, Any] = {"name": "x", "trace_id": f"{TRACE:032x}", "span_id": f"{0xB:016x}", "start": 1}


@pytest.mark.parametrize(
    "change",
    [
        {"trace_id": f"{0xDEF:032x}"},
        {"trace_id": "ABC"},
        {"span_id": "0" * 16},
        {"span_id": f"{ANCHOR.span_id:016x}"},
        {"span_id": "g" * 16},
        {"span_id": f"{0xB:016x}\n"},
        {"span_id": 11},
        {"parent_id": "1"},
        {"name": "x" * 501},
        {"name": None},
        {"scope": "x" * 501},
        {"kind": "ODD"},
        {"status": "BAD"},
        {"start": -1},
        {"start": 2**63},
        {"start": "1"},
        {"end": 1.5},
        {"attributes": {str(number): 1 for number in range(65)}},
        {"attributes": {"a": "x" * 5001}},
        {"attributes": {"a": None}},
        {"attributes": {"a": {"b": 1}}},
        {"attributes": {"a": [[1]]}},
        {"attributes": {"a": [1] * 101}},
        {"attributes": {"x" * 501: 1}},
        {"events": [{"name": "e", "at": 1}] * 33},
        {"events": [{"name": "e"}]},
        {"links": [{"trace_id": "1", "span_id": "2"}]},
        {"resource": {"service.name": "forged"}},
    ],
    ids=str,
)
def test_malformed_spans_are_dropped(sent: InMemorySpanExporter, change: dict[str, Any]) -> None:
    relay = SpanRelay()
    assert relay.hand_on(GOOD | change, ANCHOR) is None
    assert sent.get_finished_spans() == ()
    assert relay.hand_on(GOOD, ANCHOR) is not None


@pytest.mark.parametrize(
    "change",
    [
        {"name": "x" * 500, "scope": "x" * 500},
        {"name": "", "scope": "", "description": "x" * 5000, "status": "ERROR"},
        {"start": 0, "end": 2**63 - 1},
        {"attributes": {"x" * 500: 1} | {str(number): 1 for number in range(63)}},
        {"attributes": {"a": "x" * 5000, "b": [1] * 100, "c": 2**63 - 1, "d": -(2**63), "e": True, "f": 0.5}},
        {"events": [{"name": "e", "at": 1}] * 32},
        {"events": [{"name": "e", "at": 1, "attributes": {str(number): 1 for number in range(64)}}]},
        {"links": [{"trace_id": f"{1:032x}", "span_id": f"{2:016x}"}] * 16},
        {"kind": "PRODUCER"},
        {"parent_id": f"{0xC:016x}"},
    ],
    ids=str,
)
def test_a_span_of_exactly_the_largest_size_is_handed_on(
    sent: InMemorySpanExporter, change: dict[str, Any]
) -> None:
    made = relayed(GOOD | change, sent)
    assert made.name == (GOOD | change)["name"]
    assert len(made.events) == len(change.get("events", []))
    assert len(made.links) == len(change.get("links", []))
    assert dict(made.attributes or {}).keys() == change.get("attributes", {}).keys()


@pytest.mark.parametrize(
    "change",
    [
        {"description": "x" * 5001},
        {"end": 2**63},
        {"end": -1},
        {"attributes": {"a": ["x" * 5001]}},
        {"events": [{"name": "x" * 501, "at": 1}]},
        {"events": [{"name": "e", "at": -1}]},
        {"events": [{"name": "e", "at": 1, "attributes": {str(number): 1 for number in range(65)}}]},
        {"events": [{"name": "e", "at": 1, "extra": 1}]},
        {"links": [{"trace_id": f"{1:032x}", "span_id": f"{2:016x}"}] * 17},
        {"links": [{"trace_id": f"{1:032x}", "span_id": f"{2:016x}", "attributes": {"a": None}}]},
    ],
    ids=str,
)
def test_a_span_beyond_the_largest_size_is_dropped(
    sent: InMemorySpanExporter, change: dict[str, Any]
) -> None:
    assert SpanRelay().hand_on(GOOD | change, ANCHOR) is None
    assert sent.get_finished_spans() == ()


def test_a_number_beyond_64_bits_becomes_one_that_can_be_sent(sent: InMemorySpanExporter) -> None:
    made = relayed(GOOD | {"attributes": {"a": 2**63, "b": -(2**63) - 1}}, sent)
    assert made.attributes == {"a": 2.0**63, "b": -(2.0**63)}
    assert {type(value) for value in made.attributes.values()} == {float}


def test_a_span_keeps_its_parent_its_kind_and_its_own_status(sent: InMemorySpanExporter) -> None:
    link = {"trace_id": f"{0xBEEF:032x}", "span_id": f"{0xFEED:016x}"}
    given = {"parent_id": f"{0xC0FFEE:016x}", "kind": "PRODUCER", "status": "OK", "links": [link]}
    made = relayed(GOOD | given, sent)
    assert (made.parent.span_id, made.parent.trace_id, made.kind) == (0xC0FFEE, TRACE, SpanKind.PRODUCER)
    assert made.parent.is_remote
    assert (made.links[0].context.trace_id, made.links[0].context.span_id) == (0xBEEF, 0xFEED)
    assert (made.status.status_code, made.status.description) == (StatusCode.OK, None)
    assert made.instrumentation_scope.name == "turnstile"
    unset = relayed(GOOD | {"scope": "a.library"}, sent)
    assert (unset.parent.span_id, unset.status.status_code) == (0xA, StatusCode.UNSET)
    assert (unset.kind, unset.instrumentation_scope.name) == (SpanKind.INTERNAL, "a.library")


def test_the_message_of_an_error_is_bounded(sent: InMemorySpanExporter) -> None:
    made = relayed(GOOD, sent, error_type="Error", error_message="x" * 10_000)
    assert made.status.description == "Error: " + "x" * 4993


def test_a_span_cannot_take_the_place_of_the_run_it_belongs_to(sent: InMemorySpanExporter) -> None:
    anchor = SpanContext(TRACE, 0xA10, is_remote=True, trace_flags=TraceFlags(1))
    assert SpanRelay().hand_on(GOOD | {"span_id": f"{0xA10:016x}"}, anchor) is None
    assert sent.get_finished_spans() == ()


def test_nothing_is_sent_of_a_trace_that_is_not_sampled(sent: InMemorySpanExporter) -> None:
    assert SpanRelay().hand_on(GOOD, UNSAMPLED) is None
    assert sent.get_finished_spans() == ()


def test_invented_names_of_libraries_do_not_pile_up(sent: InMemorySpanExporter) -> None:
    relay = SpanRelay()
    for number in range(500):
        relay.hand_on(GOOD | {"scope": f"library {number}"}, ANCHOR)
    # Those that are known stay known, however many are invented later.
    relay.hand_on(GOOD | {"scope": "library 0"}, ANCHOR)
    scopes = [span.instrumentation_scope.name for span in sent.get_finished_spans()]
    assert scopes == [*(f"library {n}" for n in range(100)), *["turnstile"] * 400, "library 0"]
