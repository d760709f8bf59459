"""The real Jaeger, behind the real Collector, keeps traces over restarts."""

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from deploy.stack import observers
from deploy.stack.observer import COLLECTOR
from deploy.stack.settings import StackSettings
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import format_trace_id
from tests.integration.observers.running import needed, own_settings, started, wait_until

pytestmark = pytest.mark.integration


def test_a_trace_is_found_after_jaeger_was_stopped_and_started(tmp_path: Path) -> None:
    needed("jaeger", COLLECTOR)
    with own_settings(tmp_path, "otel-collector,jaeger") as settings:
        programs = observers.observers(settings)
        observers.prepare(settings, programs)
        with started(programs):
            trace_id = sent_trace(settings)
            wait_until(lambda: names_of(settings, trace_id) == ["submit job"], "the trace")
        # Nothing of it is left but what is in the folder.
        jaeger = [program for program in programs if program.name == "jaeger"]
        with started(jaeger):
            wait_until(lambda: names_of(settings, trace_id) == ["submit job"], "the trace, again")
            found = asked(settings, "traces?service=kept&operation=submit%20job&limit=20")
            assert [trace["traceID"] for trace in found] == [trace_id]
    logs = (tmp_path / "otel-collector/otel-collector.log").read_text()
    assert "alias" not in logs
    assert '"level":"error"' not in logs


def sent_trace(settings: StackSettings) -> str:
    """Send one span through the collector; return its trace's id."""
    exporter = OTLPSpanExporter(f"http://127.0.0.1:{settings.port('OTLP_PORT')}/v1/traces", timeout=5)
    provider = TracerProvider(resource=Resource({"service.name": "kept"}), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with provider.get_tracer("test").start_as_current_span("submit job") as span:
        trace_id = format_trace_id(span.get_span_context().trace_id)
    provider.shutdown()
    return trace_id


def names_of(settings: StackSettings, trace_id: str) -> list[str]:
    try:
        (trace,) = asked(settings, f"traces/{trace_id}")
    except urllib.error.HTTPError:
        return []
    return [span["operationName"] for span in trace["spans"]]


def asked(settings: StackSettings, what: str) -> list[dict[str, Any]]:
    url = f"http://127.0.0.1:{settings.port('JAEGER_PORT')}/api/{what}"
    with urllib.request.urlopen(url, timeout=5) as answer:
        found: list[dict[str, Any]] = json.load(answer)["data"]
    return found
