"""Traces, metrics and logs: measured and carried always, and sent over OTLP/HTTP where an endpoint is set.

Trace context is made and carried in either case, so that a job belongs to its submitter's trace.
"""

import logging
from collections.abc import Callable

from opentelemetry import _logs, metrics, trace
from opentelemetry.instrumentation.aio_pika import AioPikaInstrumentor
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.metrics import MeterProvider, TraceBasedExemplarFilter
from opentelemetry.sdk.metrics.export import MetricReader
from opentelemetry.sdk.trace import SpanLimits, TracerProvider

from service_defaults import measures
from service_defaults.broker.tracing import PassthroughTracerProvider
from service_defaults.exporting import logs_to, metrics_to, shut_down, spans_to
from service_defaults.exposition import PrometheusPage
from service_defaults.identity import make_resource
from service_defaults.log_records import OtlpHandler
from service_defaults.propagation import read_texts_only
from service_defaults.secrets import redaction_for
from service_defaults.settings import ServiceSettings
from service_defaults.span_ids import SpanIds

#: How long the end of a process may wait for a collector that does not answer, for all signals together.
_SHUTDOWN_SECONDS = 3.0

#: A span of a message or of a batch leads to every job that it is about.
_LIMITS = SpanLimits(max_events=1024, max_links=1024)


def start_telemetry(settings: ServiceSettings, page: PrometheusPage | None = None) -> Callable[[], None]:
    """Set up telemetry for this process, once, and return the function that sends the rest and ends it.

    That function returns within some 3 s. The page shows the metrics where the settings have Prometheus ask.
    """
    resource, endpoint = make_resource(settings), (settings.otlp_endpoint or "").rstrip("/")
    redaction = redaction_for(settings)
    # Their own handlers at exit would wait for a collector again, without a limit.
    tracing = TracerProvider(
        resource=resource, id_generator=SpanIds(), shutdown_on_exit=False, span_limits=_LIMITS
    )
    readers: list[MetricReader] = []
    if page is not None and "prometheus" in settings.metrics_exporters:
        readers.append(page.reader)
    if endpoint and "otlp" in settings.metrics_exporters:
        readers.append(metrics_to(endpoint))
    metering = MeterProvider(
        readers, resource, shutdown_on_exit=False, exemplar_filter=TraceBasedExemplarFilter()
    )
    trace.set_tracer_provider(tracing)
    metrics.set_meter_provider(metering)
    if settings.source is not None:
        measures.start_at_zero(settings.source)
    read_texts_only()
    AioPikaInstrumentor().instrument(tracer_provider=PassthroughTracerProvider())
    endings: list[Callable[[], object]] = [tracing.shutdown, metering.shutdown]
    if endpoint and settings.traces_exporter == "otlp":
        tracing.add_span_processor(spans_to(endpoint, redaction))
    handlers = []
    if endpoint and settings.logs_exporter == "otlp":
        recording = LoggerProvider(resource, shutdown_on_exit=False)
        recording.add_log_record_processor(logs_to(endpoint))
        _logs.set_logger_provider(recording)
        handlers.append(OtlpHandler(recording, redaction))
        logging.getLogger().addHandler(handlers[0])
        endings.append(recording.shutdown)

    def shutdown() -> None:
        for handler in handlers:
            logging.getLogger().removeHandler(handler)
        shut_down(endings, _SHUTDOWN_SECONDS)

    return shutdown
