"""Instruments for the metrics that the schema declares (contracts.telemetry.metrics)."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, Counter, Histogram, Observation

from contracts.telemetry.names import Metric

_SCOPE = "turnstile"


@dataclass(frozen=True)
class Reading:
    """What a gauge shows now, for one combination of labels."""

    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


def counter(metric: Metric) -> Counter:
    """Give the counter of a metric."""
    return metrics.get_meter(_SCOPE).create_counter(metric, metric.unit, metric.meaning)


def histogram(metric: Metric) -> Histogram:
    """Give the histogram of a metric."""
    return metrics.get_meter(_SCOPE).create_histogram(
        metric, metric.unit, metric.meaning, explicit_bucket_boundaries_advisory=list(metric.buckets)
    )


def gauge(metric: Metric, read: Callable[[], Iterable[Reading]]) -> None:
    """Show what `read` gives, which is called whenever metrics are collected, perhaps in another thread."""

    def observe(_: CallbackOptions) -> Iterable[Observation]:
        return [Observation(reading.value, {**reading.labels}) for reading in read()]

    metrics.get_meter(_SCOPE).create_observable_gauge(metric, [observe], metric.unit, metric.meaning)
