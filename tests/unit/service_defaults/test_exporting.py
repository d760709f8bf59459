"""Telemetry reaches a collector on this machine also where a proxy is named for all others."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider

from service_defaults import exporting
from service_defaults.secrets import Redaction

LOOPBACK = "127.0.0.1"


class Collector(ThreadingHTTPServer):
    """Keeps what is sent to it: the target of each request."""

    def __init__(self) -> None:
        super().__init__((LOOPBACK, 0), Handler)
        self.targets: set[str] = set()
        self.url = f"http://{LOOPBACK}:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.server.targets.add(self.path)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(autouse=True)
def no_exceptions(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("host", [LOOPBACK, "localhost"])
def test_a_collector_on_this_machine_is_reached_without_a_proxy(
    monkeypatch: pytest.MonkeyPatch, collector: Collector, host: str
) -> None:
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, f"http://{LOOPBACK}:9")
    endpoint = collector.url.replace(LOOPBACK, host)
    send_all(endpoint)
    assert collector.targets == {"/v1/traces", "/v1/metrics", "/v1/logs"}


def test_another_collector_is_reached_through_the_proxy(
    monkeypatch: pytest.MonkeyPatch, collector: Collector
) -> None:
    monkeypatch.setenv("http_proxy", collector.url)
    send_all("http://collector.example:4318")
    signals = ("traces", "metrics", "logs")
    assert collector.targets == {f"http://collector.example:4318/v1/{signal}" for signal in signals}


def send_all(endpoint: str) -> None:
    tracing = TracerProvider(shutdown_on_exit=False)
    tracing.add_span_processor(exporting.spans_to(endpoint, Redaction()))
    tracing.get_tracer("test").start_span("span").end()
    tracing.force_flush()
    tracing.shutdown()
    metering = MeterProvider([exporting.metrics_to(endpoint)], shutdown_on_exit=False)
    metering.get_meter("test").create_counter("counter").add(1)
    metering.force_flush()
    metering.shutdown()
    logging = LoggerProvider(shutdown_on_exit=False)
    logging.add_log_record_processor(exporting.logs_to(endpoint))
    logging.get_logger("test").emit(body="line")
    logging.force_flush()
    logging.shutdown()
