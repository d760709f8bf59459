"""The in-memory stores, which also check who uses them: only the process with the lease may send."""

from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from datetime import datetime

from tests.simulation.history import History
from tests.simulation.judges.order import Reading, Waiting
from tests.simulation.judges.panel import Panel
from tests.simulation.loop import PROCESS, Process, ProcessClock, SimulationLoop
from tests.simulation.network import Network

from coordination.journal.events import timestamp
from coordination.journal.rows import LINE, LOCKS, SLOTS, JobRow, job_key, lock_key
from coordination.ports import (
    Delete,
    DueRemoval,
    LeaseLostError,
    Operation,
    Registration,
    Row,
    Transaction,
)
from coordination.testing.memory import InMemoryJournal, InMemoryLeases, InMemoryRegister
from coordination.times import LeaseTimes

#: What the task that serves a slot read last of its line.
READING: ContextVar[Reading | None] = ContextVar("READING", default=None)


class WatchedLeases(InMemoryLeases):
    """Leases whose early end can be forced, and which remember who asked under which id."""

    def __init__(self, clock: ProcessClock, network: Network, *, renews_after_expiry: bool) -> None:
        super().__init__(clock, network)
        self._owners: dict[str, Process | None] = {}
        self._renews_after_expiry = renews_after_expiry
        #: When a lease was last made to end early, by its name.
        self.forced: dict[str, float] = {}

    async def acquire(self, name: str, duration: float, lease_id: str, timeout: float) -> None:
        self._owners[lease_id] = PROCESS.get()
        await super().acquire(name, duration, lease_id, timeout)

    async def renew(self, name: str, lease_id: str, timeout: float) -> None:
        if not self._renews_after_expiry:
            await super().renew(name, lease_id, timeout)
            return

        # The real store renews a lease that has run out, as long as no other process took it.
        def action() -> None:
            lease = self._leases.get(name)
            if lease is None or lease.lease_id != lease_id:
                raise LeaseLostError
            expires = self._clock.boot() + lease.duration
            self._leases[name] = type(lease)(lease_id, lease.duration, expires)

        await self.calls.carry_out("leases.renew", action, timeout)

    def force_end(self, name: str) -> None:
        """Let a lease run out now, as if the store's clock had jumped."""
        if self._leases.pop(name, None) is not None:
            self.forced[name] = self._clock.boot()

    def held(self) -> list[str]:
        """Name the leases that are held."""
        return [name for name in self._leases if self._current(name) is not None]

    def owner(self, name: str) -> tuple[Process | None, float]:
        """Return the process that holds a lease, and when the store granted it last."""
        lease = self._current(name)
        if lease is None:
            return None, 0.0
        return self._owners[lease.lease_id], lease.expires - lease.duration


