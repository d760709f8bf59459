"""All judges, as the simulation asks them: about every transaction, every publication, and the end."""

from collections.abc import Callable, Mapping, Sequence

from tests.simulation.judges.announcements import Announcements
from tests.simulation.judges.callers import Callers
from tests.simulation.judges.lives import Lives
from tests.simulation.judges.order import Order
from tests.simulation.judges.pools import Pools
from tests.simulation.judges.register import Register
from tests.simulation.judges.runs import Runs
from tests.simulation.judges.writes import Tell, carried_out

from coordination.journal.rows import JobRow
from coordination.ports import Operation, Registration, Row


class Panel:
    """The judges of one world."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self.lives = Lives(tell)
        self.order = Order(tell)
        self.runs = Runs(tell, self.lives.jobs)
        self.register = Register(tell, self.lives.jobs)
        self.announcements = Announcements(tell)
        self.callers = Callers(tell)
        self.pools = Pools(tell)
        #: Jobs whose cancellation was accepted, as their clients were answered.
        self.cancelled: set[str] = set()
        #: When an event of this status was written last, by job and by partition.
        self.times: dict[tuple[str, str], float] = {}

    def carried_out(
        self,
        partition: str,
        operations: Sequence[Operation],
        after: Mapping[str, Row],
        at: float,
        registrations: Mapping[str, Registration],
    ) -> None:
        """Judge a transaction at the instant at which it is carried out."""
        write = carried_out(partition, operations, after, at)
        for event in write.events:
            self.times[event.job_id, event.status] = self.times[partition, event.status] = at
        self.lives.see(write)
        self.order.see(write)
        self.runs.see(write)
        self.register.see(write, registrations)
        self.announcements.see(write)
        self.callers.see(write)
        self.pools.see(write)

    def check_end(
        self,
        partitions: Mapping[str, Mapping[str, Row]],
        registrations: Mapping[str, Registration],
        active: Sequence[str],
        projected: Callable[[str], int],
    ) -> None:
        """Judge what is left once everything has ended."""
        self.register.check_end(partitions, registrations, active)
        self.announcements.check_end(projected)
        for stored in partitions.values():
            for key, row in stored.items():
                if key.startswith("job|") and row.values.get("status") != JobRow.TOMBSTONE:
                    job = JobRow.from_row(row)
                    self.lives.check_row(job.job_id, job)
        for job_id in self.cancelled:
            if not self.lives.jobs[job_id].is_cancel_requested:
                self._tell("cancel", f"a client was told that {job_id} is cancelled: nothing is recorded")
