"""Workers that die."""

from collections.abc import Iterator
from random import Random

from loadtest.asked import Asked
from loadtest.scenario import Faults, Scenario

_LOCKS = 16


class KillWhileLoaded(Scenario):
    """Workers killed and stopped at random while jobs run.

    Killed as by a power cut, or stopped in order; their jobs are taken over and end once.
    """

    users = 6
    jobs = 200
    seconds = 45.0
    is_spread = True
    patience_seconds = 300.0
    interrupts = True

    def ask(self, random: Random) -> Asked:
        """Ask for a job that is long enough to be hit."""
        return Asked(lock=f"lock-{random.randrange(_LOCKS)}", steps=3, step_seconds=random.uniform(0.1, 0.6))

    def disturb(self, faults: Faults, random: Random) -> Iterator[float]:
        """Kill three times as often as stop."""
        while True:
            yield random.uniform(2.0, 6.0)
            if random.random() < 0.75:
                faults.kill_worker()
            else:
                faults.stop_worker()
