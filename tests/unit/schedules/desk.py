"""Schedules over in-memory ports: people who change them, and schedulers that fire them."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from contracts.jobs import Kind
from contracts.schedules import ScheduleDefinition, ScheduleFiring
from coordination.clients.job_writer import JobWriter
from coordination.clients.submission import Submitter
from coordination.clock import VirtualClock
from coordination.journal.rows import JobRow
from coordination.testing.faults import Fault
from coordination.testing.memory import InMemoryJournal, InMemoryNotifier, InMemoryRegister
from coordination.testing.worker_directory import InMemoryWorkerDirectory
from schedules.due import DuePace, DueSchedules
from schedules.firing import Firings
from schedules.rows import PARTITION, FiringRow, ScheduleEventRow, ScheduleRow
from schedules.service import ScheduleService
from schedules.store import ScheduleStore
from submission import Acceptance, KnownKinds, SubmissionService

JOB: dict[str, Any] = {"kind": "report", "lock": "reports", "parameters": {"day": 1}}


def definition(**fields: Any) -> ScheduleDefinition:
    """Return an hourly schedule, but for what is said otherwise."""
    asked: dict[str, Any] = {"cron": "0 * * * *", "job": JOB, **fields}
    if "interval" in fields:
        asked.pop("cron")
    return ScheduleDefinition.model_validate(asked)


@dataclass
class Noted:
    """An observer that keeps what it is told."""

    firings: list[tuple[str, ScheduleFiring, float]] = field(default_factory=list)
    missing: list[tuple[str, int]] = field(default_factory=list)
    not_readable: list[str] = field(default_factory=list)

    def fired(self, row: FiringRow, said: ScheduleFiring, late_seconds: float) -> None:
        self.firings.append((row.name, said, late_seconds))

    def missed(self, name: str, count: int) -> None:
        self.missing.append((name, count))

    def unreadable(self, name: str, error: ValueError) -> None:
        self.not_readable.append(name)


class Desk:
    """Where schedules and jobs of one installation are."""

    def __init__(self, fault: Fault | None = None) -> None:
        self.clock = VirtualClock()
        self.table = InMemoryJournal(fault)
        self.journal = InMemoryJournal(fault)
        self.register = InMemoryRegister(fault)
        self.notifier = InMemoryNotifier(fault)
        self.directory = InMemoryWorkerDirectory()
        schema = {"properties": {"day": {"type": "integer"}}}
        kind = Kind(kind="report", parameters=schema, published_at=datetime(2026, 1, 1, tzinfo=UTC))
        self.directory.known_kinds[kind.kind] = kind
        # One for all: it compiles schemas in a thread, which would come back at any moment.
        self.kinds = KnownKinds(self.directory, self.clock)
        self.noted = Noted()

    def store(self) -> ScheduleStore:
        return ScheduleStore(self.table, self.clock)

    def firings(self) -> Firings:
        submitter = Submitter(self.register, JobWriter(self.journal, self.notifier, self.clock))
        submissions = SubmissionService(submitter, self.kinds)

        async def submit(firing: FiringRow) -> Acceptance:
            return await submissions.accept(firing.asked, firing.actor, "")

        return Firings(self.store(), submit)

    def people(self) -> ScheduleService:
        return ScheduleService(self.store(), self.firings(), self.kinds)

    def scheduler(self, **pace: float) -> DueSchedules:
        """Return a scheduler that takes over firings of others at once, unless the pace says otherwise."""
        return DueSchedules(self.store(), self.firings(), self.noted, DuePace(**{"patience": 0.0, **pace}))

    async def put(self, name: str = "nightly", **fields: Any) -> ScheduleRow:
        row, _ = await self.people().put(name, definition(**fields), "ada")
        return row

    async def row(self, name: str = "nightly") -> ScheduleRow:
        return await self.people().get(name)

    async def trail(self, name: str = "nightly") -> list[ScheduleEventRow]:
        return await self.people().events(name, 100)

    def jobs(self) -> list[JobRow]:
        """Return all jobs, by submission."""
        rows = (row for partition in self.journal.partitions.values() for row in partition.values())
        return [JobRow.from_row(row) for row in rows if row.key.startswith("job|")]

    def keys(self, beginning: str) -> list[str]:
        """Return the keys of the schedules' table that begin so."""
        return sorted(key for key in self.table.partitions.get(PARTITION, {}) if key.startswith(beginning))

    def is_whole(self, name: str, row: ScheduleRow | None) -> bool:
        """Return whether the agenda has a schedule's next due time, and no other."""
        waiting = [key for key in self.keys("agenda|waiting|") if key.endswith(f"|{name}")]
        next_due = row.next_due if row is not None else ""
        return waiting == ([f"agenda|waiting|{next_due}|{name}"] if next_due else [])
