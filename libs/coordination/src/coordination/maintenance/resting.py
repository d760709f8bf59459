"""When a sweep may be left out: nothing is active, and no job can have been registered since.

While something is active, each round looks at the jobs that were read, and every second one reads them again.

Every process that submits jobs makes a mark before it registers one, and again as long as it submits. A mark
counts for ten seconds (`FRESH_SECONDS`): a job is registered within that time of a mark, or a new mark
follows its registration. So once the mark has been seen, and a sweep that began `settled_after` seconds later
finds nothing active, all that was registered under that mark is over. Then only the marks are read, with one
request, until one changes.

Times are those of this process's boot clock. The sweep of every few minutes is for what no rule covers: a
registration whose caller gave it up long before it arrived.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from coordination.clients.submission_marks import FRESH_SECONDS
from coordination.maintenance.sweeper import Sweeper, Swept
from coordination.ports import Clock, JobRegister


@dataclass(frozen=True)
class Rest:
    """How long what takes, in seconds."""

    #: Between two rounds of the scheduler.
    round_seconds: float = 2.0
    #: Within which a mark is to be seen; a job is as old when the sweeper first looks after it.
    notice_seconds: float = 5.0
    #: How far a sweep looks ahead for start times while something is active: beyond the next one.
    ahead: float = 10.0
    #: From when a mark was seen until a sweep begins that finds all that was registered under it.
    settled_after: float = 2 * FRESH_SECONDS
    #: Between two sweeps while nothing happens.
    longest: float = 300.0
    #: For which there is no rest after a job was found that was registered without a mark: by an earlier
    #: version, which may register more.
    unmarked_seconds: float = 3600.0


@dataclass(frozen=True)
class _LastSweep:
    """The last sweep that read all shards, and when it began."""

    began: float
    #: Whether anything was active, or waited for its start time and was not postponed yet.
    has_jobs: bool
    #: How far it looked ahead for jobs that are due later, and the first of those.
    looked_ahead: bool
    next_due: datetime | None


@dataclass(frozen=True)
class _Mark:
    """The mark of a submitter: its version, and when that was first seen."""

    version: str
    seen_at: float


_AS_USUAL = Rest()


class RestingSweeper:
    """Sweeps in each round while something is active, and rests while nothing is."""

    def __init__(self, sweeper: Sweeper, register: JobRegister, clock: Clock, rest: Rest = _AS_USUAL) -> None:
        self._sweeper = sweeper
        self._register = register
        self._clock = clock
        self._rest = rest
        self._last: _LastSweep | None = None
        self._looked_at = 0.0
        self._no_rest_until = 0.0
        self._marks: dict[str, _Mark] = {}

    async def go(self) -> Swept | None:
        """Make one round; None when there was no need to sweep. Raises UnknownOutcomeError."""
        last = self._last
        # The next round sees what comes from now on before the sweeper would look after it.
        is_early = (
            self._clock.boot() + self._rest.round_seconds - self._looked_at <= self._rest.notice_seconds
        )
        if last is not None and last.has_jobs and is_early:
            return await self._sweeper.look_again()
        if last is None or last.has_jobs or not last.looked_ahead:
            return await self._sweep(looks_ahead=last is None or not last.has_jobs)
        if not self._is_due(last):
            if is_early:
                return None
            if await self._is_settled(last):
                return None
        return await self._sweep(looks_ahead=True)

    def seconds_until_start(self) -> float:
        """Return after how many seconds the next start time comes that is known; infinity for none."""
        return self._sweeper.seconds_until_start()

    async def start_due(self) -> int:
        """Put the jobs into line whose start times have come; return how many. Raises UnknownOutcomeError."""
        return await self._sweeper.start_due()

    def _is_due(self, last: _LastSweep) -> bool:
        if self._clock.boot() - last.began >= self._rest.longest:
            return True
        return last.next_due is not None and self._clock.now() >= last.next_due

    async def _is_settled(self, last: _LastSweep) -> bool:
        """Read the marks; return whether none is too young for the last sweep, and forget them then."""
        found = await self._register.marks()
        # From after the answer: a sweep that begins later finds what was registered before.
        now = self._looked_at = self._clock.boot()
        earlier, self._marks = self._marks, {}
        for submitter, version in found.items():
            mark = earlier.get(submitter)
            self._marks[submitter] = (
                mark if mark is not None and mark.version == version else _Mark(version, now)
            )
        settled = [mark.seen_at + self._rest.settled_after <= last.began for mark in self._marks.values()]
        if now < self._no_rest_until or not all(settled):
            return False
        for submitter, mark in self._marks.items():
            await self._register.unmark(submitter, mark.version)
        return True

    async def _sweep(self, *, looks_ahead: bool) -> Swept:
        """Sweep. Only while nothing is active, it is worth reading which jobs are due in some minutes."""
        began = self._clock.boot()
        self._last = None
        ahead = self._rest.longest if looks_ahead else self._rest.ahead
        swept = await self._sweeper.sweep(timedelta(seconds=ahead))
        if any(not job.is_marked for job in [*swept.jobs, *swept.delayed]):
            self._no_rest_until = began + self._rest.unmarked_seconds
        has_jobs = bool(swept.jobs or swept.delayed)
        self._last = _LastSweep(began, has_jobs, looks_ahead, swept.next_due)
        self._looked_at = began
        return swept
