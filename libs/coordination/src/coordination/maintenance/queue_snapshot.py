"""Read-only snapshot of all queues and running jobs, for metrics.

It decides nothing. A snapshot costs one range query for each active lock, of at most `PLACES` tickets,
sixteen at a time and at most `MOST_LOCKS` of them; one more for each lock with several slots, which it notes
for the sweeper; two more where next attempts are due; and one row for each of the `SHOWN` longest runs. It
remembers nothing of any job: whether a waiting job is to be looked at follows from how long it has waited.
"""

import asyncio
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from coordination.journal import rows
from coordination.journal.events import timestamp
from coordination.journal.limits import read_slots
from coordination.journal.line import Line, WrongLockError, read_line
from coordination.journal.line_reading import read_line_at
from coordination.journal.rows import JobRow, LockRow
from coordination.known_slots import KnownSlots
from coordination.ports import ActiveJob, Clock, Journal
from coordination.slot import Slot

#: Locks that are looked at, those with the oldest active jobs first; of others only jobs are counted.
MOST_LOCKS = 1000

#: Tickets read of a line; jobs further back are only counted, and looked at when they have moved up.
PLACES = 50

#: Runs whose kinds are read: the longest.
SHOWN = 10

#: Looks at waiting jobs in one snapshot, first in line first.
MOST_LOOKS = 200

_AT_ONCE = 16

#: Seconds a job has waited when it is looked at first; then twice as long each time, up to the longest pause.
_FIRST_LOOK, _DOUBLINGS, _LONGEST_PAUSE = 5.0, 7, 600.0


@dataclass(frozen=True)
class LineSeen:
    """A line in which jobs wait."""

    lock_name: str
    length: int
    #: Seconds that the first has waited.
    seconds: float


@dataclass(frozen=True)
class RunSeen:
    """A run in progress, and for how many seconds; only the longest have their kind."""

    lock_name: str
    job_id: str
    worker: str
    seconds: float
    kind: str = ""


@dataclass(frozen=True)
class Look:
    """A job that waits, its place from 1, for how many seconds, and behind whose run (empty: none)."""

    job: JobRow
    position: int
    length: int
    seconds: float
    worker: str


@dataclass(frozen=True)
class QueueSnapshot:
    """What was seen: every line and run, the longest first, and the waiting jobs that are due for a look."""

    queued: int = 0
    running: int = 0
    lines: Sequence[LineSeen] = ()
    runs: Sequence[RunSeen] = ()
    looks: Sequence[Look] = ()


