"""Ten thousand jobs without work that wait for one lock."""

from bench.batch import Batch
from bench.contestant import Contestant, Installation
from bench.figures import Turn
from bench.workload import Size, behind_gate


class LongLine:
    """A long backlog on one lock."""

    name = "long-line"
    title = "One lock, a long backlog"
    unit = "job"
    about = "As with one lock, with a longer line."
    jobs = 10_000
    history = 0
    is_large = True
    locks: tuple[str, ...] = ("ledger",)

    def suits(self, contestant: Contestant) -> bool:
        """Return whether a contestant can do it."""
        return True

    def measure(self, installation: Installation, size: Size) -> Turn:
        """Have it done once. Raises BenchError."""
        batch = Batch(0, size.jobs, self.locks, size.clients)
        return behind_gate(installation, batch)
