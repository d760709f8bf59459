"""Jobs without work that wait for one lock, on a store that holds many finished jobs."""

from bench.batch import Batch
from bench.contestant import Contestant, Installation
from bench.figures import Turn
from bench.workload import Size, behind_gate


class LongHistory:
    """A backlog on one lock, on a store with a history."""

    name = "long-history"
    title = "One lock, on a long history"
    unit = "job"
    about = (
        "As with one lock, on a store that holds many finished jobs. Their rows were not made by "
        "running jobs but written directly: Turnstile's are copies of the rows of a job that ran, "
        "procrastinate's come from one SQL statement."
    )
    jobs = 1000
    history = 100_000
    is_large = True
    locks: tuple[str, ...] = ("ledger",)

    def suits(self, contestant: Contestant) -> bool:
        """Return whether a contestant can do it."""
        return contestant.has_history

    def measure(self, installation: Installation, size: Size) -> Turn:
        """Have it done once. Raises BenchError."""
        batch = Batch(0, size.jobs, self.locks, size.clients)
        return behind_gate(installation, batch)
