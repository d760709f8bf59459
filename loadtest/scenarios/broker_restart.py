"""A broker that goes away."""

from collections.abc import Iterator
from random import Random

from loadtest.asked import Asked
from loadtest.scenario import Faults, Scenario

_LOCKS = 20


class BrokerRestart(Scenario):
    """RabbitMQ killed under load.

    Submissions are accepted and jobs continue without it; waiting jobs start once it is back.
    """

    users = 5
    jobs = 200
    seconds = 45.0
    is_spread = True
    patience_seconds = 300.0

    def ask(self, random: Random) -> Asked:
        """Ask for a short job."""
        return Asked(lock=f"lock-{random.randrange(_LOCKS)}", steps=2, step_seconds=random.uniform(0.05, 0.2))

    def disturb(self, faults: Faults, random: Random) -> Iterator[float]:
        """Kill it early, so that there is load before, during and after the outage."""
        yield random.uniform(3.0, 6.0)
        faults.restart_broker()
