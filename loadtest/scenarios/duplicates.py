"""Repeated submissions."""

from random import Random

from loadtest.asked import Asked
from loadtest.scenario import Scenario

_LOCKS = 10


class Duplicates(Scenario):
    """Every job submitted ten times at once.

    One of the ten is accepted, the others get the answer that it is known already, and the job runs once.
    """

    users = 4
    jobs = 60
    seconds = 20.0

    def ask(self, random: Random) -> Asked:
        """Ask ten times for one job of two steps."""
        return Asked(lock=f"lock-{random.randrange(_LOCKS)}", steps=2, copies=10)
