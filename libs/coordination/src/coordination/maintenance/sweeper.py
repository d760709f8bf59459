"""The sweeper: repairs what a crash or a lost message left between two writes.

It looks at active jobs only, so that a pass costs what is alive and not what ever was. Everything it does is
a hint or idempotent, so two sweepers at once do no harm.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Container, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from contracts.statuses import JobStatus
from coordination.journal import events, rows
from coordination.journal.line import Line, WrongLockError, read_line
from coordination.journal.rows import EventRow, JobRow
from coordination.ports import (
    ActiveJob,
    Clock,
    Insert,
    JobRegister,
    Journal,
    Leases,
    Notifier,
    RefusedError,
    Transaction,
    WakeUp,
)
from coordination.slot import Slot

ThingT = TypeVar("ThingT")

#: Locks, or jobs, looked at side by side: a lost host's lock must not wait for all the others.
_AT_ONCE = 8

#: Returns the number of the last event of a job that the read models have.
ProjectedSeq = Callable[[str], Awaitable[int]]


@dataclass
class Swept:
    """What one pass found."""

    #: The active jobs that the pass read; the queue snapshot uses them, too.
    jobs: Sequence[ActiveJob] = ()
    #: Locks that had work, no worker at it, and no wake-up from here lately.
    notified: int = 0
    #: Jobs whose events the read models had not heard of.
    announced: int = 0
    #: Registered ids whose submission never arrived.
    abandoned: int = 0

    @property
    def active(self) -> int:
        """How many jobs are active."""
        return len(self.jobs)


class _Stillness:
    """Since when the sweeper has seen something as it is, by a clock that cannot be set wrong."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen: dict[str, tuple[int, float]] = {}

    def seconds(self, name: str, state: int = 0) -> float:
        """Return for how long it has been in this state; 0 when it is seen so for the first time."""
        now = self._clock.boot()
        last_state, since = self._seen.get(name, (None, now))
        if last_state != state:
            since = now
            self._seen[name] = (state, since)
        return now - since

    def forget_all_but(self, names: Container[str]) -> None:
        """Drop what is not there any more."""
        self._seen = {name: seen for name, seen in self._seen.items() if name in names}


