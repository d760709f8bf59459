"""How long locks were between two handlers, by the histograms of the workers."""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from contracts.telemetry import attributes as at
from contracts.telemetry import metrics
from loadtest import storage_calls

_SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
_NAME = f"{metrics.HAND_OVER_DURATION.replace('.', '_')}_seconds_bucket"
_CAUSE = re.compile(rf'{at.HAND_OVER_CAUSE.replace(".", "_")}="([^"]*)"')
_BOUND = re.compile(r'\ble="([^"]*)"')
_INSTANCE = re.compile(r'^target_info\{.*service_instance_id="([^"]*)"', re.MULTILINE)


@dataclass(frozen=True)
class Histogram:
    """How many hand-overs took at most so many seconds, by that bound; the last is infinite."""

    counts: Mapping[float, float] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many there were."""
        return round(self.counts.get(math.inf, 0))

    def quantile(self, share: float) -> float | None:
        """Return a quantile, interpolated in its bucket; infinity above the last bound, None without any."""
        rank, lower, below = share * self.count, 0.0, 0.0
        if not rank:
            return None
        for bound, count in sorted(self.counts.items()):
            if count >= rank:
                within = (rank - below) / (count - below)
                return bound if math.isinf(bound) else lower + (bound - lower) * within
            lower, below = bound, count
        return None

    def document(self) -> dict[str, float | int | None]:
        """Return the quantiles and the count as JSON takes them."""
        return {**{name: self.quantile(share) for name, share in _SHARES.items()}, "count": self.count}


@dataclass(frozen=True)
class HandOvers:
    """The hand-overs of a time, by cause."""

    by_cause: Mapping[str, Histogram] = field(default_factory=dict)

    @property
    def all(self) -> Histogram:
        """The hand-overs of every cause."""
        total: Counter[float] = Counter()
        for histogram in self.by_cause.values():
            total.update(histogram.counts)
        return Histogram(total)

    def document(self) -> dict[str, Any]:
        """Return the distributions as JSON takes them."""
        by_cause = {cause: histogram.document() for cause, histogram in sorted(self.by_cause.items())}
        return {**self.all.document(), "by_cause": by_cause}


#: What a worker counted, by cause and bound.
Counts = Mapping[tuple[str, float], float]


def read(urls: Sequence[str]) -> dict[str, Counts] | None:
    """Return what each worker counted, by its instance; None where one does not answer, or there is none."""
    found = {}
    for url in urls:
        try:
            text = storage_calls.read(url)
        except OSError:
            return None
        instance = _INSTANCE.search(text)
        if instance is None:
            return None
        found[instance[1]] = _counts(text)
    return found or None


def between(before: Mapping[str, Counts] | None, after: Mapping[str, Counts] | None) -> HandOvers | None:
    """Return the hand-overs in between; None when that is unknown, as after a worker was restarted."""
    if before is None or after is None or before.keys() != after.keys():
        return None
    found: dict[str, dict[float, float]] = {}
    for instance, counts in after.items():
        for (cause, bound), count in counts.items():
            of_cause = found.setdefault(cause, {})
            of_cause[bound] = of_cause.get(bound, 0) + count - before[instance].get((cause, bound), 0)
    return HandOvers({cause: Histogram(counts) for cause, counts in found.items() if counts.get(math.inf)})


def _counts(text: str) -> Counts:
    found = {}
    for line in text.splitlines():
        cause, bound = _CAUSE.search(line), _BOUND.search(line)
        if line.startswith(_NAME) and cause and bound:
            # A line may end with an exemplar, after " # ".
            found[cause[1], float(bound[1])] = float(line.partition(" # ")[0].rsplit(" ", 1)[1])
    return found
