"""The line of a lock: its lock row and the tickets of the jobs that wait, first things first."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace

from coordination.journal import rows
from coordination.journal.events import timestamp
from coordination.journal.persistence import until_known
from coordination.journal.rows import JobRow, LockRow
from coordination.ports import Clock, CoordinationError, Journal, Row
from coordination.slot import Slot

#: Rows read at a time.
_CHUNK = 500

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
    #: Those of jobs that may be started.
    tickets: Sequence[Row]
    #: Number of tickets that were read of jobs that have expired; the sweeper ends them.
    expired: int = 0
    #: How many slots of the lock are worth a look: 1 if no limit was ever set, else at least 2, as a slot
    #: above the limit may have a run that was cut off.
    slots: int = 1

    @property
    def first(self) -> JobRow | None:
        """The job whose turn it is among those that wait."""
        return JobRow.from_row(self.tickets[0]) if self.tickets else None

    def at(self, at: str) -> "Line":
        """Return the line without the jobs that have expired at a time, as the journal writes it."""
        left = tuple(row for row in self.tickets if not rows.has_expired(row.values, at))
        expired = len(self.tickets) - len(left)
        return replace(self, tickets=left, expired=self.expired + expired) if expired else self

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
        return turn if turn is not None and may_start(turn) else None


async def read_line(journal: Journal, slot: Slot, tickets: int = 1) -> Line:
    """Read the row of a lock's slot and the lock's first tickets.

    Raises UnknownOutcomeError, and WrongLockError when the partition holds another lock's row or one that a
    newer version of the protocol wrote.
    """
    # Rule R2 (spec/turnstile.pml): the line is read row by row, not as a snapshot; writes are conditional.
    own = await journal.read(slot.partition, slot.lock_key) if slot.number else None
    found = await journal.read_range(slot.partition, rows.LINE, limit=1 + tickets)
    first = found[0] if found and found[0].key == rows.lock_key() else None
    waiting = tuple(found[1:] if first is not None else found[:tickets])
    row = own if slot.number else first
    limit = None if first is None else LockRow.from_row(first).limit
    slots = 1 if limit is None else max(limit, 2)
    if row is None:
        # Rule S3 (spec/slots.pml): only slot 0 is open before it has a row.
        never = LockRow(slot.lock_name, is_closed=bool(slot.number) or None)
        return Line(slot, never, None, waiting, slots=slots)
    lock = LockRow.from_row(row)
    check_lock(slot.lock_name, lock)
    return Line(slot, lock, row.etag, waiting, slots=slots)


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


async def read_line_until(journal: Journal, clock: Clock, slot: Slot, until: float) -> Line:
    """Read the row of a lock's slot and its first ticket, repeatedly while the journal is silent.

    The ticket of a job that has expired is left out.

    Raises UnknownOutcomeError once the boot clock has passed `until`, and WrongLockError.
    """
    line = await until_known(clock, lambda: read_line(journal, slot), until)
    return line.at(timestamp(clock.now()))


def _by_some_worker(_: JobRow) -> bool:
    return True
