"""Sending telemetry to a collector, which may be down or slow: nothing waits for it, nothing piles up."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

import requests
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Status
from opentelemetry.util.types import AttributeValue
from yarl import URL

from service_defaults.delivery import DeliveredLogs, Losses, parts
from service_defaults.log_attributes import size_of
from service_defaults.secrets import Redaction

#: For one batch, with all its repetitions.
_EXPORT_SECONDS = 2.0
#: What a killed process may lose.
_DELAY_MILLISECONDS = 500
#: Kept while the collector does not take them; then the oldest are dropped. A span is about 2 KB.
_QUEUE, _BATCH = 4096, 512


def spans_to(endpoint: str, redaction: Redaction) -> BatchSpanProcessor:
    """Send spans to a collector."""
    exporter = OTLPSpanExporter(f"{endpoint}/v1/traces", timeout=_EXPORT_SECONDS, session=_session(endpoint))
    losses = Losses("traces")
    delivering = RedactedSpans(exporter, redaction, losses)
    processor = BatchSpanProcessor(delivering, _QUEUE, _DELAY_MILLISECONDS, _BATCH)
    losses.watch(processor)
    return processor


def metrics_to(endpoint: str) -> PeriodicExportingMetricReader:
    """Send metrics to a collector, every minute or as OTEL_METRIC_EXPORT_INTERVAL says."""
    return PeriodicExportingMetricReader(
        OTLPMetricExporter(f"{endpoint}/v1/metrics", timeout=_EXPORT_SECONDS, session=_session(endpoint))
    )


def logs_to(endpoint: str) -> BatchLogRecordProcessor:
    """Send log records to a collector."""
    exporter = OTLPLogExporter(f"{endpoint}/v1/logs", timeout=_EXPORT_SECONDS, session=_session(endpoint))
    losses = Losses("logs")
    processor = BatchLogRecordProcessor(
        DeliveredLogs(exporter, losses),
        schedule_delay_millis=_DELAY_MILLISECONDS,
        max_export_batch_size=_BATCH,
        max_queue_size=_QUEUE,
    )
    losses.watch(processor)
    return processor


def _session(endpoint: str) -> requests.Session | None:
    """Return what reaches a collector on this machine without the proxy that the environment names."""
    if URL(endpoint).host not in {"127.0.0.1", "localhost", "::1"}:
        return None
    session = requests.Session()
    session.trust_env = False
    return session


def shut_down(endings: Iterable[Callable[[], object]], seconds: float) -> None:
    """Call all at once and wait for them together, at most this long.

    The SDK would wait up to 30 s for each signal, and give every batch left the whole time of an export.
    """
    until = time.monotonic() + seconds
    threads = [threading.Thread(target=ending, daemon=True, name="telemetry ends") for ending in endings]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))


class RedactedSpans(SpanExporter):
    """Masks secrets in spans, also in those of libraries and job authors, and sends them."""

    def __init__(self, exporter: SpanExporter, redaction: Redaction, losses: Losses) -> None:
        self._exporter = exporter
        self._redaction = redaction
        self._losses = losses

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send the spans, in requests of bounded size, and count those that were not taken."""
        result = SpanExportResult.SUCCESS
        for part in parts([self._clean(span) for span in spans], _size):
            if self._exporter.export(part) is not SpanExportResult.SUCCESS:
                self._losses.add(len(part), "not_taken")
                result = SpanExportResult.FAILURE
        return result

    def shutdown(self) -> None:
        """End the exporter."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Send what the exporter holds back."""
        return self._exporter.force_flush(timeout_millis)

    def _clean(self, span: ReadableSpan) -> ReadableSpan:
        texts = "\n".join(_texts(span))
        if self._redaction.text(texts) == texts:
            return span
        description = span.status.description
        return ReadableSpan(
            name=self._redaction.text(span.name),
            context=span.context,
            parent=span.parent,
            resource=span.resource,
            attributes=self._masked(span.attributes or {}),
            events=[
                Event(self._redaction.text(event.name), self._masked(event.attributes or {}), event.timestamp)
                for event in span.events
            ],
            links=span.links,
            kind=span.kind,
            status=Status(span.status.status_code, description and self._redaction.text(description)),
            start_time=span.start_time,
            end_time=span.end_time,
            instrumentation_scope=span.instrumentation_scope,
        )

    def _masked(self, attributes: Mapping[str, AttributeValue]) -> dict[str, AttributeValue]:
        return {name: self._masked_value(value) for name, value in attributes.items()}

    def _masked_value(self, value: AttributeValue) -> AttributeValue:
        if isinstance(value, str):
            return self._redaction.text(value)
        if isinstance(value, Sequence) and value and isinstance(value[0], str):
            return [self._redaction.text(str(part)) for part in value]
        return value


def _size(span: ReadableSpan) -> int:
    # A link or an event has, besides its texts, a hundred bytes at most.
    parts_of_it = 3 + len(span.links) + len(span.events) + len(span.attributes or {})
    return 100 * parts_of_it + sum(map(size_of, _texts(span)))


def _texts(span: ReadableSpan) -> Iterable[str]:
    yield span.name
    yield span.status.description or ""
    for attributes in (span.attributes, *(event.attributes for event in span.events)):
        for value in (attributes or {}).values():
            if isinstance(value, str):
                yield value
            elif isinstance(value, Sequence):
                yield from (part for part in value if isinstance(part, str))
    yield from (event.name for event in span.events)
