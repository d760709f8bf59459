"""The scale of a timeline: where a moment is, and where the ticks are."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboard.parts.durations import duration
from dashboard.parts.nodes import Node, clock

#: Distances between ticks, in seconds.
_STEPS = (
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800,
    3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800, 2_592_000,
)  # fmt: skip

_MOST_TICKS = 6

#: Below this, clocks with seconds say too little.
_SHORT_SECONDS = 10.0

#: Room at the right end, as a share of the whole.
_ROOM = 0.015


@dataclass(frozen=True)
class Scale:
    """A stretch of time that is drawn from left to right."""

    start: datetime
    seconds: float

    @classmethod
    def over(cls, start: datetime, end: datetime) -> "Scale":
        """Return a scale from one moment to another, with some room at the end."""
        seconds = max((end - start).total_seconds(), 0.001)
        return cls(start, seconds * (1 + _ROOM))

    def percent(self, moment: datetime) -> float:
        """Return how far right a moment is, from 0 to 100."""
        share = (moment - self.start).total_seconds() / self.seconds
        return round(min(max(share, 0.0), 1.0) * 100, 3)

    def ticks(self) -> list[tuple[float, Node]]:
        """Return where ticks are, from 0 to 100, with their labels: clocks, or distances from the start."""
        step = next((step for step in _STEPS if self.seconds / step <= _MOST_TICKS), _STEPS[-1])
        if self.seconds < _SHORT_SECONDS:
            count = math.floor(self.seconds / step)
            return [
                (number * step / self.seconds * 100, _distance(number * step)) for number in range(count + 1)
            ]
        first = math.ceil(self.start.timestamp() / step) * step - self.start.timestamp()
        count = math.floor((self.seconds - first) / step)
        return [self._clock(first + number * step) for number in range(count + 1)]

    def _clock(self, seconds: float) -> tuple[float, Node]:
        moment = self.start + timedelta(seconds=seconds)
        return seconds / self.seconds * 100, clock(moment)


def _distance(seconds: float) -> str:
    return f"+ {duration(seconds)}" if seconds else "0 s"
