"""Hands telemetry to exporters in requests of a size that a collector takes, and counts what is lost."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from contracts.telemetry import attributes as at
from contracts.telemetry import metrics
from service_defaults.log_attributes import size_of
from service_defaults.measures import counter

T = TypeVar("T")

#: Bytes of a request, as far as its texts go; grafana/collector.yaml takes eight times as much.
MOST_OF_A_REQUEST = 2 * 1024 * 1024
#: Of what is not text.
_OF_ONE = 256


class Losses:
    """Counts what a signal loses."""

    def __init__(self, signal: str) -> None:
        self._signal = signal
        self._counter = counter(metrics.TELEMETRY_DROPPED)

    def add(self, number: int, loss: str) -> None:
        """Count what was lost in one of the ways that `telemetry.loss` has."""
        self._counter.add(number, {at.TELEMETRY_SIGNAL: self._signal, at.TELEMETRY_LOSS: loss})

    def watch(self, processor: BatchSpanProcessor | BatchLogRecordProcessor) -> None:
        """Count what a processor drops because its queue is full."""
        # The SDK shows this number to nothing but metrics of its own, which are off and not of this schema.
        batches: Any = processor._batch_processor  # noqa: SLF001
        batches._metrics = _QueueLosses(self)  # noqa: SLF001


class _QueueLosses:
    """Takes the place of the SDK's metrics of a processor."""

    def __init__(self, losses: Losses) -> None:
        self._losses = losses

    def register_queue_size(self, get_queue_size: Callable[[], int]) -> None:
        """Do nothing: the queue is bounded."""

    def drop_items(self, count: int, error_type: str = "queue_full") -> None:
        """Count items that the queue had no room for."""
        if error_type == "queue_full":
            self._losses.add(count, "queue_full")

    def finish_items(self, count: int) -> None:
        """Do nothing: what becomes of them is known after the export."""


class DeliveredLogs(LogRecordExporter):
    """Sends log records in requests of bounded size, and counts those that were not taken."""

    def __init__(self, exporter: LogRecordExporter, losses: Losses) -> None:
        self._exporter = exporter
        self._losses = losses

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        """Send the records."""
        result = LogRecordExportResult.SUCCESS
        for part in parts(batch, _size):
            if self._exporter.export(part) is not LogRecordExportResult.SUCCESS:
                self._losses.add(len(part), "not_taken")
                result = LogRecordExportResult.FAILURE
        return result

    def shutdown(self) -> None:
        """End the exporter."""
        self._exporter.shutdown()  # type: ignore[no-untyped-call]

    def force_flush(self, timeout_millis: int = 10_000) -> bool:
        """Send what the exporter holds back."""
        return self._exporter.force_flush(timeout_millis)


def parts(batch: Sequence[T], size: Callable[[T], int]) -> Iterator[Sequence[T]]:
    """Cut a batch into pieces, none larger than a request may be unless it is a single item."""
    start, total = 0, 0
    for position, item in enumerate(batch):
        own = size(item)
        if total + own > MOST_OF_A_REQUEST and position > start:
            yield batch[start:position]
            start, total = position, 0
        total += own
    if start < len(batch):
        yield batch[start:]


def _size(record: ReadableLogRecord) -> int:
    own = record.log_record
    texts = [own.body, *(own.attributes or {}).values(), *(own.attributes or {})]
    return _OF_ONE + sum(size_of(text) for text in texts if isinstance(text, str))
