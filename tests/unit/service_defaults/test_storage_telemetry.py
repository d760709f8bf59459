"""Storage calls as measurements, counted on spans, and as spans."""

import time
from dataclasses import dataclass
from typing import Any

import pytest
from opentelemetry import metrics as otel
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from contracts.telemetry import attributes as at
from contracts.telemetry import metrics
from coordination.clock import SystemClock
from coordination.journal.persistence import until_known
from coordination.ports import UnknownOutcomeError
from service_defaults.storage_telemetry import StorageTelemetry


@dataclass(frozen=True)
class Call:
    operation: str = "journal.commit"
    outcome: str = "ok"
    seconds: float = 0.25
    is_shared: bool = False


@pytest.fixture
def exporter(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    return exporter


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> InMemoryMetricReader:
    reader = InMemoryMetricReader()
    monkeypatch.setattr(otel, "get_meter", MeterProvider([reader], shutdown_on_exit=False).get_meter)
    return reader


def within_a_span(*calls: Call) -> None:
    telemetry = StorageTelemetry()
    with trace.get_tracer("test").start_as_current_span("request"):
        for call in calls:
            telemetry.observe(call)


def told(exporter: InMemorySpanExporter) -> list[ReadableSpan]:
    return [span for span in exporter.get_finished_spans() if span.name != "request"]


def test_calls_are_counted_on_the_current_span(exporter: InMemorySpanExporter) -> None:
    within_a_span(Call(), Call(outcome="refused", seconds=0.125), Call("journal.read"))
    (request,) = exporter.get_finished_spans()
    assert dict(request.attributes or {}) == {at.STORAGE_CALLS: 3, at.STORAGE_SECONDS: 0.625}


@pytest.mark.parametrize("seconds", [0.499, 0.5])
def test_only_a_slow_call_is_a_span(exporter: InMemorySpanExporter, seconds: float) -> None:
    within_a_span(Call(seconds=seconds))
    assert [span.name for span in told(exporter)] == ["journal.commit"] * (seconds >= 0.5)
    assert (exporter.get_finished_spans()[-1].attributes or {})[at.STORAGE_CALLS] == 1


def test_nothing_is_set_on_a_span_that_is_over(
    exporter: InMemorySpanExporter, caplog: pytest.LogCaptureFixture
) -> None:
    telemetry, span = StorageTelemetry(), trace.get_tracer("test").start_span("request")
    span.end()
    with trace.use_span(span):
        telemetry.observe(Call(outcome="unknown"))
    assert not told(exporter)
    assert not caplog.messages


def test_a_slow_call_is_a_span_beneath_the_current_one_that_took_as_long(
    exporter: InMemorySpanExporter,
) -> None:
    before = time.time_ns()
    within_a_span(Call(seconds=0.75))
    (span,), request = told(exporter), exporter.get_finished_spans()[-1]
    assert (span.name, span.kind) == ("journal.commit", SpanKind.CLIENT)
    assert span.parent is not None
    assert request.context is not None
    assert span.parent.span_id == request.context.span_id
    assert span.start_time is not None
    assert span.end_time is not None
    assert span.end_time - span.start_time == 750_000_000
    assert before <= span.end_time <= time.time_ns()
    assert dict(span.attributes or {}) == {at.STORAGE_OPERATION: "journal.commit", at.STORAGE_OUTCOME: "ok"}


@pytest.mark.parametrize(
    ("outcome", "fails"), [("ok", False), ("refused", False), ("unknown", True), ("denied", True)]
)
def test_a_refusal_is_an_answer_and_silence_is_an_error(
    exporter: InMemorySpanExporter, outcome: str, fails: bool
) -> None:
    within_a_span(Call(outcome=outcome, seconds=0.75))
    (span,) = told(exporter)
    assert (span.status.status_code is StatusCode.ERROR) == fails
    assert (span.attributes or {}).get(at.ERROR_TYPE) == (outcome if fails else None)


def test_a_call_that_nothing_asked_for_is_measured_and_no_span(
    exporter: InMemorySpanExporter, reader: InMemoryMetricReader
) -> None:
    StorageTelemetry().observe(Call())
    assert not exporter.get_finished_spans()
    data: Any = reader.get_metrics_data()
    (metric,) = data.resource_metrics[0].scope_metrics[0].metrics
    (point,) = metric.data.data_points
    assert (metric.name, point.count, point.sum) == (metrics.STORAGE_CALL_DURATION, 1, 0.25)
    assert dict(point.attributes) == {at.STORAGE_OPERATION: "journal.commit", at.STORAGE_OUTCOME: "ok"}


def test_a_request_that_several_share_is_counted_for_each_and_one_measures_it(
    exporter: InMemorySpanExporter, reader: InMemoryMetricReader
) -> None:
    telemetry = StorageTelemetry()
    for _ in range(3):
        with trace.get_tracer("test").start_as_current_span("request"):
            telemetry.observe(Call(is_shared=True))
    telemetry.observe(Call())
    counts = [(span.attributes or {})[at.STORAGE_CALLS] for span in exporter.get_finished_spans()]
    assert counts == [1] * 3
    data: Any = reader.get_metrics_data()
    (metric,) = data.resource_metrics[0].scope_metrics[0].metrics
    assert [point.count for point in metric.data.data_points] == [1]


async def test_a_call_that_is_repeated_says_how_often_it_was_sent_before(
    exporter: InMemorySpanExporter,
) -> None:
    telemetry, clock = StorageTelemetry(), SystemClock()
    outcomes = ["unknown", "unknown", "ok"]

    async def send() -> None:
        outcome = outcomes.pop(0)
        telemetry.observe(Call(outcome=outcome))
        if outcome == "unknown":
            raise UnknownOutcomeError

    with trace.get_tracer("test").start_as_current_span("request"):
        await until_known(clock, send, clock.boot() + 5, first_pause=0.001)
        telemetry.observe(Call("journal.read"))
    resends = [(span.attributes or {}).get(at.RESEND_COUNT) for span in told(exporter)]
    assert resends == [None, 1, 2]


def test_the_same_call_under_another_span_is_no_resend(exporter: InMemorySpanExporter) -> None:
    telemetry = StorageTelemetry()
    for _ in range(2):
        with trace.get_tracer("test").start_as_current_span("request"):
            telemetry.observe(Call(outcome="unknown"))
    assert [(span.attributes or {}).get(at.RESEND_COUNT) for span in told(exporter)] == [None, None]


def test_no_more_than_a_thousand_unanswered_calls_are_remembered(exporter: InMemorySpanExporter) -> None:
    telemetry, tracer = StorageTelemetry(), trace.get_tracer("test")
    spans = [tracer.start_span("request") for _ in range(1001)]
    for span in spans:
        with trace.use_span(span):
            telemetry.observe(Call(outcome="unknown"))
    for span in (spans[0], spans[1]):
        with trace.use_span(span):
            telemetry.observe(Call())
    assert [(span.attributes or {}).get(at.RESEND_COUNT) for span in told(exporter)[-2:]] == [None, 1]
