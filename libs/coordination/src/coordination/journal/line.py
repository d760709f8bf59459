"""The line of a lock: its lock row and the tickets of the jobs that wait, first things first."""

import math
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from coordination.journal import rows
from coordination.journal.rows import JobRow, LockRow
from coordination.ports import CoordinationError, Journal, Row
from coordination.slot import Slot

#: Rows read at a time.
_CHUNK = 500

#: Whether a worker may start a job.
MayStart = Callable[[JobRow], bool]


class WrongLockError(CoordinationError):
    """The lock row belongs to a lock of another name, or to a newer protocol."""


@dataclass(frozen=True)
class Outside:
    """What the row of slot 0 says of tickets outside the line, which others may pass until they are due."""

    #: None of them is due before; None or empty while there is none.
    next_due: str | None = None
    #: Rises with each ticket that is put there.
    number: int | None = None

    def may_be_due(self, at: str) -> bool:
        """Return whether one of them may be due at a time, as the journal writes it."""
        return bool(self.next_due) and str(self.next_due) <= at

    @classmethod
    def said_by(cls, first: LockRow) -> "Outside":
        """Return what the row of slot 0 says."""
        return cls(first.next_due, first.next_number)


@dataclass(frozen=True)
class Line:
    """What a take-over must see.

    It need not be a snapshot: every write that follows from it is conditional on the versions read.
    """

    slot: Slot
    lock: LockRow
    #: Version of the lock row; None when the lock was never used.
    lock_etag: str | None
    #: Those of jobs that may be started, by place.
    tickets: Sequence[Row]
    #: Number of tickets that were read of jobs that have expired; the sweeper ends them.
    expired: int = 0
    #: How many slots of the lock are worth a look: 1 if no limit was ever set, else at least 2, as a slot
    #: above the limit may have a run that was cut off.
    slots: int = 1
    #: How many slots the lock has.
    limit: int = 1
    #: Whether there may be tickets behind those that were read.
    has_more: bool = False
    #: Those of jobs that wait for their next attempt and hold their places.
    held: Sequence[Row] = ()
    outside: Outside = Outside()
    #: In slot 0: the earliest due time of the tickets outside the line, empty when there is none; None when
    #: they were not read.
    next_due: str | None = None
    #: When there may be more to start outside the line, as far as is known.
    later: str | None = None

    @property
    def first(self) -> JobRow | None:
        """The job whose turn it is among those that wait."""
        return JobRow.from_row(self.tickets[0]) if self.tickets else None

    def at(self, at: str) -> "Line":
        """Return the line without the jobs that may not be started at a time, as the journal writes it.

        Those are the jobs that have expired, those that are not due and hold their places, and those behind
        as many of these as the lock has slots.
        """
        if not self.held and all(_may_start_at(row, at) for row in self.tickets):
            return self
        read = sorted([*self.tickets, *self.held], key=rows.place_of)
        left = [row for row in read if not rows.has_expired(row.values, at)]
        held = tuple(row for row in left if not rows.is_due(row.values, at))
        # Rule R28 (spec/turnstile.pml): no job passes one that holds its place until it is due.
        end = rows.place_of(held[self.limit - 1]) if len(held) >= self.limit else None
        tickets = tuple(
            row for row in left if rows.is_due(row.values, at) and (end is None or rows.place_of(row) < end)
        )
        return replace(self, tickets=tickets, held=held, expired=self.expired + len(read) - len(left))

    @property
    def changes_at(self) -> str | None:
        """When there may be more to start, as far as is known; None when that does not depend on the time."""
        times = [self.later, *(str(row.values["due_at"]) for row in self.held)]
        return min(filter(None, times), default=None)

    def seconds_until_change(self, now: datetime) -> float:
        """Return after how many seconds there may be more to start; infinity when no time changes that."""
        if self.changes_at is None:
            return math.inf
        return max(0.0, (datetime.fromisoformat(self.changes_at) - now).total_seconds())

    @property
    def has_work(self) -> bool:
        """Whether some worker may start a job here, or must end a run that was cut off."""
        return bool(self.lock.job_id) or self.startable(_by_some_worker) is not None

    def startable(self, may_start: MayStart, cut_off: JobRow | None = None) -> JobRow | None:
        """Return the job that is to be started now; None when there is none.

        The turn is that of the first job in line, or of `cut_off`, a job that goes back into the line, where
        that one comes first. No job overtakes the one whose turn it is: when `may_start` says no to it,
        nothing is started, and nothing ever in a slot that is closed.
        """
        # Rules S3 and S5 (spec/slots.pml): a start needs the row of its slot, open, at the version read.
        if self.lock.is_closed:
            return None
        turn = self.first
        if cut_off is not None and (turn is None or cut_off.ticket_key < turn.ticket_key):
            turn = cut_off
        if turn is None or not self._has_slot_for(turn, self.slot.number):
            return None
        return turn if may_start(turn) else None

    def has_room_in(self, slot: Slot) -> bool:
        """Return whether the job whose turn it is may be started in a slot, if that is open and free."""
        return self.first is not None and self._has_slot_for(self.first, slot.number)

    def _has_slot_for(self, job: JobRow, number: int) -> bool:
        # Rule R28 with several slots: each job that holds its place takes one slot from those behind it, the
        # last one first, so that slot 0 may start what any slot may.
        held = sum(rows.place_of(row) < job.ticket_key for row in self.held)
        return not held or number < self.limit - held


