"""Jobs without work that wait for one lock."""

from bench.batch import Batch
from bench.contestant import Contestant, Installation
from bench.figures import Turn
from bench.workload import Size, behind_gate


class OneLock:
    """A backlog on one lock."""

    name = "one-lock"
    title = "One lock, a backlog"
    unit = "job"
    about = (
        "All jobs wait for one lock behind a job that holds it. The rate counts from the end of that "
        "job to the end of the last one."
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
        return behind_gate(installation, batch)
