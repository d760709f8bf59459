"""Thousands of locks."""

import itertools
from random import Random

from loadtest.asked import Asked
from loadtest.scenario import Scenario

_LOCKS = 5000
#: The lock in place n is asked for in proportion to 1 / n to this power (Zipf).
_STEEPNESS = 0.7


class ManyLocks(Scenario):
    """Thousands of locks, some far more wanted than others.

    Which lock a job is for follows Zipf's law: many locks have one job, a few have a line.
    """

    users = 30
    #: Enough for more than a thousand different locks.
    jobs = 1600
    seconds = 90.0
    patience_seconds = 300.0

    def __init__(self) -> None:
        weights = (1 / place**_STEEPNESS for place in range(1, _LOCKS + 1))
        self._cumulated = list(itertools.accumulate(weights))

    def ask(self, random: Random) -> Asked:
        """Ask for a job under a lock by Zipf's law."""
        (place,) = random.choices(range(_LOCKS), cum_weights=self._cumulated)
        return Asked(lock=f"lock-{place + 1}")
