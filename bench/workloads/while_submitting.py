"""Jobs without work of one lock, submitted while they run."""

from bench.batch import Batch
from bench.contestant import Contestant, Installation
from bench.figures import Turn
from bench.workload import Size, while_submitted


class WhileSubmitting:
    """One lock while jobs come in."""

    name = "while-submitting"
    title = "One lock, while jobs are submitted"
    unit = "job"
    about = (
        "Clients submit as fast as they can, and the jobs run at the same time. The rate counts from "
        "the first submission to the end of the last job."
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
        return while_submitted(installation, batch, has_gaps=True)
