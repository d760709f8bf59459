"""The line of a lock: its lock row and the tickets of the jobs that wait, first things first."""

import math
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from coordination.journal import rows
from coordination.journal.events import timestamp
from coordination.journal.persistence import until_known
from coordination.journal.rows import JobRow, LockRow
from coordination.ports import Clock, CoordinationError, Journal, Row
from coordination.slot import Slot

#: Rows read at a time.
_CHUNK = 500

#: Tickets outside the line that are read at a time, those first that were due first.
_MOST_DUE = 64

#: Whether a worker may start a job.
MayStart = Callable[[JobRow], bool]


class WrongLockError(CoordinationError):
    """The lock row belongs to a lock of another name, or to a newer protocol."""


@dataclass(frozen=True)
class Line:
    """What a take-over must see, read in one range query.

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
    #: The earliest due time of the tickets outside the line, empty when there is none; None when they were
    #: not read, as the lock row says that none is due.
    next_due: str | None = None
    #: A job that waits for its next attempt and holds its place: no job behind it is started.
    holding: JobRow | None = None
    #: When there may be more to start, as far as is known; None when that does not depend on the time.
    changes_at: str | None = None

    @property
    def first(self) -> JobRow | None:
        """The job whose turn it is among those that wait."""
        return JobRow.from_row(self.tickets[0]) if self.tickets else None

    def at(self, at: str) -> "Line":
        """Return the line without the jobs that may not be started at a time, as the journal writes it.

        Those are the jobs that have expired, and those behind one that is not due yet and holds its place.
        """
        left = tuple(row for row in self.tickets if not rows.has_expired(row.values, at))
        expired = len(self.tickets) - len(left)
        line = replace(self, tickets=left, expired=self.expired + expired) if expired else self
        # Rule R28 (spec/turnstile.pml): no job passes one that holds its place until it is due.
        for number, row in enumerate(left):
            if not rows.is_due(row.values, at):
                held = JobRow.from_row(row)
                changes_at = min(filter(None, [line.changes_at, held.due_at]))
                return replace(line, tickets=left[:number], holding=held, changes_at=changes_at)
        return line

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
        nothing is started.
        """
        turn = self.first
        if cut_off is not None and (turn is None or cut_off.ticket_key < turn.ticket_key):
            turn = cut_off
        if turn is None or (self.holding is not None and self.holding.ticket_key < turn.ticket_key):
            return None
        return turn if may_start(turn) else None


async def read_line(journal: Journal, slot: Slot, tickets: int = 1) -> Line:
    """Read the row of a lock's slot and the lock's first tickets.

    Raises UnknownOutcomeError, and WrongLockError when the partition holds another lock's row or one that a
    newer version of the protocol wrote.
    """
    # Rule R2 (spec/turnstile.pml): the line is read row by row, not as a snapshot; writes are conditional.
    found = await journal.read_range(slot.partition, rows.LINE, limit=1 + tickets)
    if not found or found[0].key != slot.lock_key:
        return Line(slot, LockRow(slot.lock_name), None, tuple(found[:tickets]))
    lock = LockRow.from_row(found[0])
    if lock.lock_name != slot.lock_name:
        raise WrongLockError(f"the row of lock {slot.lock_name!r} is in use by lock {lock.lock_name!r}")
    if lock.protocol > rows.PROTOCOL:
        raise WrongLockError(f"lock {slot.lock_name!r} needs protocol {lock.protocol}: upgrade this worker")
    return Line(slot, lock, found[0].etag, tuple(found[1:]))


async def read_line_at(journal: Journal, slot: Slot, at: str, tickets: int = 1) -> Line:
    """Read a lock's row and its first tickets, those of jobs that may be started at a time.

    Among them are those that the jobs in line could pass until they were due. To read them costs a request
    only when the lock row says that one may be due; what came into the line during that request is not seen.
    Raises what `read_line` does.
    """
    line = await read_line(journal, slot, tickets)
    next_due = line.lock.next_due
    if not next_due:
        return line.at(at)
    if next_due > at:
        return replace(line, changes_at=next_due).at(at)
    found = await journal.read_range(slot.partition, rows.DUE, _MOST_DUE)
    due = [row for row in found if rows.is_due(row.values, at)]
    later = found[len(due)].values["due_at"] if len(found) > len(due) else None
    line = replace(
        line,
        tickets=tuple(sorted([*line.tickets, *due], key=rows.place_of)),
        next_due=str(found[0].values["due_at"]) if found else "",
        changes_at=None if later is None else str(later),
    )
    return line.at(at)


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


async def read_line_until(journal: Journal, clock: Clock, slot: Slot, until: float) -> Line:
    """Read the row of a lock's slot and its first ticket, repeatedly while the journal is silent.

    The ticket of a job that may not be started now is left out.

    Raises UnknownOutcomeError once the boot clock has passed `until`, and WrongLockError.
    """
    return await until_known(clock, lambda: read_line_at(journal, slot, timestamp(clock.now())), until)


def _by_some_worker(_: JobRow) -> bool:
    return True
