"""A world whose workers tell what they observe, and the spans and measurements they make of it."""

import itertools
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from opentelemetry import metrics, trace
from opentelemetry.metrics import _internal
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.simulation.world import World

from contracts.jobs import Worker
from coordination.observations import Observation
from service_defaults.span_ids import SpanIds
from worker.telemetry.observer import Telemetry

_numbers = itertools.count(1)


def new_traceparent() -> str:
    return f"00-{next(_numbers):032x}-{0xABC:016x}-01"


class Silent:
    """Heartbeats of workers that have none."""

    async def workers(self) -> list[Worker]:
        return []


class Heard(list[Observation]):
    """Observations, told as they come."""

    def __init__(self, telemetry: Telemetry) -> None:
        super().__init__()
        self._telemetry = telemetry

    def append(self, observation: Observation) -> None:
        super().append(observation)
        self._telemetry.observe(observation)


@pytest.fixture
def exporter(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(id_generator=SpanIds())
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    return exporter


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> InMemoryMetricReader:
    reader = InMemoryMetricReader()
    monkeypatch.setattr(_internal, "_METER_PROVIDER", MeterProvider([reader]))
    assert metrics.get_meter_provider() is _internal._METER_PROVIDER
    return reader


@pytest.fixture
async def telling_world(
    exporter: InMemorySpanExporter, reader: InMemoryMetricReader
) -> AsyncIterator[Callable[..., World]]:
    made: list[World] = []

    def make(seed: int, workers: int = 1) -> World:
        world = World(seed, workers=0)
        for number in range(workers):
            telemetry = Telemetry(f"w{number}", world.journal, Silent())
            world.observed = Heard(telemetry)
            world.workers.append(world.make_worker(f"w{number}"))
        made.append(world)
        return world

    yield make
    for world in made:
        await world.close()


def spans_of(exporter: InMemorySpanExporter, traceparent: str) -> list[ReadableSpan]:
    trace_id = int(traceparent.split("-")[1], 16)
    return [span for span in exporter.get_finished_spans() if span.context.trace_id == trace_id]


def points(reader: InMemoryMetricReader) -> dict[str, list[Any]]:
    """Give the data points by metric."""
    data = reader.get_metrics_data()
    found: dict[str, list[Any]] = {}
    for resource in data.resource_metrics if data else []:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                found.setdefault(metric.name, []).extend(metric.data.data_points)
    return found
