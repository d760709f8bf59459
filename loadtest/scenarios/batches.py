"""Many jobs in one request."""

from random import Random

from loadtest.asked import Asked
from loadtest.scenario import Scenario

_LOCKS = 20


class Batches(Scenario):
    """Jobs submitted a hundred at a time.

    Each request has jobs for all of the locks, and every job has an answer of its own.
    """

    users = 4
    batch = 100
    jobs = 2000
    seconds = 30.0
    patience_seconds = 300.0

    def ask(self, random: Random) -> Asked:
        """Ask for a job of one step under one of the locks."""
        return Asked(lock=f"lock-{random.randrange(_LOCKS)}")
