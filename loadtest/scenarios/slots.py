"""Locks with limits."""

from collections.abc import Generator
from random import Random

from loadtest.actions import Actions
from loadtest.asked import Asked
from loadtest.scenario import Scenario

#: Locks that have the same limit all the time, and the one whose limit changes.
_STEADY, _MOVED = ("steady-1", "steady-2"), "moved"
_LIMIT = 3
#: More than the API tells of are of no use.
_LIMITS = (1, 4, 2, 5, 3) * 4


class Slots(Scenario):
    """Several jobs at a time under one lock.

    Three locks have a limit of 3, and that of one of them is lowered and raised while the load lasts.
    """

    users = 8
    jobs = 240
    seconds = 30.0
    is_spread = True
    patience_seconds = 300.0

    def ask(self, random: Random) -> Asked:
        """Ask for a job that is long enough to meet others; every second one under the lock that changes."""
        lock = _MOVED if random.random() < 0.5 else random.choice(_STEADY)
        return Asked(lock, steps=2, step_seconds=random.uniform(0.1, 0.3))

    def accompany(self, actions: Actions, random: Random) -> Generator[float]:
        """Set the limits, and change one every few seconds."""
        for name in (*_STEADY, _MOVED):
            actions.set_limit(name, _LIMIT)
        for limit in _LIMITS[:-1]:
            yield random.uniform(2.0, 3.0)
            actions.set_limit(_MOVED, limit)
