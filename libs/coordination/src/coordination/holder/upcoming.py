"""Which job a holder starts next: it knows the first tickets of its line, and reads them again in time.

The end of a run and the start of the next are one transaction, which names the ticket of the next. To read
the line before each would double what a short run costs. So the holder keeps what it has read for a short
while: tickets behind those that it knows do not matter yet, one that is gone or has changed makes the
transaction be refused, and a more urgent one is passed over for as long as `BELIEVED_SECONDS` at most.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from coordination.journal import rows
from coordination.journal.events import timestamp
from coordination.journal.line import Line, MayStart, Outside
from coordination.journal.rows import LockRow
from coordination.ports import Clock, Row

#: Seconds after which a line is read again before a job is started from it. A job is passed over by less
#: urgent ones only if they are started within this time after it was submitted.
BELIEVED_SECONDS = 0.5

#: Seconds between two readings for wake-ups, which come with every submission.
HINT_SECONDS = 0.1

#: Tickets read at a time: the next one and some more, as many as are started until the line is read again.
FEWEST, MOST = 4, 64

#: Reads the lock row and so many tickets of jobs that may be started now. Raises UnknownOutcomeError or
#: WrongLockError.
ReadLine = Callable[[int], Awaitable[Line]]


class Upcoming:
    """The jobs that a holder starts next, as it knows them."""

    def __init__(self, read: ReadLine, clock: Clock) -> None:
        self._read = read
        self._clock = clock
        self._line: Line | None = None
        self._read_at = 0.0
        self._size = FEWEST
        #: Whether there may be tickets behind those that were read.
        self._has_more = False
        #: Whether the line may have grown since it was read last.
        self.hinted = False

    async def look(self) -> Line:
        """Read the line. Raises UnknownOutcomeError or WrongLockError."""
        # Before the reading: what comes in the meantime may not be in it.
        self.hinted = False
        read_at = self._clock.boot()
        self._line = line = await self._read(self._size)
        self._read_at = read_at
        self._has_more = line.has_more
        return line

    async def next(self, accepts: MayStart) -> Row | None:
        """Return the ticket of the job to start in the ending transaction; None when no job is to be started.

        An empty line is believed until something hints at work: looking once more after the release finds
        what came in the meantime, and saves a lone job a query. Raises UnknownOutcomeError or WrongLockError.
        """
        line = self._line = self._line.at(timestamp(self._clock.now())) if self._line is not None else None
        if line is not None and not line.tickets and not self.hinted and not self._has_more:
            return None
        if line is None or not self._is_believed(line) or line.startable(accepts) is None:
            line = await self._look_again()
        return line.tickets[0] if line.startable(accepts) is not None else None

    def next_due(self, lock: LockRow) -> str | None:
        """Return the earliest due time of a ticket outside the line, empty when there is none.

        None when it was not read since the last doubt, or not since the lock row of slot 0 has become as it
        is now.
        """
        line = self._line
        return line.next_due if line is not None and line.outside == Outside.said_by(lock) else None

    def started(self, ticket_key: str) -> None:
        """Take a job that was started off the line."""
        if self._line is not None:
            left = (row for row in self._line.tickets if rows.place_of(row) != ticket_key)
            self._line = replace(self._line, tickets=tuple(left))

    def doubt(self) -> None:
        """Read the line again before the next start, as a transaction was refused."""
        self._line = None

    def _is_believed(self, line: Line) -> bool:
        # Rule R8 (spec/turnstile.pml): a ticket that was read before may be started, if it is unchanged.
        age = self._clock.boot() - self._read_at
        return bool(line.tickets) and age < (HINT_SECONDS if self.hinted else BELIEVED_SECONDS)

    async def _look_again(self) -> Line:
        """Read the line with more tickets if those read last were used up, with fewer if most were not."""
        left = len(self._line.tickets) if self._line is not None else 0
        if self._has_more and not left:
            self._size = min(self._size * 2, MOST)
        elif left > self._size // 2:
            self._size = max(self._size // 2, FEWEST)
        return await self.look()
