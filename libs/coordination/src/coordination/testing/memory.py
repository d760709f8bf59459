"""In-memory doubles of the ports, which also say what the real adapters must do."""

import bisect
import itertools
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from coordination.clock import VirtualClock
from coordination.journal.storage_limits import check_limits
from coordination.ports import (
    ActiveJob,
    AlreadyRegisteredError,
    Announcement,
    Clock,
    Delete,
    DueRemoval,
    GuardedUpdate,
    Insert,
    LeaseHeldError,
    LeaseLostError,
    Operation,
    RefusedError,
    Registration,
    Replace,
    Row,
    Transaction,
    UnknownOutcomeError,
    Values,
    WakeUp,
)
from coordination.testing.faults import ArrivesLateError, Calls, Fault

__all__ = [
    "ArrivesLateError",
    "Fault",
    "InMemoryJournal",
    "InMemoryLeases",
    "InMemoryNotifier",
    "InMemoryRegister",
    "VirtualClock",
]


@dataclass(frozen=True)
class _Lease:
    lease_id: str
    duration: float
    expires: float


class InMemoryLeases:
    """Leases that expire by the given clock."""

    def __init__(self, clock: Clock, faults: Fault | Calls | None = None) -> None:
        self._clock = clock
        self.calls = Calls.of(faults)
        self._leases: dict[str, _Lease] = {}

    async def acquire(self, name: str, duration: float, lease_id: str, timeout: float) -> None:
        """Take the lease, or take it again under the same id."""
        if not 15 <= duration <= 60:
            raise ValueError("a lease lasts between 15 and 60 seconds")

        def action() -> None:
            current = self._current(name)
            if current is not None and current.lease_id != lease_id:
                raise LeaseHeldError
            self._leases[name] = _Lease(lease_id, duration, self._clock.boot() + duration)

        await self.calls.carry_out("leases.acquire", action, timeout)

    async def renew(self, name: str, lease_id: str, timeout: float) -> None:
        """Start the time of the lease again; one that has run out is lost."""

        def action() -> None:
            current = self._current(name)
            if current is None or current.lease_id != lease_id:
                raise LeaseLostError
            expires = self._clock.boot() + current.duration
            self._leases[name] = _Lease(lease_id, current.duration, expires)

        await self.calls.carry_out("leases.renew", action, timeout)

    async def release(self, name: str, lease_id: str, timeout: float) -> None:
        """Release the lease if it is held under this id."""

        def action() -> None:
            current = self._current(name)
            if current is not None and current.lease_id == lease_id:
                del self._leases[name]

        await self.calls.carry_out("leases.release", action, timeout)

    async def is_free(self, name: str, timeout: float) -> bool:
        """Return whether the lease is free now."""
        return await self.calls.carry_out("leases.is_free", lambda: self._current(name) is None, timeout)

    async def free(self, names: Collection[str], timeout: float) -> set[str]:
        """Return which of many leases are free now."""

        def action() -> set[str]:
            return {name for name in names if self._current(name) is None}

        return await self.calls.carry_out("leases.list", action, timeout)

    def holder(self, name: str) -> str | None:
        """Return the id under which the lease is held; for tests."""
        current = self._current(name)
        return None if current is None else current.lease_id

    def _current(self, name: str) -> _Lease | None:
        lease = self._leases.get(name)
        return lease if lease is not None and self._clock.boot() < lease.expires else None