class SnapshotReader:
    """Takes snapshots, `interval` seconds apart, and notes which locks have several slots."""

    def __init__(
        self, journal: Journal, clock: Clock, interval: float, known_slots: KnownSlots | None = None
    ) -> None:
        self._known_slots = known_slots or KnownSlots()
        self._journal = journal
        self._clock = clock
        self._interval = interval
        self._last = -math.inf

    async def snapshot(self, active: Sequence[ActiveJob]) -> QueueSnapshot:
        """Look at the locks of the active jobs. Raises UnknownOutcomeError when the store does not answer."""
        began = self._clock.boot()
        jobs = Counter(job.lock_name for job in active)
        oldest_first = sorted(active, key=lambda job: job.registered_at)
        slots = [Slot(name) for name in dict.fromkeys(job.lock_name for job in oldest_first)][:MOST_LOCKS]
        seen = [line for line in await self._read(slots) if line is not None]
        running = {line.lock.lock_name: await self._running(line) for line in seen}
        counted = {
            name: _length(line, jobs[name] - len(running[name]))
            for line in seen
            for name in [line.lock.lock_name]
        }
        unseen = jobs.total() - sum(jobs[slot.lock_name] for slot in slots)
        now = self._clock.now()
        runs = [_run(lock, now) for line in seen for lock in running[line.lock.lock_name]]
        lines = [
            LineSeen(line.lock.lock_name, counted[line.lock.lock_name], _waited(first, now))
            for line in seen
            if (first := line.first) is not None
        ]
        # What came while another scheduler was the leader is left to that one.
        elapsed = min(began - self._last, 2 * self._interval)
        looks = sorted(self._looks(seen, counted, now, elapsed), key=lambda look: look.position)
        self._last = began
        return QueueSnapshot(
            queued=sum(counted.values()) + unseen,
            running=len(runs),
            lines=sorted(lines, key=lambda line: -line.length),
            runs=await self._with_kinds(sorted(runs, key=lambda run: -run.seconds)),
            looks=looks[:MOST_LOOKS],
        )

    async def _read(self, slots: Sequence[Slot]) -> list[Line | None]:
        turns = asyncio.Semaphore(_AT_ONCE)

        async def read(slot: Slot) -> Line | None:
            async with turns:
                try:
                    line = await read_line(self._journal, slot, PLACES)
                    if line.outside.may_be_due(timestamp(self._clock.now())):
                        # Jobs that others could pass wait in line like these once they are due.
                        line = await read_line_at(self._journal, self._clock, slot, PLACES, line.outside)
                    return line
                except WrongLockError:
                    return None

        return await asyncio.gather(*map(read, slots))

    async def _running(self, line: Line) -> list[LockRow]:
        """Return the rows of a lock's slots in which a job runs."""
        self._known_slots.learn(line.lock.lock_name, line.slots)
        others = await read_slots(self._journal, line.lock.lock_name) if line.slots > 1 else []
        return [lock for lock in (line.lock, *(each.lock for each in others)) if lock.job_id]

    async def _with_kinds(self, runs: list[RunSeen]) -> list[RunSeen]:
        return [*await asyncio.gather(*map(self._with_kind, runs[:SHOWN])), *runs[SHOWN:]]

    async def _with_kind(self, run: RunSeen) -> RunSeen:
        row = await self._journal.read(Slot(run.lock_name).partition, rows.job_key(run.job_id))
        return run if row is None else replace(run, kind=JobRow.from_row(row).kind)

    def _looks(
        self, lines: Sequence[Line], lengths: dict[str, int], now: datetime, elapsed: float
    ) -> Iterator[Look]:
        for line in lines:
            for position, ticket in enumerate(line.tickets, 1):
                job = JobRow.from_row(ticket)
                waited = _waited(job, now)
                if looks_due(waited) > looks_due(waited - elapsed):
                    holder = line.lock.worker if line.lock.job_id else ""
                    yield Look(job, position, lengths[line.lock.lock_name], waited, holder)


def looks_due(seconds: float) -> int:
    """Return how often a job should have been looked at that has waited for `seconds`.

    After 5, 10, 20 s and so on up to 640 s, and then every 600 s.
    """
    if seconds < _FIRST_LOOK:
        return 0
    if seconds < _FIRST_LOOK * 2**_DOUBLINGS:
        return 1 + int(math.log2(seconds / _FIRST_LOOK))
    return 1 + _DOUBLINGS + int((seconds - _FIRST_LOOK * 2**_DOUBLINGS) / _LONGEST_PAUSE)


def _length(line: Line, waiting: int) -> int:
    """Count a line: exactly while it is short, else by its active jobs, a few of which may be over."""
    return len(line.tickets) if len(line.tickets) < PLACES else max(PLACES, waiting)


def _run(lock: LockRow, now: datetime) -> RunSeen:
    return RunSeen(lock.lock_name, lock.job_id, lock.worker, _since(lock.started_at, now))


def _waited(job: JobRow, now: datetime) -> float:
    return _since(job.queued_at or job.submitted_at, now)


def _since(moment: str, now: datetime) -> float:
    """Count seconds since a moment that another host's clock may have given."""
    return max(0.0, (now - datetime.fromisoformat(moment)).total_seconds()) if moment else 0.0
