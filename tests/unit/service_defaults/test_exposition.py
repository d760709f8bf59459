"""The page that Prometheus reads."""

import re
import time
from typing import Any

import pytest
from opentelemetry import metrics as otel
from opentelemetry.sdk.metrics import MeterProvider, TraceBasedExemplarFilter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import format_span_id, format_trace_id
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_open_metrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from contracts.telemetry import metrics
from contracts.telemetry.names import Instrument, Metric
from service_defaults import measures
from service_defaults.exposition import PrometheusPage

EVERY = [metric for metric in vars(metrics).values() if isinstance(metric, Metric)]
OPEN_METRICS = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;q=0.3"


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> PrometheusPage:
    page = PrometheusPage()
    provider = MeterProvider(
        [page.reader], shutdown_on_exit=False, exemplar_filter=TraceBasedExemplarFilter()
    )
    monkeypatch.setattr(otel, "get_meter", provider.get_meter)
    return page


def measure(metric: Metric, label: str = "x") -> None:
    labels: dict[str, str] = {}
    labels.update(dict.fromkeys(metric.attributes, label))
    match metric.instrument:
        case Instrument.COUNTER:
            measures.counter(metric).add(1, labels)
        case Instrument.HISTOGRAM:
            measures.histogram(metric).record(1, labels)
        case Instrument.GAUGE:
            measures.gauge(metric, lambda: [measures.Reading(1, labels)])
        case Instrument.UP_DOWN_COUNTER:
            meter = otel.get_meter("test")
            meter.create_up_down_counter(metric, metric.unit, metric.meaning).add(1, {**labels})


def rendered(page: PrometheusPage, accept: str = "") -> str:
    return page.render(accept)[0].decode()


@pytest.mark.parametrize("metric", EVERY)
def test_a_metric_stands_there_under_the_name_that_the_schema_gives_it(
    page: PrometheusPage, metric: Metric
) -> None:
    measure(metric)
    (family,) = [family for family in parse_text(rendered(page)) if not family.name.startswith("target")]
    total = "_total" if metric.instrument is Instrument.COUNTER else ""
    assert family.name + total == metric.prometheus_name
    labels = {name.replace(".", "_") for name in metric.attributes}
    assert set(family.samples[0].labels) - {"le"} == labels
    if metric.instrument is Instrument.HISTOGRAM:
        bounds = {sample.labels["le"] for sample in family.samples if sample.name.endswith("_bucket")}
        assert {float(bound) for bound in bounds} == {*metric.buckets, float("inf")}


def test_every_metric_can_be_read_as_open_metrics_too(page: PrometheusPage) -> None:
    for metric in EVERY:
        measure(metric)
    content, content_type = page.render(OPEN_METRICS)
    assert content_type.startswith("application/openmetrics-text; version=1.0.0")
    families = {family.name for family in parse_open_metrics(content.decode())}
    assert {metric.prometheus_name.removesuffix("_total") for metric in EVERY} <= families
    assert "target" in families


def test_plain_text_is_given_to_whoever_asks_for_nothing_else(page: PrometheusPage) -> None:
    assert page.render("")[1].startswith("text/plain; version=0.0.4")


def test_a_bucket_leads_to_the_trace_of_a_measurement(page: PrometheusPage) -> None:
    duration = measures.histogram(metrics.JOB_RUN_DURATION)
    with TracerProvider(shutdown_on_exit=False).get_tracer("test").start_as_current_span("run") as span:
        duration.record(3.0, {"job.kind": "ten-steps", "job.outcome": "completed"})
        context = span.get_span_context()
    duration.record(0.2, {"job.kind": "ten-steps", "job.outcome": "completed"})
    (family,) = [
        family
        for family in parse_open_metrics(rendered(page, OPEN_METRICS))
        if family.name == "turnstile_job_run_duration_seconds"
    ]
    exemplars = {sample.labels["le"]: sample.exemplar for sample in family.samples if sample.exemplar}
    assert list(exemplars) == ["5.0"]
    assert exemplars["5.0"].value == 3.0
    assert exemplars["5.0"].labels == {
        "trace_id": format_trace_id(context.trace_id),
        "span_id": format_span_id(context.span_id),
    }
    # The older format has no place for them.
    assert "trace_id" not in rendered(page)


def test_a_page_with_all_metrics_and_many_labels_holds_up_the_event_loop_only_for_a_moment(
    page: PrometheusPage,
) -> None:
    for metric in EVERY:
        for number in range(10 if metric.instrument is not Instrument.GAUGE else 1):
            measure(metric, f"value-{number}")
    took = []
    for _ in range(5):
        started = time.thread_time()
        page.collect()
        took.append(time.thread_time() - started)
    # Some 6 ms.
    assert min(took) < 0.03


async def ask(page: PrometheusPage, path: str, method: str = "GET") -> tuple[int, dict[bytes, bytes], bytes]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 418, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    scope = {"type": "http", "path": path, "method": method, "headers": [(b"accept", OPEN_METRICS.encode())]}
    await page.beside(app)(scope, None, send)
    return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"]


async def test_the_page_is_answered_for_at_its_exact_path_and_the_application_has_all_others(
    page: PrometheusPage,
) -> None:
    measure(metrics.SWEEPS)
    status, headers, body = await ask(page, "/metrics")
    assert status == 200
    assert headers[b"content-type"].startswith(b"application/openmetrics-text")
    assert int(headers[b"content-length"]) == len(body)
    assert re.search(rb"^turnstile_sweeps_total 1.0$", body, re.MULTILINE)
    assert [(await ask(page, path))[0] for path in ("/metrics/", "/metric", "/api/metrics")] == [418] * 3
    assert (await ask(page, "/metrics", "POST"))[0] == 405
