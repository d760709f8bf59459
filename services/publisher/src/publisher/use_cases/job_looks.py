"""Looking at a job for all who follow it or wait for its end in this process: one reading serves them all."""

import asyncio
import math
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from contracts.jobs import Event
from contracts.statuses import JobStatus
from coordination.journal.rows import JobRow
from coordination.ports import Clock, Journal, Registration
from publisher.use_cases.events import read_events
from publisher.use_cases.jobs import Place, place_in_line, read_job

#: Most events of a job that are kept; one who is further behind reads them by himself.
_MOST_KEPT = 1000

ReadT = TypeVar("ReadT")


@dataclass(frozen=True)
class Look:
    """A job as it was just seen, with its events behind a number."""

    job: JobRow
    place: Place | None
    events: list[Event]


class _Reading(Generic[ReadT]):
    """A reading that all share who ask for it while it is under way; they share its failure, too."""

    def __init__(self, read: Callable[[], Coroutine[Any, Any, ReadT]]) -> None:
        self._read = read
        self._under_way: asyncio.Task[ReadT] | None = None

    async def __call__(self) -> ReadT:
        if self._under_way is None:
            self._under_way = asyncio.get_running_loop().create_task(self._read())
            self._under_way.add_done_callback(self._forget)
        return await asyncio.shield(self._under_way)

    def _forget(self, reading: "asyncio.Task[ReadT]") -> None:
        self._under_way = None
        if not reading.cancelled():
            # Retrieved, so that asyncio does not warn when all who asked have gone.
            reading.exception()


@dataclass
class JobLooks:
    """Looks at one job; its followers share what they see."""

    journal: Journal
    clock: Clock
    registration: Registration
    #: Seconds for which what was seen is good enough.
    good_for: float
    #: Seconds between two looks at the line while the job waits in it.
    line_every: float
    #: How many follow the job, or wait for its end.
    followers: int = 0
    _job: JobRow | None = None
    _looked_at: float = -math.inf
    _place: Place | None = None
    _line_read_at: float = -math.inf
    #: Events that are known without a gap, all behind the number `_from`.
    _events: list[Event] = field(default_factory=list)
    _from: int | None = None

    def __post_init__(self) -> None:
        self._reading_row = _Reading(self._read_row)
        self._reading_rest = _Reading(self._read_rest)

    async def see(self) -> JobRow:
        """Return the job without its events and its place. Raises NoSuchJobError or UnknownOutcomeError."""
        if self._job is None or self.clock.boot() - self._looked_at >= self.good_for:
            return await self._reading_row()
        return self._job

    async def look(self, after: int) -> Look:
        """Return the job with its events behind a number. Raises NoSuchJobError or UnknownOutcomeError."""
        if self._from is None:
            self._from = after
        job = await self.see()
        if job.seq > self._last or self._needs_line(job):
            await self._reading_rest()
        place = self._place if job.status == JobStatus.QUEUED else None
        if after < self._from and job.seq > after:
            return Look(job, place, await read_events(self.journal, self.registration, after=after))
        return Look(job, place, [event for event in self._events if event.seq > after])

    @property
    def _last(self) -> int:
        return self._events[-1].seq if self._events else self._from or 0

    def _needs_line(self, job: JobRow) -> bool:
        is_due = self.clock.boot() - self._line_read_at >= self.line_every
        return is_due and job.status == JobStatus.QUEUED

    async def _read_row(self) -> JobRow:
        began = self.clock.boot()
        job = await read_job(self.journal, self.registration)
        if job.status != JobStatus.QUEUED:
            self._place = None
        self._job, self._looked_at = job, began
        return job

    async def _read_rest(self) -> None:
        """Read what only those need who follow the job: its new events, and its place in line."""
        job = await self.see()
        if job.seq > self._last:
            self._events += await read_events(self.journal, self.registration, after=self._last)
            dropped = self._events[:-_MOST_KEPT]
            if dropped:
                self._from, self._events = dropped[-1].seq, self._events[-_MOST_KEPT:]
        if self._needs_line(job):
            self._place = await place_in_line(self.journal, job)
            self._line_read_at = self.clock.boot()
