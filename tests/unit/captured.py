"""Spans and measurements of one test, kept in memory."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from service_defaults.span_ids import SpanIds


class Captured:
    """What was emitted."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self._reader = InMemoryMetricReader()
        self.tracing = TracerProvider(shutdown_on_exit=False, id_generator=SpanIds())
        self.tracing.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.metering = MeterProvider([self._reader], shutdown_on_exit=False)

    def spans(self, name: str | None = None) -> list[Any]:
        """Return the finished spans, of one name if given."""
        return [span for span in self._exporter.get_finished_spans() if name in {None, span.name}]

    def trace(self, traceparent: str) -> list[Any]:
        """Return the finished spans of the trace that a W3C traceparent names."""
        trace_id = int(traceparent.split("-")[1], 16)
        return [span for span in self.spans() if span.context.trace_id == trace_id]

    def span(self, name: str) -> Any:
        """Return the only finished span of a name."""
        (found,) = self.spans(name)
        return found

    def points(self, metric: str) -> list[Any]:
        """Return a metric's data points as they are now."""
        data = self._reader.get_metrics_data()
        resources = data.resource_metrics if data is not None else []
        return [
            point
            for resource in resources
            for scope in resource.scope_metrics
            for found in scope.metrics
            if found.name == metric
            for point in found.data.data_points
        ]

    def values(self, metric: str) -> Mapping[tuple[str, ...], float]:
        """Return values of a counter or gauge, by the values of its labels, in the order of their names."""
        return {
            tuple(str(value) for _, value in sorted(point.attributes.items())): point.value
            for point in self.points(metric)
        }


@contextmanager
def capturing() -> Iterator[Captured]:
    """Keep what is emitted by whatever is made within this context."""
    captured = Captured()
    with pytest.MonkeyPatch.context() as patched:
        # A provider can be set once per process.
        patched.setattr(trace, "_TRACER_PROVIDER", captured.tracing)
        patched.setattr(metrics._internal, "_METER_PROVIDER", captured.metering)
        yield captured