class InMemoryJournal:
    """A journal in which every write gives a row a version that never was before."""

    def __init__(self, faults: Fault | Calls | None = None) -> None:
        self.calls = Calls.of(faults)
        self._versions = itertools.count(1)
        #: The keys of each partition in order, as long as no test has changed its rows.
        self._keys: dict[str, list[str]] = {}
        #: Rows by partition and key; for tests to look at.
        self.partitions: dict[str, dict[str, Row]] = {}

    async def commit(self, partition: str, transaction: Transaction, timeout: float) -> Mapping[str, str]:
        """Carry out all operations, or none."""
        check_limits(transaction)

        def action() -> Mapping[str, str]:
            rows = self.partitions.get(partition, {})
            for operation in transaction.operations:
                if not _is_as_expected(operation, rows.get(operation.key)):
                    raise RefusedError(f"the row {operation.key} is not as expected")
            return self._apply(partition, transaction.operations)

        return await self.calls.carry_out("journal.commit", action, timeout)

    def _apply(self, partition: str, operations: Sequence[Operation]) -> dict[str, str]:
        rows = self.partitions.setdefault(partition, {})
        keys = self._keys.setdefault(partition, [])
        for operation in operations:
            if isinstance(operation, Delete):
                del rows[operation.key]
                keys.pop(bisect.bisect_left(keys, operation.key))
                continue
            if isinstance(operation, Insert):
                bisect.insort(keys, operation.key)
            is_whole = isinstance(operation, Insert | Replace)
            earlier = {} if is_whole else rows[operation.key].values
            values = {**earlier, **_stored(operation.values)}
            rows[operation.key] = Row(operation.key, values, f'W/"{next(self._versions)}"')
        return {o.key: rows[o.key].etag for o in operations if not isinstance(o, Delete)}

    async def read(self, partition: str, key: str) -> Row | None:
        """Read one row."""
        return await self.calls.carry_out("journal.read", lambda: self.partitions.get(partition, {}).get(key))

    async def read_range(
        self, partition: str, prefix: str, limit: int | None = None, after: str = ""
    ) -> list[Row]:
        """Read rows in key order."""

        def action() -> list[Row]:
            rows = self.partitions.get(partition, {})
            keys = self._keys.get(partition, [])
            if len(keys) != len(rows):
                keys = self._keys[partition] = sorted(rows)
            first = max(bisect.bisect_left(keys, prefix), bisect.bisect_right(keys, after))
            found = itertools.takewhile(
                lambda key: key.startswith(prefix), itertools.islice(keys, first, None)
            )
            return [rows[key] for key in itertools.islice(found, limit)]

        return await self.calls.carry_out("journal.read_range", action)


