"""Traces, metrics and logs: sent over OTLP/HTTP when an endpoint is set, and silent otherwise.

Trace context is made and carried in either case, so that a job belongs to its submitter's trace.
"""

import logging
import os
import socket
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version

from opentelemetry import _logs, metrics, trace
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.aio_pika import AioPikaInstrumentor
from opentelemetry.instrumentation.log_utils import std_to_otel
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from service_defaults.logging import current_log_context
from service_defaults.settings import ServiceSettings

#: For one request to the collector; also how long a stop may wait for one that does not answer.
_EXPORT_SECONDS = 3.0

_NOT_EXTRA = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}


def start_telemetry(settings: ServiceSettings) -> Callable[[], None]:
    """Set up telemetry for this process, once; gives the function that sends the rest and ends it."""
    resource = make_resource(settings)
    tracing = TracerProvider(resource=resource)
    trace.set_tracer_provider(tracing)
    AioPikaInstrumentor().instrument()
    if settings.otlp_endpoint is None:
        return tracing.shutdown
    endpoint = settings.otlp_endpoint.rstrip("/")
    spans = OTLPSpanExporter(f"{endpoint}/v1/traces", timeout=_EXPORT_SECONDS)
    tracing.add_span_processor(BatchSpanProcessor(spans))
    measures = OTLPMetricExporter(f"{endpoint}/v1/metrics", timeout=_EXPORT_SECONDS)
    metering = MeterProvider([PeriodicExportingMetricReader(measures)], resource=resource)
    metrics.set_meter_provider(metering)
    logs = OTLPLogExporter(f"{endpoint}/v1/logs", timeout=_EXPORT_SECONDS)
    logs_provider = LoggerProvider(resource=resource)
    logs_provider.add_log_record_processor(BatchLogRecordProcessor(logs))
    _logs.set_logger_provider(logs_provider)
    handler = OtlpHandler(logs_provider)
    logging.getLogger().addHandler(handler)

    def shutdown() -> None:
        logging.getLogger().removeHandler(handler)
        for provider in (tracing, metering, logs_provider):
            provider.shutdown()

    return shutdown


def make_resource(settings: ServiceSettings) -> Resource:
    """Say who sends the telemetry."""
    return Resource.create(
        {
            "service.name": settings.service_name,
            "service.namespace": "turnstile",
            "service.instance.id": f"{socket.gethostname()}-{os.getpid()}",
            "service.version": _version(settings.service_name),
        }
    )


class OtlpHandler(logging.Handler):
    """Hands log records to the OpenTelemetry SDK, with their extra fields and the log context."""

    def __init__(self, provider: LoggerProvider) -> None:
        super().__init__()
        self._provider = provider

    def emit(self, record: logging.LogRecord) -> None:
        """Hand over one record; what the exporter itself logs is left out, or it would feed itself."""
        if record.name.startswith("opentelemetry"):
            return
        extra = {name: value for name, value in vars(record).items() if name not in _NOT_EXTRA}
        attributes = {
            name: value if isinstance(value, (bool, int, float, str)) else str(value)
            for name, value in (current_log_context() | extra).items()
            if value is not None
        }
        self._provider.get_logger(record.name).emit(
            timestamp=int(record.created * 1e9),
            severity_number=std_to_otel(record.levelno),
            severity_text=record.levelname,
            body=record.getMessage(),
            attributes=attributes,
            exception=record.exc_info[1] if record.exc_info else None,
        )


def _version(service: str) -> str:
    try:
        return version(service)
    except PackageNotFoundError:
        return version("service-defaults")
