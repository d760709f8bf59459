"""Instruments for the metrics that the schema declares (contracts.telemetry.metrics)."""

import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, Counter, Histogram, Observation

from contracts.telemetry import metrics as declared
from contracts.telemetry.names import Metric, Source

_SCOPE = "turnstile"

_FROM_ZERO = (
    declared.MESSAGES_QUARANTINED,
    declared.MESSAGES_UNCONFIRMED,
    declared.ANNOUNCEMENTS_DROPPED,
    declared.TELEMETRY_DROPPED,
    declared.EXCLUSION_VIOLATIONS,
    declared.TRAIL_BREAKS,
    declared.WRITES_REFUSED,
    declared.RENEWALS_FAILED,
    declared.SWEEP_REPAIRS,
    declared.JOBS_UNKNOWN_KIND,
    declared.RUNNER_RESTARTS,
)


@dataclass(frozen=True)
class Reading:
    """What a gauge shows now, for one combination of labels."""

    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


def counter(metric: Metric) -> Counter:
    """Return the counter of a metric."""
    return metrics.get_meter(_SCOPE).create_counter(metric, metric.unit, metric.meaning)


def start_at_zero(service: Source) -> None:
    """Show a service's counters that alerts look at before there is anything to count.

    A counter that first appears with 1 has not risen, as far as Prometheus can see.
    """
    for metric in _FROM_ZERO:
        if service in metric.sources:
            for values in itertools.product(*(label.values for label in metric.attributes)):
                labels: dict[str, str] = {}
                labels.update(zip(metric.attributes, values, strict=True))
                counter(metric).add(0, {**labels})


def histogram(metric: Metric) -> Histogram:
    """Return the histogram of a metric."""
    return metrics.get_meter(_SCOPE).create_histogram(
        metric,
        metric.unit,
        metric.meaning,
        # As decimals, or one metric's bounds would be spelled in two ways.
        explicit_bucket_boundaries_advisory=[float(bound) for bound in metric.buckets],
    )


def gauge(metric: Metric, read: Callable[[], Iterable[Reading]]) -> None:
    """Show what `read` returns. It is called when metrics are collected, perhaps in another thread."""

    def observe(_: CallbackOptions) -> Iterable[Observation]:
        return [Observation(reading.value, {**reading.labels}) for reading in read()]

    metrics.get_meter(_SCOPE).create_observable_gauge(metric, [observe], metric.unit, metric.meaning)
