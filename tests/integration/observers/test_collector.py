"""The real Collector: what it loses is counted under the names that alerts and panels ask for."""

import re
import urllib.request
from pathlib import Path

import pytest
from deploy.dashboards import foreign
from deploy.dashboards.foreign import Foreign
from deploy.stack import observers
from deploy.stack.observer import COLLECTOR, found
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from tests.integration.observers.running import needed, own_settings, started, wait_until

pytestmark = pytest.mark.integration

#: There only once something found no room.
WHEN_FULL = {foreign.SPANS_UNQUEUED, foreign.LINES_UNQUEUED}
COLLECTORS = {name for name in vars(foreign).values() if isinstance(name, Foreign) and "otelcol" in name}


def test_what_is_sent_in_vain_is_counted(tmp_path: Path) -> None:
    needed(COLLECTOR)
    # Nothing listens where Jaeger and Loki would.
    with own_settings(tmp_path, "otel-collector,jaeger,loki") as settings:
        collector = observers._collector(settings, str(found(COLLECTOR)), ["jaeger", "loki"])
        observers._configure_collector(collector, {"jaeger", "loki"})
        shorten(Path(collector.command.arguments[-1]))
        with started([collector]):
            send(f"http://127.0.0.1:{settings.port('OTLP_PORT')}")
            assert collector.metrics is not None
            page = f"http://127.0.0.1:{collector.metrics[1]}/metrics"
            wait_until(lambda: counted(page, foreign.SPANS_UNSENT) == 1, "a lost span")
            wait_until(lambda: counted(page, foreign.LINES_UNSENT) == 1, "a lost log record")
            text = read(page)
    for name in COLLECTORS - WHEN_FULL:
        (label,) = name.labels
        assert re.search(rf"^{name}\{{[^}}]*{label}=", text, re.MULTILINE), name


def shorten(configuration: Path) -> None:
    """Let it try for two seconds instead of a minute."""
    text = configuration.read_text()
    shorter = text.replace("max_elapsed_time: 60s", "max_elapsed_time: 2s")
    assert shorter != text
    configuration.write_text(shorter.replace("max_interval: 10s", "max_interval: 1s"))


def send(endpoint: str) -> None:
    tracing = TracerProvider(shutdown_on_exit=False)
    tracing.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(f"{endpoint}/v1/traces")))
    tracing.get_tracer("test").start_span("work").end()
    recording = LoggerProvider(shutdown_on_exit=False)
    recording.add_log_record_processor(SimpleLogRecordProcessor(OTLPLogExporter(f"{endpoint}/v1/logs")))
    recording.get_logger("test").emit(body="line")


def counted(page: str, name: Foreign) -> float:
    return sum(map(float, re.findall(rf"^{name}\{{[^}}]*\}} (\S+)", read(page), re.MULTILINE)))


def read(page: str) -> str:
    with urllib.request.urlopen(page, timeout=5) as answer:
        text: str = answer.read().decode()
    return text