class WatchedJournal(InMemoryJournal):
    """A journal that reports to a history what is written, and checks who sends."""

    def __init__(
        self,
        loop: SimulationLoop,
        network: Network,
        leases: WatchedLeases,
        history: History,
        panel: Panel,
        times: LeaseTimes,
        clock: ProcessClock,
    ) -> None:
        super().__init__(network)
        self._panel = panel
        self.register = WatchedRegister(self, network, panel)
        self._loop = loop
        self._network = network
        self._leases = leases
        self._clock = clock
        self._history = history
        self._times = times
        network.sending = self.sending

    async def commit(self, partition: str, transaction: Transaction, timeout: float) -> Mapping[str, str]:
        # Both are read before anything else can run.
        self._network.partition = partition
        # Not the row of slot 0, where one that puts a job back in another slot says when it is due.
        held = [
            each
            for each in transaction.operations
            if not isinstance(each, Delete) and each.key.startswith((LOCKS, SLOTS)) and "op_id" in each.values
        ]
        self._network.lease = _lease_name(partition, held[0].key) if held else partition
        self._network.takes_over = any(each.values.get("tenure") for each in held)
        process, reading = PROCESS.get(), READING.get()
        if process is not None and process.is_holder and reading is not None:
            # A process that stood still cannot know that time has passed.
            age = 0.0 if process.paused_at >= reading.at else self._loop.time() - reading.at
            self._panel.order.follows(transaction.op_id, reading, age)
        versions = await super().commit(partition, transaction, timeout)
        if process is not None:
            heard = self._loop.time()
            self._panel.announcements.heard(
                transaction.op_id, process.name, lambda: process.has_died_since(heard)
            )
        return versions

    async def read_range(
        self, partition: str, prefix: str, limit: int | None = None, after: str = ""
    ) -> list[Row]:
        if prefix != LINE:
            return await super().read_range(partition, prefix, limit, after)
        seen: list[tuple[frozenset[Waiting], int]] = []
        asked_at = timestamp(self._clock.now())
        self._network.when_carried_out = lambda: seen.append(
            (self._panel.order.waiting(partition), self._limit_of(partition))
        )
        found = await super().read_range(partition, prefix, limit, after)
        READING.set(Reading(*seen[0], self._loop.time(), asked_at))
        return found

    def _limit_of(self, partition: str) -> int:
        row = self.partitions.get(partition, {}).get(lock_key())
        return 1 if row is None else int(row.values.get("limit") or 1)

    def sending(self, lease: str) -> None:
        """Check that a worker sends a transaction only while its lease cannot be another's."""
        process, now = PROCESS.get(), self._loop.time()
        if process is None or process.is_dead or not process.is_holder:
            return
        if now - self._leases.forced.get(lease, float("-inf")) <= self._times.duration:
            return
        owner, granted = self._leases.owner(lease)
        if owner is not process:
            self._history.violate("I12", f"{process.name} sends for {lease} without its lease")
        elif now > granted + self._times.soft + 0.001:
            late = now - granted - self._times.soft
            self._history.violate("I12", f"{process.name} sends for {lease} {late:.3f} s too late")

    def _apply(self, partition: str, operations: Sequence[Operation]) -> dict[str, str]:
        versions = super()._apply(partition, operations)
        self._history.committed(partition, operations)
        self._panel.carried_out(
            partition, operations, self.partitions[partition], self._loop.time(), self.register.jobs
        )
        return versions


def _lease_name(partition: str, key: str) -> str:
    """Return the name of the lease that belongs to a slot's lock row."""
    number = int(key.rsplit("|", 1)[1])
    return f"{partition}-{number:02d}" if number else partition


class WatchedRegister(InMemoryRegister):
    """A register that reports to the judges which jobs are retired."""

    def __init__(self, journal: InMemoryJournal, network: Network, panel: Panel) -> None:
        super().__init__(network)
        self._journal = journal
        self._panel = panel
        #: Called once, as soon as a publisher has registered an id.
        self.when_registered: Callable[[Process, Registration], object] | None = None
        #: Number of the last event that the read models have, by job.
        self.projected: Callable[[str], int] = lambda job_id: 0

    async def add(self, registration: Registration) -> None:
        await super().add(registration)
        strike, self.when_registered = self.when_registered, None
        if strike is not None and (process := PROCESS.get()) is not None:
            strike(process, registration)

    async def retire(
        self, job_id: str, due_at: datetime | None = None, removal: DueRemoval | None = None
    ) -> None:
        registration = self._registered[job_id]
        row = self._journal.partitions[registration.partition].get(job_key(job_id))
        is_closed = row is not None and row.values.get("status") == JobRow.TOMBSTONE
        self._panel.register.retires(job_id, self.projected(job_id), is_closed=is_closed)
        await super().retire(job_id, due_at, removal)

    @property
    def active_ids(self) -> list[str]:
        """Name the jobs that are active."""
        return [job_id for _, job_id in self._active]

    @property
    def jobs(self) -> Mapping[str, Registration]:
        """Where all jobs live."""
        return self._registered