async def read_line(journal: Journal, slot: Slot, tickets: int = 1) -> Line:
    """Read the row of a lock's slot and the lock's first tickets.

    Raises UnknownOutcomeError, and WrongLockError when the partition holds another lock's row or one that a
    newer version of the protocol wrote.
    """
    return await read_tickets(journal, slot, await read_own_row(journal, slot), tickets)


async def read_own_row(journal: Journal, slot: Slot) -> Row | None:
    """Read the row of a slot, except that of slot 0, which comes with the tickets."""
    return await journal.read(slot.partition, slot.lock_key) if slot.number else None


async def read_tickets(journal: Journal, slot: Slot, own: Row | None, tickets: int) -> Line:
    """Read what `read_line` does of a slot whose own row has been read."""
    # Rule R2 (spec/turnstile.pml): the line is read row by row, not as a snapshot; writes are conditional.
    found = await journal.read_range(slot.partition, rows.LINE, limit=1 + tickets)
    head = found[0] if found and found[0].key == rows.lock_key() else None
    waiting = tuple(found[1:] if head is not None else found[:tickets])
    row = own if slot.number else head
    first = LockRow(slot.lock_name) if head is None else LockRow.from_row(head)
    # Rule S3 (spec/slots.pml): only slot 0 is open before it has a row.
    never = LockRow(slot.lock_name, is_closed=bool(slot.number) or None)
    lock = never if row is None else LockRow.from_row(row)
    check_lock(slot.lock_name, lock)
    return Line(
        slot,
        lock,
        None if row is None else row.etag,
        waiting,
        slots=1 if first.limit is None else max(first.limit, 2),
        limit=first.limit or 1,
        has_more=len(waiting) >= tickets,
        outside=Outside.said_by(first),
    )


def check_lock(lock_name: str, lock: LockRow) -> None:
    """Raise WrongLockError when a lock row belongs to another lock, or to a newer protocol."""
    if lock.lock_name != lock_name:
        raise WrongLockError(f"the row of lock {lock_name!r} is in use by lock {lock.lock_name!r}")
    if lock.protocol > rows.PROTOCOL:
        raise WrongLockError(f"lock {lock_name!r} needs protocol {lock.protocol}: upgrade this worker")


async def walk_line(journal: Journal, slot: Slot) -> AsyncIterator[Row]:
    """Go through the lock rows and then all tickets of a lock, in order; rows may change between two reads.

    Raises UnknownOutcomeError.
    """
    after = ""
    while True:
        found = await journal.read_range(slot.partition, rows.LINE, _CHUNK, after)
        for row in found:
            yield row
        if len(found) < _CHUNK:
            return
        after = found[-1].key


def _by_some_worker(_: JobRow) -> bool:
    return True


def _may_start_at(ticket: Row, at: str) -> bool:
    return rows.is_due(ticket.values, at) and not rows.has_expired(ticket.values, at)
