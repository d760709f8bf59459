"""Telemetry leaves in requests of bounded size, and what is lost is counted."""

import threading
from collections import Counter
from collections.abc import Sequence

import pytest
from opentelemetry.sdk._logs import LoggerProvider, ReadableLogRecord
from opentelemetry.sdk._logs.export import (
    BatchLogRecordProcessor,
    LogRecordExporter,
    LogRecordExportResult,
)
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from service_defaults import delivery
from service_defaults.delivery import DeliveredLogs, Losses, parts
from service_defaults.exporting import RedactedSpans
from service_defaults.secrets import Redaction


class Counted(Losses):
    """Losses that a test can read."""

    def __init__(self) -> None:
        self.found: Counter[str] = Counter()

    def add(self, number: int, loss: str) -> None:
        self.found[loss] += number


class Logs(LogRecordExporter):
    """Takes log records, one request after the other, unless it refuses them."""

    def __init__(self) -> None:
        self.requests: list[int] = []
        self.refuses = False
        self.may_go_on = threading.Event()
        self.may_go_on.set()

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        self.may_go_on.wait(10)
        self.requests.append(len(batch))
        return LogRecordExportResult.FAILURE if self.refuses else LogRecordExportResult.SUCCESS

    def shutdown(self) -> None:
        pass

    def force_flush(self, timeout_millis: int = 10_000) -> bool:
        return True


class Spans(SpanExporter):
    """Refuses every request, and keeps how many spans it had."""

    def __init__(self) -> None:
        self.requests: list[int] = []

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.requests.append(len(spans))
        return SpanExportResult.FAILURE


@pytest.mark.parametrize(
    ("sizes", "found"),
    [
        ([], []),
        ([5], [[5]]),
        ([11], [[11]]),
        ([4, 6, 1], [[4, 6], [1]]),
        ([11, 11], [[11], [11]]),
        ([1, 11, 1], [[1], [11], [1]]),
    ],
)
def test_a_batch_is_cut_where_a_request_is_full(
    monkeypatch: pytest.MonkeyPatch, sizes: list[int], found: list[list[int]]
) -> None:
    monkeypatch.setattr(delivery, "MOST_OF_A_REQUEST", 10)
    assert list(parts(sizes, lambda size: size)) == found


def test_long_lines_leave_in_more_than_one_request() -> None:
    exporter, losses = Logs(), Counted()
    logged(exporter, losses, 512, "x" * 8192)
    assert sum(exporter.requests) == 512
    assert len(exporter.requests) >= 2
    assert losses.found == {}


def test_log_records_that_are_not_taken_are_counted() -> None:
    exporter, losses = Logs(), Counted()
    exporter.refuses = True
    logged(exporter, losses, 3, "short")
    assert losses.found == {"not_taken": 3}


def test_log_records_that_find_no_room_are_counted() -> None:
    exporter, losses = Logs(), Counted()
    exporter.may_go_on.clear()
    provider, processor = provider_for(exporter, losses)
    for _ in range(1000):
        provider.get_logger("test").emit(body="line")
    exporter.may_go_on.set()
    processor.force_flush()
    provider.shutdown()
    assert losses.found["queue_full"] > 0
    # The SDK looks whether the queue is full before it adds, and may count one too many for each request.
    too_many = losses.found["queue_full"] + sum(exporter.requests) - 1000
    assert 0 <= too_many <= len(exporter.requests)


def test_spans_that_are_not_taken_or_find_no_room_are_counted() -> None:
    exporter, losses = Spans(), Counted()
    processor = BatchSpanProcessor(RedactedSpans(exporter, Redaction(), losses), 64, 60_000, 64)
    losses.watch(processor)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    for _ in range(1000):
        provider.get_tracer("test").start_span("work", attributes={"text": "x" * 100_000}).end()
    provider.shutdown()
    assert 0 <= losses.found.total() - 1000 <= len(exporter.requests)
    assert losses.found["not_taken"] == sum(exporter.requests)
    assert max(exporter.requests) <= delivery.MOST_OF_A_REQUEST / 100_000


def logged(exporter: Logs, losses: Losses, number: int, text: str) -> None:
    provider, processor = provider_for(exporter, losses, queue=512)
    for _ in range(number):
        provider.get_logger("test").emit(body=text)
    processor.force_flush()
    provider.shutdown()


def provider_for(
    exporter: Logs, losses: Losses, queue: int = 64
) -> tuple[LoggerProvider, BatchLogRecordProcessor]:
    processor = BatchLogRecordProcessor(
        DeliveredLogs(exporter, losses),
        schedule_delay_millis=60_000,
        max_export_batch_size=queue,
        max_queue_size=queue,
    )
    losses.watch(processor)
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(processor)
    return provider, processor
