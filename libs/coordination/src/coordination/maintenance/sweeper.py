"""The sweeper: repairs what a crash or a lost message left between two writes.

It looks at active jobs only, so that a pass costs what is alive and not what ever was. Everything it does is
a hint or idempotent, so two sweepers at once do no harm.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from coordination.clients.job_writer import JobWriter
from coordination.journal import rows
from coordination.journal.line import Line, WrongLockError
from coordination.journal.line_reading import read_line_at
from coordination.journal.rows import JobRow
from coordination.known_slots import KnownSlots
from coordination.maintenance.comparison import Comparison, ProjectedSeqs
from coordination.maintenance.expiry import Expiry
from coordination.maintenance.free_leases import FreeLeases
from coordination.maintenance.idle_slots import find_idle_slots
from coordination.maintenance.pauses import Pace, Pauses, Stillness
from coordination.maintenance.side_by_side import for_each
from coordination.ports import (
    ActiveJob,
    Clock,
    JobRegister,
    Journal,
    Leases,
    NewId,
    Notifier,
    WakeUp,
    random_id,
)
from coordination.retention_times import RetentionTimes
from coordination.slot import Slot

_AS_USUAL = Pace()
_FOR_GOOD = RetentionTimes()


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
    #: Jobs that the pass ended, as they had waited for longer than they may.
    expired: Sequence[JobRow] = ()
    #: When the next job is due, as far as the pass looked ahead.
    next_due: datetime | None = None

    @property
    def active(self) -> int:
        """How many jobs are active."""
        return len(self.jobs)


@dataclass
class Sweeper:
    """Looks for work that no worker knows of.

    While `is_heard` says that the broker takes no messages, a pass ends the jobs that have expired and does
    nothing more: what there is to tell grows as long as the broker is away, and all of it is told when it is
    back.
    """

    leases: Leases
    journal: Journal
    register: JobRegister
    notifier: Notifier
    clock: Clock
    projected_seqs: ProjectedSeqs
    pace: Pace = _AS_USUAL
    is_heard: Callable[[], bool] = lambda: True
    new_id: NewId = random_id
    #: Which locks have several slots, also as others in this process learn it: while slot 0 is held, a pass
    #: reads nothing of a lock that is not known to have more.
    known_slots: KnownSlots = field(default_factory=KnownSlots)
    #: When jobs that have ended may go.
    times: RetentionTimes = _FOR_GOOD

    def __post_init__(self) -> None:
        self._wake_ups = Pauses(self.clock)
        #: Locks that have nothing to start until a job is due.
        self._rests = Pauses(self.clock)
        self._jobs = Stillness(self.clock)
        self._read: Sequence[ActiveJob] = ()
        writer = JobWriter(
            self.journal, self.notifier, self.clock, self.pace.call_timeout, new_id=self.new_id
        )
        self._expiry = Expiry(writer, self.pace)
        self.comparison = Comparison(
            self.journal,
            self.register,
            self.notifier.announce,
            self.clock,
            self.projected_seqs,
            self._jobs,
            self.pace,
            self.times,
        )

    async def sweep(self, ahead: timedelta = timedelta()) -> Swept:
        """Make one pass. Raises UnknownOutcomeError when the store does not answer; the next pass goes on.

        Jobs that are due later than now, but within `ahead`, are left alone and only looked for.
        """
        self._read = ()
        now = self.clock.now()
        found = [job async for job in self.register.active(now + ahead)]
        later = [job.due_at for job in found if job.due_at is not None and job.due_at > now]
        active = sorted(
            (job for job in found if job.due_at is None or job.due_at <= now), key=lambda job: job.job_id
        )
        self._read = active
        return await self._look_at(Swept(active, next_due=min(later, default=None)))

    async def look_again(self) -> Swept:
        """Make a pass over the jobs that the last pass read. Raises UnknownOutcomeError."""
        return await self._look_at(Swept(self._read))

    async def _look_at(self, swept: Swept) -> Swept:
        active = swept.jobs
        waited = [
            job
            for job in active
            if self.pace.is_over(job.registered_at, self._jobs.seconds(job.job_id), self.clock)
        ]
        locks = {job.lock_name: job for job in waited}
        jobs = {job.job_id for job in active}
        self._wake_ups.forget_all_but(locks)
        self._rests.forget_all_but(locks)
        of_locks: dict[str, set[str]] = {name: set() for name in locks}
        for job in waited:
            of_locks[job.lock_name].add(job.job_id)
        states = {name: hash(frozenset(found)) for name, found in of_locks.items()}
        locks = {name: job for name, job in locks.items() if self._rests.is_over(name, states[name])}
        self._jobs.forget_all_but(jobs)
        self.comparison.forget_all_but(jobs)
        # First, so that nobody is woken up for what is over. A broker that is away prolongs no time in line.
        swept.expired = await self._expiry.end_due(active)
        if not self.is_heard():
            return swept

        lease_names = [Slot(name).lease_name for name in locks]
        free = await FreeLeases.among(self.leases, lease_names, self.pace.call_timeout)

        async def notify_if_idle(job: ActiveJob) -> None:
            notified = await self._notify_if_idle(job, free, states[job.lock_name])
            swept.notified += notified

        await for_each(notify_if_idle, locks.values())
        compared = await self.comparison.compare_some(waited)
        swept.announced, swept.abandoned = compared.announced, compared.abandoned
        if swept.announced:
            # What one job's events met may have met others', too.
            self.comparison.end_pauses()
        return swept

    async def _notify_if_idle(self, job: ActiveJob, free: FreeLeases, state: int) -> bool:
        """Notify the workers of a lock that has work and whose lease is free.

        `state` is another one when another job of the lock is active.
        """
        # Rule R18 (spec/turnstile.pml): notify only of a lock that has work and no holder.
        slot = Slot(job.lock_name)
        is_free = await free.has(slot.lease_name)
        if not is_free and self.known_slots.of(job.lock_name) == 1:
            return False
        try:
            line = await read_line_at(self.journal, self.clock, slot)
        except WrongLockError:
            return False
        self.known_slots.learn(job.lock_name, line.slots)
        fences, cut_off = line.lock.fence, ""
        has_work, is_at_rest = is_free and line.has_work, is_free
        if line.slots > 1:
            idle = await find_idle_slots(self.journal, self.leases, line, self.pace.call_timeout)
            fences += idle.fences
            cut_off = next(iter(idle.cut_off), "")
            has_work = has_work or bool(cut_off) or idle.has_room
            is_at_rest = is_free and not idle.are_in_use
        if not has_work and is_at_rest and line.changes_at is not None:
            rest = min(line.seconds_until_change(self.clock.now()), self.pace.longest_rest)
            self._rests.begin(job.lock_name, state, rest, rest)
        if not has_work or not self._wake_ups.is_over(job.lock_name, fences):
            return False
        waits = await self._job_at_hand(line, cut_off or (line.lock.job_id if is_free else ""))
        wake_up = WakeUp(job.lock_name, released=True, reason="swept", slots=line.slots)
        if waits is not None:
            wake_up = replace(wake_up, job_id=waits.job_id, traceparent=waits.traceparent)
        if await self.notifier.notify(wake_up):
            # One that the broker did not take leaves no pause: it is due as soon as the broker is back.
            self._wake_ups.begin(job.lock_name, fences, self.pace.first_pause, self.pace.longest_pause)
        return True

    async def _job_at_hand(self, line: Line, cut_off: str) -> JobRow | None:
        """Return the job that a wake-up is for: one whose run was cut off, else the first in line."""
        if not cut_off:
            return line.first
        row = await self.journal.read(line.slot.partition, rows.job_key(cut_off))
        return line.first if row is None else JobRow.from_row(row)
