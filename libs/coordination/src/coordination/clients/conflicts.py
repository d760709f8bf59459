"""What a submission does about the other jobs of its lock, where it does not simply wait behind them.

Such a submission reads the lock's line, decides, and writes its decision and its job in one transaction. All
of them write one row, the guard, at the version read before the line, so of two at the same time one decides
again. A start, an end or a cancellation in between changes a row that the transaction names. A submission
that waits in line like most is not held up by this, and one that arrives in that moment is not seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from contracts.policies import OnConflict
from contracts.statuses import JobStatus
from coordination.clients.cancellation import cancellation_requested, cancelled_waiting
from coordination.clients.job_writer import Change
from coordination.journal import events, rows
from coordination.journal.events import Writer
from coordination.journal.limits import read_slots
from coordination.journal.rows import EventRow, JobRow, LockRow
from coordination.ports import (
    CoordinationError,
    Delete,
    GuardedUpdate,
    Insert,
    Journal,
    Operation,
    Row,
    Transaction,
    Update,
)
from coordination.slot import Slot

#: Most waiting jobs that one submission replaces: they go in its transaction, which has 100 rows at most.
MOST_REPLACED = 30


class LockBusyError(CoordinationError):
    """A job of the lock waits or runs, and the submission is to be refused then."""

    def __init__(self, job: JobRow) -> None:
        super().__init__(f"lock {job.lock_name!r} is busy: job {job.job_id} is {job.status}")
        self.job = job


class TooManyWaitingError(CoordinationError):
    """More jobs wait than one submission can replace."""

    def __init__(self, lock_name: str) -> None:
        super().__init__(
            f"more than {MOST_REPLACED} jobs of lock {lock_name!r} wait, and a submission replaces no more; "
            "cancel some of them first"
        )


class AlreadyThereError(CoordinationError):
    """A job of the lock waits or runs, and the submission is to add nothing then."""

    def __init__(self, job: JobRow) -> None:
        super().__init__(f"job {job.job_id} of lock {job.lock_name!r} is there already: {job.status}")
        self.job = job


@dataclass(frozen=True)
class Occupants:
    """The jobs of a lock that wait or run, and the versions that a decision about them depends on."""

    guard: Row | None
    #: The jobs that run: that of slot 0 first.
    running: Sequence[Row]
    #: Tickets of jobs that may be started, next first; one more than can be replaced at most.
    waiting: Sequence[Row]

    @property
    def first(self) -> JobRow | None:
        """The first job that runs, or else the one that is next."""
        row = next(iter([*self.running, *self.waiting]), None)
        return None if row is None else JobRow.from_row(row)


@dataclass(frozen=True)
class Replacement:
    """What a submission does to other jobs: more of its transaction, and what that records."""

    operations: list[Operation] = field(default_factory=list)
    #: The jobs as they are then, each with its event.
    changed: list[tuple[JobRow, EventRow]] = field(default_factory=list)

    def joined_to(self, change: Change) -> Change:
        """Return the submission with this in its transaction."""
        operations = [*change.transaction.operations, *self.operations]
        return replace(change, transaction=Transaction(change.transaction.op_id, operations))


async def read_occupants(journal: Journal, slot: Slot, at: str) -> Occupants | None:
    """Read the jobs that wait or run at a time; None when a job was started or ended during the reading.

    Raises UnknownOutcomeError.
    """
    # Before the line: what is submitted by a decision after this makes the write be refused.
    guard = await journal.read(slot.partition, rows.SUBMISSION_GUARD)
    found = await journal.read_range(slot.partition, rows.LINE, limit=2 + MOST_REPLACED)
    lock = found[0] if found and found[0].key == slot.lock_key else None
    waiting = [row for row in found if row.key.startswith(rows.TICKETS)]
    holders = [] if lock is None else [LockRow.from_row(lock)]
    if holders and holders[0].next_due:
        waiting += await journal.read_range(slot.partition, rows.DUE, limit=1 + MOST_REPLACED)
    if holders and holders[0].limit_number is not None:
        holders += [each.lock for each in await read_slots(journal, slot.lock_name)]
        # A job that was cut off while the slots were read is back in line. If it is to be tried again, and
        # stands outside the line, the row of slot 0 has changed (rule S8 of spec/slots.pml).
        again = await journal.read_range(slot.partition, rows.LINE, limit=2 + MOST_REPLACED)
        if [(row.key, row.etag) for row in again] != [(row.key, row.etag) for row in found]:
            return None
    running: list[Row] = []
    for holder in holders:
        if holder.job_id:
            row = await journal.read(slot.partition, rows.job_key(holder.job_id))
            job = JobRow.existing(row)
            if row is None or job is None or job.status != JobStatus.RUNNING or job.fence != holder.fence:
                return None
            running.append(row)
    if lock is None or not holders[0].job_id:
        # A job that was started while the rows were read has no ticket any more, and was not in the lock row.
        now = await journal.read(slot.partition, slot.lock_key)
        if (now and now.etag) != (lock and lock.etag):
            return None
    return Occupants(guard, running, [row for row in waiting if not rows.has_expired(row.values, at)])


def decide(policy: OnConflict, found: Occupants, job: JobRow, writer: Writer) -> Replacement:
    """Return what the submission of a job does to the other jobs of its lock.

    Raises LockBusyError, AlreadyThereError or TooManyWaitingError.
    """
    made = Replacement()
    values = {"job_id": job.job_id, "op_id": writer.op_id}
    made.operations.append(
        Insert(rows.SUBMISSION_GUARD, values)
        if found.guard is None
        else Update(rows.SUBMISSION_GUARD, values, found.guard.etag)
    )
    other = found.first
    if other is None or policy == "queue":
        return made
    if policy == "reject":
        raise LockBusyError(other)
    if policy == "skip":
        raise AlreadyThereError(other)
    if len(found.waiting) > MOST_REPLACED:
        raise TooManyWaitingError(job.lock_name)
    for ticket in found.waiting:
        _replace(made, ticket, job, writer)
    if policy == "cancel-running":
        for row in found.running:
            _ask_to_stop(made, row, job, writer)
    return made


def _reason(job: JobRow) -> tuple[str, dict[str, str]]:
    reason = f"replaced by job {job.job_id}"
    return reason, {**events.reason_data(reason), "replaced_by": job.job_id}


def _replace(made: Replacement, ticket: Row, job: JobRow, writer: Writer) -> None:
    waiting = JobRow.from_row(ticket)
    ended, event = cancelled_waiting(waiting, writer, *_reason(job))
    # Rule R20 (spec/turnstile.pml): a waiting job's rows change together; the ticket vouches for the other.
    made.operations.extend(
        [
            GuardedUpdate(rows.job_key(waiting.job_id), ended.changes(waiting), ticket.key),
            Delete(ticket.key, ticket.etag),
            events.insert(event),
        ]
    )
    made.changed.append((ended, event))


def _ask_to_stop(made: Replacement, row: Row, job: JobRow, writer: Writer) -> None:
    running = JobRow.from_row(row)
    if running.cancel_requested:
        return
    asked, event = cancellation_requested(running, writer, *_reason(job))
    made.operations.extend([Update(row.key, asked.changes(running), row.etag), events.insert(event)])
    made.changed.append((asked, event))
