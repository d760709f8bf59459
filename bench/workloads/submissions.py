"""Submissions alone."""

from bench.batch import Batch
from bench.contestant import Contestant, Installation
from bench.figures import Turn
from bench.workload import Size, only_submitted


class Submissions:
    """Submissions, while nothing runs."""

    name = "submissions"
    title = "Submissions alone"
    unit = "submission"
    about = (
        "Clients submit as fast as they can while a job holds the lock, so that nothing runs. The "
        "rate is that of accepted submissions."
    )
    jobs = 1000
    history = 0
    is_large = False
    locks: tuple[str, ...] = ("ledger",)

    def suits(self, contestant: Contestant) -> bool:
        """Return whether a contestant can do it."""
        return True

    def measure(self, installation: Installation, size: Size) -> Turn:
        """Have it done once. Raises BenchError."""
        batch = Batch(0, size.jobs, self.locks, size.clients)
        return only_submitted(installation, batch)
