"""How callers that do not hold a job's lock change it: read, build a change, commit it once, announce it."""

from collections.abc import Callable
from dataclasses import dataclass

from contracts.statuses import JobStatus
from coordination.journal import events, rows
from coordination.journal.events import Writer
from coordination.journal.persistence import commit_until, is_own, until_known
from coordination.journal.rows import EventRow, JobRow
from coordination.ports import (
    ActiveJob,
    Clock,
    CoordinationError,
    Journal,
    NewId,
    Notifier,
    RefusedError,
    Registration,
    Row,
    Transaction,
    UnknownOutcomeError,
    random_id,
)


class NoSuchJobError(CoordinationError):
    """The job does not exist."""


class JobRemovedError(NoSuchJobError):
    """The job has ended and was removed; its id stays in use."""

    def __init__(self, *, has_trail: bool = False) -> None:
        super().__init__()
        #: Whether its audit trail stands.
        self.has_trail = has_trail


def existing_job(row: Row | None) -> JobRow:
    """Return the job that a row holds. Raises NoSuchJobError or JobRemovedError."""
    job = JobRow.existing(row)
    if job is not None:
        return job
    if row is None or not JobRow.from_row(row).is_removed:
        raise NoSuchJobError
    raise JobRemovedError(has_trail=bool(row.values.get("has_trail")))


@dataclass(frozen=True)
class FoundJob:
    """A job as it was read, with the version of its row, and its ticket while it waits."""

    job: JobRow
    etag: str
    ticket: Row | None


@dataclass(frozen=True)
class Change:
    """A job as it will be, the event that records it, and the transaction that writes both."""

    job: JobRow
    event: EventRow
    transaction: Transaction


@dataclass(frozen=True)
class Recorded:
    """A job after a request, and whether this request recorded what was asked or an earlier one had."""

    job: JobRow
    is_new: bool


#: Builds the change of a job; None when nothing is to be changed. What it raises ends the attempt.
BuildChange = Callable[[FoundJob, Writer], Change | None]


@dataclass(frozen=True)
class JobWriter:
    """Writes to jobs for callers. Its changes compete with those of the holder; the first one counts.

    Args:
        journal: Where jobs are.
        notifier: Publishes the recorded events.
        clock: Time of this process.
        call_timeout: Seconds for one storage call.
        patience: Seconds for a whole change.
        new_id: Where the marks of transactions come from.
    """

    journal: Journal
    notifier: Notifier
    clock: Clock
    call_timeout: float = 2.0
    patience: float = 8.0
    new_id: NewId = random_id

    async def change(self, registration: Registration | ActiveJob, actor: str, build: BuildChange) -> JobRow:
        """Change a job, building the change again as often as another writer was first.

        Returns the job as it is then. Raises NoSuchJobError, UnknownOutcomeError and what `build` raises.
        """
        until = self.clock.boot() + self.patience
        while self.clock.boot() < until:
            found = await self._find(registration, until)
            if found is None:
                continue
            writer = Writer(actor, op_id=self.new_id().hex, at=events.timestamp(self.clock.now()))
            change = build(found, writer)
            if change is None:
                return found.job
            if await self.commit(registration.partition, change, until):
                return change.job
        raise UnknownOutcomeError

    async def look(self, registration: Registration) -> JobRow:
        """Read a job. Raises NoSuchJobError, JobRemovedError or UnknownOutcomeError."""
        until = self.clock.boot() + self.patience
        return existing_job(
            await self._read(registration.partition, rows.job_key(registration.job_id), until)
        )

    async def commit(self, partition: str, change: Change, until: float) -> bool:
        """Carry out a change and announce its event; return whether it is in the journal.

        It is not when another writer was first. Raises UnknownOutcomeError once the boot clock has passed
        `until`, and InvalidTransactionError.
        """
        transaction, event = change.transaction, change.event
        try:
            await commit_until(self.journal, self.clock, partition, transaction, self.call_timeout, until)
        except RefusedError:
            key = rows.event_key(event.job_id, event.seq)
            if not await is_own(self.journal, self.clock, partition, key, transaction.op_id, until):
                return False
        self.notifier.announce(events.announcements([event], {event.job_id: change.job}))
        return True

    async def _find(self, registration: Registration | ActiveJob, until: float) -> FoundJob | None:
        """Read a job and its ticket; None when it left its line between the two reads."""
        row = await self._read(registration.partition, rows.job_key(registration.job_id), until)
        job = existing_job(row)
        if row is None:
            raise NoSuchJobError
        if job.status != JobStatus.QUEUED:
            return FoundJob(job, row.etag, None)
        ticket = await self._read(registration.partition, job.waits_at, until)
        return FoundJob(job, row.etag, ticket) if ticket is not None else None

    async def _read(self, partition: str, key: str, until: float) -> Row | None:
        return await until_known(self.clock, lambda: self.journal.read(partition, key), until)
