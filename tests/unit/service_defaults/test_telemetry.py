"""Telemetry: silent without an endpoint, but traces are always carried on."""

import logging
import subprocess
import sys

from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor

from contracts.telemetry import attributes as at
from service_defaults.logging import log_context
from service_defaults.settings import ServiceSettings
from service_defaults.telemetry import OtlpHandler, make_resource

# Providers can be set once per process, so each of these is one of its own.
WITHOUT_ENDPOINT = """
import threading
import aio_pika
from opentelemetry import propagate, trace
from service_defaults.settings import ServiceSettings
from service_defaults.telemetry import start_telemetry

stop = start_telemetry(ServiceSettings(storage_connection_string="a"))
with trace.get_tracer("test").start_as_current_span("work"):
    carrier = {}
    propagate.inject(carrier)
assert carrier["traceparent"].startswith("00-"), carrier
assert hasattr(aio_pika.Exchange.publish, "__wrapped__"), "aio-pika is not instrumented"
assert threading.active_count() == 1, threading.enumerate()
stop()
"""

UNREACHABLE_ENDPOINT = """
import logging, time
from opentelemetry import metrics, trace
from service_defaults.settings import ServiceSettings
from service_defaults.telemetry import start_telemetry

settings = ServiceSettings(storage_connection_string="a", otlp_endpoint="http://127.0.0.1:9")
stop = start_telemetry(settings)
metrics.get_meter("test").create_counter("things").add(1)
with trace.get_tracer("test").start_as_current_span("work"):
    logging.getLogger("test").warning("something")
started = time.monotonic()
stop()
assert time.monotonic() - started < 20
"""


def run(program: str) -> None:
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_without_an_endpoint_traces_are_made_and_carried_and_nothing_is_sent() -> None:
    run(WITHOUT_ENDPOINT)


def test_a_collector_that_is_away_does_not_keep_a_service_from_ending() -> None:
    run(UNREACHABLE_ENDPOINT)


def test_the_resource_says_who_speaks(settings: ServiceSettings) -> None:
    worker = ServiceSettings(storage_connection_string="a", service_name="worker")
    attributes = make_resource(worker).attributes
    assert attributes["service.name"] == "worker"
    assert attributes["service.version"] == "0.1.0"
    assert attributes["service.instance.id"]
    assert make_resource(settings).attributes["service.version"] == "0.1.0"


def test_log_records_are_handed_over_with_their_extra_fields_and_context() -> None:
    exporter = InMemoryLogRecordExporter()
    provider = LoggerProvider()
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    logger = logging.getLogger("handed.over")
    handler = OtlpHandler(provider)
    logger.addHandler(handler)
    try:
        with log_context({at.JOB_ID: "j"}):
            logger.warning("lease lost", extra={at.LOCK_NAME: "ledger", at.LEASE_MARGIN: 1.5, "odd": {1}})
    finally:
        logger.removeHandler(handler)
    (record,) = [data.log_record for data in exporter.get_finished_logs()]
    assert record.body == "lease lost"
    assert record.severity_text == "WARNING"
    assert record.attributes == {
        at.JOB_ID: "j",
        at.LOCK_NAME: "ledger",
        at.LEASE_MARGIN: 1.5,
        "odd": "{1}",
    }