class _Pauses:
    """When something is due again: seldom, and less and less often, while nothing moves.

    A line that waits for busy workers needs no more wake-ups, a projector that is away no more events, and a
    job that waits for hours no look every few seconds.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._pauses: dict[str, tuple[int, float, float]] = {}

    def is_over(self, name: str, state: int | None = None) -> bool:
        """Return whether the pause is over; in a new state it is, and so it is where there was none."""
        last_state, end, _ = self._pauses.get(name, (state, -math.inf, 0.0))
        return self._clock.boot() >= end or state not in {None, last_state}

    def begin(self, name: str, state: int, first: float, longest: float) -> None:
        """Begin a pause: the first in this state, or one twice as long as the last."""
        last_state, _, pause = self._pauses.get(name, (None, 0.0, 0.0))
        pause = min(pause * 2, longest) if last_state == state else first
        self._pauses[name] = (state, self._clock.boot() + pause, pause)

    def forget_all_but(self, names: Container[str]) -> None:
        """Drop what is not there any more."""
        self._pauses = {name: pause for name, pause in self._pauses.items() if name in names}

    def end_all(self) -> None:
        """Let everything be due now."""
        self._pauses = {}


@dataclass
class Sweeper:
    """Looks for work that no worker knows of. Times are in seconds."""

    leases: Leases
    journal: Journal
    register: JobRegister
    notifier: Notifier
    clock: Clock
    projected_seq: ProjectedSeq
    #: Younger jobs are left alone: their wake-up, or their events, are on the way.
    patience: float = 5.0
    #: First and longest pause between two wake-ups for a lock, or announcements of a job, without changes.
    first_pause: float = 10.0
    longest_pause: float = 600.0
    #: First and longest pause between two comparisons of a job with the read models, where nothing happens.
    first_look: float = 5.0
    longest_look: float = 30.0
    #: Age at which an id that was registered without a job will not get one.
    abandoned_after: float = 86_400.0
    #: For comparing jobs with the read models in one pass; the next pass continues there.
    compare_seconds: float = 2.0
    call_timeout: float = 2.0
    _position: str = ""

    def __post_init__(self) -> None:
        self._wake_ups = _Pauses(self.clock)
        self._tellings = _Pauses(self.clock)
        self._looks = _Pauses(self.clock)
        self._jobs = _Stillness(self.clock)
        self._projections = _Stillness(self.clock)

    async def sweep(self) -> Swept:
        """Make one pass. Raises UnknownOutcomeError when the store does not answer; the next pass goes on."""
        due = self.register.active(self.clock.now())
        active = sorted([job async for job in due], key=lambda job: job.job_id)
        swept = Swept(active)
        jobs = {job.job_id for job in active}
        locks = {
            job.lock_name: job
            for job in active
            if self._has_waited(job.registered_at, self._jobs.seconds(job.job_id))
        }
        self._wake_ups.forget_all_but(locks)
        for about_jobs in (self._jobs, self._projections, self._tellings, self._looks):
            about_jobs.forget_all_but(jobs)

        async def notify_if_idle(job: ActiveJob) -> None:
            notified = await self._notify_if_idle(job)
            swept.notified += notified

        await _each(notify_if_idle, locks.values())
        await self._compare_some(active, swept)
        return swept

    async def _compare_some(self, active: Sequence[ActiveJob], swept: Swept) -> None:
        """Compare as many jobs as there is time for, going on behind those of the pass before."""
        until = self.clock.boot() + self.compare_seconds
        due = [job for job in active if self._looks.is_over(job.job_id)]
        behind = [job for job in due if job.job_id > self._position]
        self._position = ""
        for start in range(0, len(behind), _AT_ONCE):
            if self.clock.boot() > until:
                self._position = behind[start - 1].job_id
                return
            await _each(lambda job: self._compare(job, swept), behind[start : start + _AT_ONCE])

    async def _notify_if_idle(self, job: ActiveJob) -> bool:
        """Notify the workers of a lock that has work and whose lease is free."""
        # Rule R18 (spec/turnstile.pml): notify only of a lock that has work and no holder.
        slot = Slot(job.lock_name)
        if not await self.leases.is_free(slot.lease_name, self.call_timeout):
            return False
        try:
            line = await read_line(self.journal, slot)
        except WrongLockError:
            return False
        if not line.has_work:
            return False
        if not self._wake_ups.is_over(job.lock_name, line.lock.fence):
            return False
        self._wake_ups.begin(job.lock_name, line.lock.fence, self.first_pause, self.longest_pause)
        waits = await self._job_at_hand(line)
        wake_up = WakeUp(job.lock_name, released=True, reason="swept")
        if waits is not None:
            wake_up = replace(wake_up, job_id=waits.job_id, traceparent=waits.traceparent)
        await self.notifier.notify(wake_up)
        return True

    async def _job_at_hand(self, line: Line) -> JobRow | None:
        """Return the job that a wake-up is for: the one whose run was cut off, else the first in line."""
        if not line.lock.job_id:
            return line.first
        row = await self.journal.read(line.slot.partition, rows.job_key(line.lock.job_id))
        return line.first if row is None else JobRow.from_row(row)

    async def _compare(self, active: ActiveJob, swept: Swept) -> None:
        """Announce again what the read models lack: when the last event is lost, no gap shows it."""
        row = await self.journal.read(active.partition, rows.job_key(active.job_id))
        if row is None:
            if self._age(active.registered_at) > self.abandoned_after:
                is_closed = await self._abandon(active)
                swept.abandoned += is_closed
            self._looks.begin(active.job_id, 0, self.first_look, self.longest_look)
            return
        job = JobRow.from_row(row)
        if job.is_tombstone:
            await self.register.retire(active.job_id, active.due_at)
            return
        projected = await self.projected_seq(active.job_id)
        if job.seq > projected:
            is_told = await self._announce(active, projected)
            swept.announced += is_told
            if is_told:
                # What one job's events met may have met others', too.
                self._looks.end_all()
        elif JobStatus(job.status).is_terminal:
            await self.register.retire(active.job_id, active.due_at)
        else:
            self._looks.begin(active.job_id, job.seq, self.first_look, self.longest_look)

    async def _announce(self, active: ActiveJob, projected: int) -> bool:
        stored = await self.journal.read_range(
            active.partition,
            rows.event_prefix(active.job_id),
            after=rows.event_key(active.job_id, projected),
        )
        missing = [EventRow.from_row(row) for row in stored]
        still = self._projections.seconds(active.job_id, projected)
        if not missing or not self._has_waited(datetime.fromisoformat(missing[0].timestamp), still):
            return False
        if not self._tellings.is_over(active.job_id, projected):
            return False
        self._tellings.begin(active.job_id, projected, self.first_pause, self.longest_pause)
        self.notifier.announce(events.announcements(missing))
        return True

    async def _abandon(self, active: ActiveJob) -> bool:
        """Close a registered id for good: a submission that still arrives finds the row and is refused."""
        # Rule R22 (spec/turnstile.pml): an insert closes an id that has no job; a job's row refuses it.
        tombstone = JobRow(active.job_id, "", active.lock_name, status=JobRow.TOMBSTONE)
        closing = Transaction(
            f"tombstone:{active.job_id}", [Insert(rows.job_key(active.job_id), tombstone.values())]
        )
        try:
            await self.journal.commit(active.partition, closing, self.call_timeout)
        except RefusedError:
            return False
        await self.register.retire(active.job_id, active.due_at)
        return True

    def _has_waited(self, since: datetime, still: float) -> bool:
        """Return whether patience is over: by its age or, as clocks may differ, by how long it was seen."""
        return max(self._age(since), still) > self.patience

    def _age(self, since: datetime) -> float:
        return (self.clock.now() - since).total_seconds()


async def _each(look: Callable[[ThingT], Awaitable[None]], things: Iterable[ThingT]) -> None:
    """Look at all things, several at a time, started in their order.

    After a failure, which is raised, no more are started; what is under way is seen to its end.
    """
    left, has_failed = iter(things), False

    async def go_through() -> None:
        nonlocal has_failed
        for thing in left:
            try:
                await look(thing)
            except Exception:
                has_failed = True
                raise
            if has_failed:
                return

    ends = await asyncio.gather(*(go_through() for _ in range(_AT_ONCE)), return_exceptions=True)
    for failure in filter(None, ends):
        raise failure