class InMemoryRegister:
    """A register of jobs."""

    def __init__(self, faults: Fault | Calls | None = None) -> None:
        self.calls = Calls.of(faults)
        self._registered: dict[str, Registration] = {}
        self._active: dict[tuple[datetime | None, str], ActiveJob] = {}
        self._marks: dict[str, str] = {}
        self._mark_versions = itertools.count(1)
        #: When something of jobs that have ended may go; for tests to look at.
        self.removals: dict[tuple[datetime, str], DueRemoval] = {}

    async def add(self, registration: Registration) -> None:
        """Record a job id as taken and its job as active."""

        def action() -> None:
            if registration.job_id in self._registered:
                raise AlreadyRegisteredError
            self._registered[registration.job_id] = registration
            self._activate(registration)

        await self.calls.carry_out("journal.register", action)

    async def activate(self, registration: Registration) -> None:
        """Record a job as active again."""
        await self.calls.carry_out("journal.activate", lambda: self._activate(registration))

    def _activate(self, registration: Registration) -> None:
        self._active[registration.due_at, registration.job_id] = ActiveJob(
            registration.job_id,
            registration.lock_name,
            registration.partition,
            registration.registered_at,
            registration.due_at,
            registration.is_marked,
            registration.expires_at,
        )

    async def find(self, job_id: str) -> Registration | None:
        """Look up where a job lives."""
        return await self.calls.carry_out("journal.find", lambda: self._registered.get(job_id))

    async def active(self, due_by: datetime) -> AsyncIterator[ActiveJob]:
        """Go through the active jobs that are due, in no particular order."""

        def action() -> list[ActiveJob]:
            return [job for job in self._active.values() if job.due_at is None or job.due_at <= due_by]

        for job in await self.calls.carry_out("journal.active", action):
            yield job

    async def all(self) -> AsyncIterator[Registration]:
        """Go through all jobs ever registered."""
        for job in await self.calls.carry_out("journal.all", lambda: list(self._registered.values())):
            yield job

    async def retire(
        self, job_id: str, due_at: datetime | None = None, removal: DueRemoval | None = None
    ) -> None:
        """Remove a job from the active ones."""

        def action() -> None:
            is_active = self._active.pop((due_at, job_id), None) is not None
            if is_active and removal is not None:
                self._note(removal)

        await self.calls.carry_out("journal.retire", action)

    def _note(self, removal: DueRemoval) -> None:
        version = f"r{next(self._mark_versions)}"
        self.removals[removal.at, removal.job_id] = replace(removal, version=version)

    async def due_removals(self, by: datetime, limit: int) -> list[DueRemoval]:
        """Return removals that are due, the first ones first."""

        def action() -> list[DueRemoval]:
            return [self.removals[key] for key in sorted(self.removals) if key[0] <= by][:limit]

        return await self.calls.carry_out("journal.due_removals", action)

    async def move_removal(self, removal: DueRemoval, at: datetime | None) -> None:
        """Let a removal be due at another moment, or no more."""

        def action() -> None:
            known = self.removals.get((removal.at, removal.job_id))
            if known is not None and known.version == removal.version:
                del self.removals[removal.at, removal.job_id]
                if at is not None:
                    self._note(replace(removal, at=at))

        await self.calls.carry_out("journal.move_removal", action)

    async def forget(self, job_id: str) -> None:
        """Remove the registration of a job of which nothing is left."""
        await self.calls.carry_out("journal.forget", lambda: self._registered.pop(job_id, None))

    async def withdraw(self, registration: Registration) -> None:
        """Remove a registration."""

        def action() -> None:
            self._registered.pop(registration.job_id, None)
            self._active.pop((registration.due_at, registration.job_id), None)

        await self.calls.carry_out("journal.withdraw", action)

    async def mark(self, submitter: str) -> None:
        """Give the mark of a process a new version."""

        def action() -> None:
            self._marks[submitter] = f"m{next(self._mark_versions)}"

        await self.calls.carry_out("journal.mark", action)

    async def marks(self) -> Mapping[str, str]:
        """Return the versions of all marks."""
        return await self.calls.carry_out("journal.marks", lambda: dict(self._marks))

    async def unmark(self, submitter: str, version: str) -> None:
        """Remove a mark that still has this version."""

        def action() -> None:
            if self._marks.get(submitter) == version:
                del self._marks[submitter]

        await self.calls.carry_out("journal.unmark", action)


def _is_as_expected(operation: Operation, row: Row | None) -> bool:
    match operation:
        case Insert():
            return row is None
        case GuardedUpdate():
            return row is not None
        case _:
            return row is not None and row.etag == operation.etag


def _stored(values: Values) -> Values:
    return {name: value for name, value in values.items() if value is not None}


class InMemoryNotifier:
    """Keeps what was notified, deferred and announced, for a test to deliver or to lose."""

    def __init__(self, faults: Fault | Calls | None = None) -> None:
        self.calls = Calls.of(faults)
        self.wake_ups: list[WakeUp] = []
        self.deferred: list[WakeUp] = []
        self.announcements: list[Announcement] = []

    async def notify(self, wake_up: WakeUp) -> bool:
        """Keep the wake-up; a fault loses it silently, as the port says."""
        try:
            await self.calls.carry_out("notifier.notify", lambda: self.wake_ups.append(wake_up))
        except UnknownOutcomeError:
            return False
        return True

    async def defer(self, wake_up: WakeUp) -> None:
        """Keep the wake-up for later."""
        await self.calls.carry_out("notifier.defer", lambda: self.deferred.append(wake_up))

    def announce(self, announcements: Sequence[Announcement]) -> None:
        """Keep the announcements."""
        self.announcements.extend(announcements)

    def take_wake_ups(self) -> list[WakeUp]:
        """Return the wake-ups so far, and forget them."""
        taken, self.wake_ups = self.wake_ups, []
        return taken

    def take_deferred(self) -> list[WakeUp]:
        """Return the deferred wake-ups so far, and forget them."""
        taken, self.deferred = self.deferred, []
        return taken

    def take_announcements(self) -> list[Announcement]:
        """Return the announcements so far, and forget them."""
        taken, self.announcements = self.announcements, []
        return taken
