"""Telemetry: silent without an endpoint, but traces are always carried on."""

import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider

from contracts.telemetry import attributes as at
from service_defaults.log_records import OtlpHandler
from service_defaults.logging import log_context
from service_defaults.secrets import Redaction

# Providers can be set once per process, so each of these is one of its own.
WITHOUT_ENDPOINT = """
import threading
import aio_pika
from opentelemetry import propagate, trace
from service_defaults.exposition import PrometheusPage
from service_defaults.secrets import Redaction
from contracts.telemetry.names import Source
from service_defaults.settings import ServiceSettings
from service_defaults.telemetry import start_telemetry

class WorkerSettings(ServiceSettings):
    source = Source.WORKER

page = PrometheusPage()
account = "AccountName=a;AccountKey=b"
stop = start_telemetry(WorkerSettings(storage_connection_string=account, service_name="our-worker"), page)
with trace.get_tracer("test").start_as_current_span("work"):
    carrier = {}
    propagate.inject(carrier)
assert carrier["traceparent"].startswith("00-"), carrier
assert hasattr(aio_pika.Exchange.publish, "__wrapped__"), "aio-pika is not instrumented"
assert threading.active_count() == 1, threading.enumerate()
assert b"\\nturnstile_messages_quarantined_total 0.0\\n" in page.render("")[0], page.render("")[0]
assert b'turnstile_messages_unconfirmed_total{message_type="wake_up"} 0.0' in page.render("")[0]
assert b"turnstile_exclusion_violations_total" not in page.render("")[0], "that is another service's"
stop()
"""

UNREACHABLE_ENDPOINT = """
import io, logging, resource, socket, sys, time
from opentelemetry import metrics, trace
from service_defaults.logging import configure_logging
from service_defaults.secrets import Redaction
from service_defaults.settings import ServiceSettings
from service_defaults.telemetry import start_telemetry

settings = ServiceSettings(
    storage_connection_string="AccountName=a;AccountKey=b",
    otlp_endpoint=sys.argv[1],
    metrics_exporter="otlp,prometheus",
)
said = io.StringIO()
configure_logging(settings, said)
stop = start_telemetry(settings)
metrics.get_meter("test").create_counter("things").add(1)
tracer = trace.get_tracer("test")

def flood(spans):
    started = time.monotonic()
    for _ in range(spans):
        with tracer.start_as_current_span("work", attributes={"text": "x" * 500}):
            pass
    return time.monotonic() - started

flood(10_000)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
took = flood(90_000)
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
assert took < 60, took
assert grown < 40_000, f"{grown} KiB more"
logging.getLogger("test").warning("something")
started = time.monotonic()
stop()
assert time.monotonic() - started < 3.5, time.monotonic() - started
complaints = [line for line in said.getvalue().splitlines() if "opentelemetry" in line]
assert 1 <= len(complaints) < 10, complaints
"""


def run(program: str, *arguments: str, **environment: str) -> str:
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=90, env={**os.environ, **environment}
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_without_an_endpoint_traces_are_made_and_carried_and_nothing_is_sent() -> None:
    run(WITHOUT_ENDPOINT)


def test_a_collector_that_is_away_costs_neither_memory_nor_log_lines_nor_time_at_the_end() -> None:
    run(UNREACHABLE_ENDPOINT, "http://127.0.0.1:9")


def test_a_collector_that_never_answers_costs_neither_memory_nor_log_lines_nor_time_at_the_end() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        run(UNREACHABLE_ENDPOINT, f"http://127.0.0.1:{silent.getsockname()[1]}")


def handed_over(log: Callable[[logging.Logger], None], redaction: Redaction | None = None) -> LogRecord:
    """Log something, and give the record that the SDK got."""
    exporter = InMemoryLogRecordExporter()
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    logger, handler = logging.getLogger("handed.over"), OtlpHandler(provider, redaction)
    logger.addHandler(handler)
    try:
        log(logger)
    finally:
        logger.removeHandler(handler)
    (record,) = [data.log_record for data in exporter.get_finished_logs()]
    return record


def test_log_records_are_handed_over_with_their_extra_fields_and_context() -> None:
    def log(logger: logging.Logger) -> None:
        with log_context({at.JOB_ID: "j"}):
            logger.warning(
                "lease lost",
                extra={at.LOCK_NAME: "ledger", at.LEASE_MARGIN: 1.5, "odd": {1}, at.REASON: None},
            )

    record = handed_over(log)
    assert (record.body, record.severity_text) == ("lease lost", "WARNING")
    assert record.attributes == {
        at.JOB_ID: "j",
        at.LOCK_NAME: "ledger",
        at.LEASE_MARGIN: 1.5,
        "odd": "{1}",
    }


def test_a_log_record_about_a_job_belongs_to_the_trace_of_that_job() -> None:
    def log(logger: logging.Logger) -> None:
        with TracerProvider(shutdown_on_exit=False).get_tracer("test").start_as_current_span("work"):
            logger.warning("run started", extra={at.TRACE_ID: "0" * 31 + "7"})

    record = handed_over(log)
    assert (record.trace_id, record.span_id) == (7, 0)
    assert not record.attributes


def test_a_log_record_belongs_to_the_active_span() -> None:
    active = []

    def log(logger: logging.Logger) -> None:
        with TracerProvider(shutdown_on_exit=False).get_tracer("test").start_as_current_span("work") as span:
            active.append(span.get_span_context())
            logger.warning("inside")

    record = handed_over(log)
    assert (record.trace_id, record.span_id) == (active[0].trace_id, active[0].span_id)


def test_a_log_record_has_no_secrets() -> None:
    def log(logger: logging.Logger) -> None:
        try:
            raise ValueError("with canary-1f6971f6")
        except ValueError:
            logger.exception("it is canary-1f6971f6", extra={at.ERROR_MESSAGE: "canary-1f6971f6"})

    record = handed_over(log, Redaction(["canary-1f6971f6"]))
    assert record.attributes is not None
    assert record.attributes["exception.type"] == "ValueError"
    assert "raise ValueError" in str(record.attributes["exception.stacktrace"])
    assert "canary" not in f"{record.body!r} {record.attributes}"


SOME_SIGNALS = """
import logging, sys
from opentelemetry import trace
from service_defaults.logging import configure_logging
from service_defaults.settings import ServiceSettings
from service_defaults.telemetry import start_telemetry

settings = ServiceSettings(storage_connection_string="AccountName=a;AccountKey=b", otlp_endpoint=sys.argv[1])
configure_logging(settings)
stop = start_telemetry(settings)
with trace.get_tracer("test").start_as_current_span("work"):
    logging.getLogger("test").warning("something")
stop()
"""


@pytest.mark.parametrize(
    ("environment", "sent_to"),
    [
        ({}, {"/v1/traces", "/v1/logs"}),
        ({"OTEL_LOGS_EXPORTER": "none"}, {"/v1/traces"}),
        ({"OTEL_TRACES_EXPORTER": "none"}, {"/v1/logs"}),
    ],
)
def test_only_the_signals_that_are_wanted_are_sent(environment: dict[str, str], sent_to: set[str]) -> None:
    paths = set()

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            paths.add(self.path)
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        run(SOME_SIGNALS, f"http://127.0.0.1:{server.server_port}", **environment)
        server.shutdown()
    assert paths == sent_to
