"""What the sweeper remembers of time: since when something is as it is, and when it is due again."""

import math
from collections.abc import Container
from dataclasses import dataclass
from datetime import datetime

from coordination.ports import Clock


@dataclass(frozen=True)
class Pace:
    """How long the sweeper waits for what, in seconds."""

    #: Younger jobs are left alone: their wake-up, or their events, are on the way.
    patience: float = 5.0
    #: First and longest pause between two wake-ups for a lock, or announcements of a job, without changes.
    first_pause: float = 10.0
    longest_pause: float = 600.0
    #: First and longest pause between two comparisons of a job with the read models, where nothing happens.
    first_look: float = 5.0
    longest_look: float = 20.0
    #: Longest pause between two looks at a lock of which no job is due; another one that comes ends it.
    longest_rest: float = 60.0
    #: Age at which an id that was registered without a job will not get one.
    abandoned_after: float = 86_400.0
    #: For comparing jobs with the read models in one pass; the next pass continues there.
    compare_seconds: float = 2.0
    call_timeout: float = 2.0

    def is_over(self, since: datetime, still: float, clock: Clock) -> bool:
        """Return whether patience is over: by age or, as clocks may differ, by how long it was seen."""
        return max(age(since, clock), still) > self.patience


def age(since: datetime, clock: Clock) -> float:
    """Count seconds since a moment that another host's clock may have given."""
    return (clock.now() - since).total_seconds()


class Stillness:
    """Since when the sweeper has seen something as it is, by a clock that cannot be set wrong."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen: dict[str, tuple[int, float]] = {}

    def seconds(self, name: str, state: int = 0) -> float:
        """Return for how long it has been in this state; 0 when it is seen so for the first time."""
        now = self._clock.boot()
        last_state, since = self._seen.get(name, (None, now))
        if last_state != state:
            since = now
            self._seen[name] = (state, since)
        return now - since

    def forget_all_but(self, names: Container[str]) -> None:
        """Drop what is not there any more."""
        self._seen = {name: seen for name, seen in self._seen.items() if name in names}


class Pauses:
    """When something is due again: seldom, and less and less often, while nothing moves.

    A line that waits for busy workers needs no more wake-ups, a projector that is away no more events, and a
    job that waits for hours no look every few seconds.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._pauses: dict[str, tuple[int, float, float]] = {}

    def is_over(self, name: str, state: int | None = None) -> bool:
        """Return whether the pause is over; in a new state it is, and so it is where there was none."""
        last_state, end, _ = self._pauses.get(name, (state, -math.inf, 0.0))
        return self._clock.boot() >= end or state not in {None, last_state}

    def begin(self, name: str, state: int, first: float, longest: float) -> None:
        """Begin a pause: the first in this state, or one twice as long as the last."""
        last_state, _, pause = self._pauses.get(name, (None, 0.0, 0.0))
        pause = min(pause * 2, longest) if last_state == state else first
        self._pauses[name] = (state, self._clock.boot() + pause, pause)

    def forget_all_but(self, names: Container[str]) -> None:
        """Drop what is not there any more."""
        self._pauses = {name: pause for name, pause in self._pauses.items() if name in names}

    def end_all(self) -> None:
        """Let everything be due now."""
        self._pauses = {}
