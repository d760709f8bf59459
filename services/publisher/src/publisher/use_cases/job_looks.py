"""Looking at a job for all who follow it in this process: what one has just read is read by nobody else."""

import asyncio
import math
from dataclasses import dataclass, field

from contracts.jobs import Event
from contracts.statuses import JobStatus
from coordination.journal.rows import JobRow
from coordination.ports import Clock, Journal, Registration
from publisher.use_cases.events import read_events
from publisher.use_cases.jobs import Place, place_in_line, read_job

#: Most events of a job that are kept; one who is further behind reads them by himself.
_MOST_KEPT = 1000


@dataclass(frozen=True)
class Look:
    """A job as it was just seen, with its events behind a number."""

    job: JobRow
    place: Place | None
    events: list[Event]


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
    #: How many follow the job.
    followers: int = 0
    _job: JobRow | None = None
    _looked_at: float = -math.inf
    _place: Place | None = None
    _line_read_at: float = -math.inf
    #: Events that are known without a gap, all behind the number `_from`.
    _events: list[Event] = field(default_factory=list)
    _from: int = 0
    _looking: "asyncio.Task[JobRow] | None" = None

    async def look(self, after: int) -> Look:
        """Return the job with its events behind a number. Raises NoSuchJobError or UnknownOutcomeError."""
        if self._job is None and not self._events:
            self._from = after
        job = self._job
        if job is None or self.clock.boot() - self._looked_at >= self.good_for:
            # All who come while it is looked at see the same, also that the storage does not answer.
            if self._looking is None:
                self._looking = asyncio.get_running_loop().create_task(self._look())
                self._looking.add_done_callback(self._forget)
            job = await asyncio.shield(self._looking)
        if after < self._from and job.seq > after:
            return Look(job, self._place, await read_events(self.journal, self.registration, after=after))
        return Look(job, self._place, [event for event in self._events if event.seq > after])

    async def _look(self) -> JobRow:
        began = self.clock.boot()
        job = await read_job(self.journal, self.registration)
        last = self._events[-1].seq if self._events else self._from
        if job.seq > last:
            self._events += await read_events(self.journal, self.registration, after=last)
            dropped = self._events[:-_MOST_KEPT]
            if dropped:
                self._from, self._events = dropped[-1].seq, self._events[-_MOST_KEPT:]
        if job.status != JobStatus.QUEUED:
            self._place = None
        elif self.clock.boot() - self._line_read_at >= self.line_every:
            self._place = await place_in_line(self.journal, job)
            self._line_read_at = self.clock.boot()
        self._job, self._looked_at = job, began
        return job

    def _forget(self, looking: "asyncio.Task[JobRow]") -> None:
        self._looking = None
        if not looking.cancelled():
            # Retrieved, so that asyncio does not warn when all followers have gone.
            looking.exception()
