"""Jobs of ten recorded steps that wait for one lock."""

from bench.batch import Batch
from bench.contestant import Contestant, Installation
from bench.figures import Turn
from bench.workload import Size, behind_gate


class TenSteps:
    """A backlog of jobs with ten steps each."""

    name = "ten-steps"
    title = "One lock, jobs of ten steps"
    unit = "job"
    about = (
        "As with one lock, and each job records ten steps, each in a transaction of its own; with "
        "procrastinate a row in a table of the user, with Celery a field of a hash in Redis."
    )
    jobs = 200
    history = 0
    is_large = False
    locks: tuple[str, ...] = ("ledger",)

    def suits(self, contestant: Contestant) -> bool:
        """Return whether a contestant can do it."""
        return contestant.has_steps

    def measure(self, installation: Installation, size: Size) -> Turn:
        """Have it done once. Raises BenchError."""
        batch = Batch(0, size.jobs, self.locks, size.clients, steps=10)
        return behind_gate(installation, batch)
