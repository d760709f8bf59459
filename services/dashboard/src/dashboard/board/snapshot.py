"""What the board knows at a moment; pages only draw it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from contracts.jobs import Event, Instance, JobSummary, Worker
from coordination.journal.rows import JobRow, LockRow
from dashboard.board.statistics import Statistics
from read_models.documents import Overlap

#: Seconds between two looks at the processes, and how long what was heard of them counts.
HEARD_EVERY, HEARD_FOR = timedelta(seconds=10), timedelta(seconds=25)


@dataclass(frozen=True)
class SlotState:
    """A slot of a lock: who holds it, and what runs in it."""

    number: int
    row: LockRow
    #: The job that runs, with its progress; None when none does, or when it was not read yet.
    running: JobRow | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a job runs in it."""
        return bool(self.row.job_id)

    @property
    def is_open(self) -> bool:
        """Whether jobs may be started in it: not above the limit of now."""
        return not self.row.is_closed


@dataclass(frozen=True)
class LockState:
    """A lock: who holds it, what runs, and who waits."""

    name: str
    #: Of slot 0, which every lock has.
    row: LockRow
    running: JobRow | None = None
    #: The first jobs in line.
    line: Sequence[JobRow] = ()
    #: How many wait.
    waiting: int = 0
    #: The other slots, also those that are closed; none where no limit was ever set.
    others: Sequence[SlotState] = ()

    @property
    def slots(self) -> list[SlotState]:
        """Return all slots by number."""
        return [SlotState(0, self.row, self.running), *self.others]

    @property
    def shown_slots(self) -> list[SlotState]:
        """Return the slots that are open, and those in which a job still runs."""
        return [slot for slot in self.slots if slot.is_open or slot.is_busy]

    @property
    def held(self) -> list[SlotState]:
        """Return the slots in which a job runs."""
        return [slot for slot in self.slots if slot.is_busy]

    @property
    def limit(self) -> int:
        """How many jobs may run at the same time."""
        return self.row.limit or 1

    @property
    def is_busy(self) -> bool:
        """Whether a job runs."""
        return bool(self.held)

    @property
    def slots_text(self) -> str:
        """How many of its slots are held, in words; after the limit was lowered it may be more than that."""
        held = len(self.held)
        if held > self.limit:
            return f"{held:,} slots held, limit {self.limit:,}"
        return f"{held:,} of {self.limit:,} slot{'s' if self.limit > 1 else ''} held"

    @property
    def last_fence(self) -> int:
        """The highest fence of all slots; 0 when no job has run."""
        return max(slot.row.fence for slot in self.slots)

    @property
    def began_at(self) -> str:
        """When the run began that runs longest; of a free lock, its latest one."""
        return min((slot.row.started_at for slot in self.held), default=self.row.started_at)

    @property
    def freed_at(self) -> str:
        """When a slot became free last."""
        return max(slot.row.freed_at for slot in self.slots)

    @property
    def oldest_wait(self) -> datetime | None:
        """Since when the job waits that waits longest, among the first in line."""
        times = [moment(job.queued_at or job.submitted_at) for job in self.line]
        return min((time for time in times if time is not None), default=None)


@dataclass(frozen=True)
class Trouble:
    """The storage does not answer."""

    since: datetime
    error: str


@dataclass(frozen=True)
class Snapshot:
    """What the board knows at a moment."""

    #: None before the first read.
    read_at: datetime | None = None
    #: The locks that are busy or have jobs in line, and those used last, by name.
    locks: Mapping[str, LockState] = field(default_factory=dict)
    #: The latest events, newest first.
    events: Sequence[Event] = ()
    #: Names (or kinds) of jobs in these events.
    names: Mapping[str, str] = field(default_factory=dict)
    workers: Sequence[Worker] = ()
    #: Schedulers and audit-projectors.
    instances: Sequence[Instance] = ()
    #: When these processes were read.
    heard_at: datetime | None = None
    #: Jobs that failed or timed out in the last 24 hours, newest first, at most one page of them.
    failed: Sequence[JobSummary] = ()
    #: Whether there are more of them.
    more_failed: bool = False
    statistics: Statistics = field(default_factory=Statistics)
    #: Runs that were found to overlap others, of any time; at most a few are listed.
    overlaps: Sequence[Overlap] = ()
    #: Whether any job was ever submitted.
    is_used: bool = True
    trouble: Trouble | None = None

    @property
    def busy(self) -> list[LockState]:
        """Return the locks under which a job runs."""
        return [lock for lock in self.locks.values() if lock.is_busy]

    @property
    def held(self) -> list[SlotState]:
        """Return the slots of all locks in which a job runs."""
        return [slot for lock in self.locks.values() for slot in lock.held]

    @property
    def waiting(self) -> int:
        """How many jobs wait, in all."""
        return sum(lock.waiting for lock in self.locks.values())

    @property
    def oldest_wait(self) -> datetime | None:
        """Since when the job waits that waits longest."""
        times = (lock.oldest_wait for lock in self.locks.values())
        return min((time for time in times if time is not None), default=None)

    def judged_at(self, now: datetime) -> datetime:
        """Return by which moment the processes are alive or silent: now, unless they were not read in time.

        While the board rested, or got no answer, the silence was its own.
        """
        return now if self.heard_at is None else min(now, self.heard_at + HEARD_EVERY)

    def heard(self, now: datetime) -> Mapping[str, Worker]:
        """Return the workers by name; none once what was heard of them is too old to tell of their leases."""
        if self.heard_at is not None and now - self.heard_at > HEARD_FOR:
            return {}
        return {worker.worker: worker for worker in self.workers}


def moment(text: str) -> datetime | None:
    """Read a moment of the journal; an empty text is none."""
    return datetime.fromisoformat(text) if text else None
