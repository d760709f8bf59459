"""A scheduler that dies."""

from collections.abc import Iterator
from random import Random

from loadtest.scenario import Faults
from loadtest.scenarios.schedules import Schedules


class SchedulerRestart(Schedules):
    """The scheduler killed while schedules are due.

    Its lease has to run out before the next one is on duty. Due times of the meantime are late, and none is
    lost.
    """

    def disturb(self, faults: Faults, random: Random) -> Iterator[float]:
        """Kill it early, so that there are due times before, during and after the outage."""
        yield random.uniform(5.0, 8.0)
        faults.restart_scheduler()
