"""The rows a tenure holds: written on condition of their versions, and read again after a refusal."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta

from contracts.jobs import HeldLease
from contracts.statuses import JobStatus
from coordination.holder.lease_keeper import LeaseKeeper
from coordination.holder.policy import HolderSettings, Ports
from coordination.holder.runs import Progress, Stop
from coordination.journal import events, rows
from coordination.journal.events import Writer
from coordination.journal.persistence import commit_until, until_known
from coordination.journal.rows import JobRow, LockRow
from coordination.journal.transactions import Draft, Held
from coordination.observations import Fenced, Observe, Refusal, TablesCutOff
from coordination.outcomes import StopReason
from coordination.ports import CoordinationError, RefusedError, Row, UnknownOutcomeError
from coordination.slot import Slot


class FencedError(CoordinationError):
    """Another worker may have taken over: nothing more may be written, and the handler must stop."""


class CutOffError(FencedError):
    """The journal does not answer although the lease can be renewed."""


class HeldRows:
    """The lock row and the running job's rows, with their versions, as this tenure wrote or read them last.

    Every write is conditional on the lock row. A refused one is either our own earlier try, or another
    writer's change to our job, which is taken in before the write is repeated, or the end: another worker has
    taken over.
    """

    def __init__(
        self,
        slot: Slot,
        keeper: LeaseKeeper,
        ports: Ports,
        settings: HolderSettings,
        observe: Observe,
    ) -> None:
        self._slot = slot
        self._keeper = keeper
        self._ports = ports
        self._settings = settings
        self._observe = observe
        #: What is held; None while nothing runs.
        self.held: Held | None = None
        #: Asks the run in progress to stop.
        self.stop = Stop()

    @property
    def running(self) -> str | None:
        """Id of the job that runs now."""
        return self.held.job.job_id if self.held else None

    @property
    def lease(self) -> HeldLease | None:
        """The lease while something runs, with the wall-clock time of its last renewal."""
        if self.held is None:
            return None
        clock = self._ports.clock
        return HeldLease(
            lock=self._slot.lock_name,
            fence=self.held.job.fence,
            renewed_at=clock.now() - timedelta(seconds=clock.boot() - self._keeper.renewed),
            seconds=self._settings.times.duration,
        )

    def require(self) -> Held:
        """Return what is held. Raises FencedError when that is nothing any more."""
        if self.held is None:
            raise FencedError
        return self.held

    async def write(self, build: Callable[[Held, JobRow], Draft], reported: Progress | None) -> None:
        """Write to the run's rows, again and again until it is done or the rows are another's.

        `build` is given what is held and the job with its progress. Raises FencedError.
        """
        while True:
            held = self.require()
            draft = build(held, reported.applied_to(held.job) if reported else held.job)
            versions = await self.commit(draft)
            if versions is not None:
                self.adopt(draft, versions)
                return
            await self.reload()

    async def commit(self, draft: Draft) -> Mapping[str, str] | None:
        """Send a transaction until its outcome is known, and return the new versions, or None if refused.

        Raises FencedError when the time to write is over, or the journal stays silent until then.
        """
        if not self._keeper.may_write:
            raise self._fenced(Refusal.TOO_LATE, "the time to write is over")
        until = self.write_until()
        try:
            versions = await commit_until(
                self._ports.journal,
                self._ports.clock,
                self._slot.partition,
                draft.transaction,
                self._settings.call_timeout,
                until,
            )
        except RefusedError:
            # Rule R6 (spec/turnstile.pml): a refused write whose mark is in the row was carried out.
            lock = await self.read(self._slot.lock_key, until)
            if lock is None or lock.values.get("op_id") != draft.writer.op_id:
                return None
            versions = await self._own_versions(draft, lock, until)
        except UnknownOutcomeError as error:
            self._observe(TablesCutOff(self._slot.lock_name))
            self._fenced(Refusal.UNKNOWN, str(error))
            raise CutOffError from error
        self._ports.notifier.announce(events.announcements(draft.events, draft.jobs))
        return versions

    async def _own_versions(self, draft: Draft, lock: Row, until: float) -> Mapping[str, str]:
        """Find out the versions of an own write whose answer was lost, and what others wrote since then."""
        versions = {self._slot.lock_key: lock.etag}
        # Rule S6 (spec/slots.pml): a limit may have been set since the write, and closed the slot.
        draft.lock = draft.lock.changed_by_others(LockRow.from_row(lock))
        if draft.job is None:
            return versions
        key = rows.job_key(draft.job.job_id)
        row = await self.read(key, until)
        if row is not None:
            versions[key] = row.etag
            job = JobRow.from_row(row)
            # To know a version is to know what is there; if it is another run, the lock row refuses us.
            if job.fence == draft.job.fence:
                draft.job = job
        state_key = rows.state_key(draft.job.job_id)
        state = await self.read(state_key, until)
        if state is not None:
            versions[state_key] = state.etag
        return versions

    async def reload(self) -> None:
        """After a refusal: take in what another writer changed, or stop for good.

        Ours is a lock row with our tenure, fence, job and attempt, and the job running under that fence.
        The tenure alone would let a late write of one job through after the next was started.
        """
        # Rule R7 (spec/turnstile.pml): continue only while lock row and job still name this run.
        held, until = self.require(), self.write_until()
        lock_row = await self.read(self._slot.lock_key, until)
        job_row = await self.read(rows.job_key(held.job.job_id), until)
        if lock_row is None or job_row is None:
            raise self._fenced(Refusal.TAKEN_OVER, "a row is gone")
        lock, job = LockRow.from_row(lock_row), JobRow.from_row(job_row)
        same_run = (lock.tenure, lock.fence, lock.job_id, lock.attempt) == (
            held.lock.tenure,
            held.lock.fence,
            held.lock.job_id,
            held.lock.attempt,
        )
        if not same_run or job.status != JobStatus.RUNNING or job.fence != lock.fence:
            reason = f"worker {lock.worker} has taken over with fence {lock.fence}"
            raise self._fenced(Refusal.TAKEN_OVER, reason)
        self.held = replace(held, lock=lock, lock_etag=lock_row.etag, job=job, job_etag=job_row.etag)
        if job.cancel_requested:
            self.stop.request(StopReason.CANCELLED)

    def begin(self, draft: Draft, versions: Mapping[str, str]) -> None:
        """Take in a write that went from one run to the next, or to none."""
        self.held = None
        self.stop = Stop()
        self.adopt(draft, versions)

    def adopt(self, draft: Draft, versions: Mapping[str, str]) -> None:
        """Take in an own write."""
        if draft.job is None:
            return
        key, state = rows.job_key(draft.job.job_id), rows.state_key(draft.job.job_id)
        earlier = self.held.state_etag if self.held else None
        self.held = Held(
            self._slot,
            draft.lock,
            versions[self._slot.lock_key],
            draft.job,
            versions[key],
            versions.get(state, earlier),
        )
        if draft.job.cancel_requested:
            self.stop.request(StopReason.CANCELLED)

    async def read(self, key: str, until: float) -> Row | None:
        """Read a row of this lock. Raises UnknownOutcomeError once the boot clock has passed `until`."""
        return await until_known(
            self._ports.clock, lambda: self._ports.journal.read(self._slot.partition, key), until
        )

    def write_until(self) -> float:
        """Return the boot time until which a write begun now is tried."""
        return min(
            self._ports.clock.boot() + self._settings.times.journal_deadline, self._keeper.soft_deadline
        )

    def writer(self) -> Writer:
        """Return the mark of one new write, by which it is recognised as our own."""
        return Writer(
            actor=self._settings.worker,
            op_id=self._ports.new_id().hex,
            at=events.timestamp(self._ports.clock.now()),
            worker=self._settings.worker,
        )

    def _fenced(self, refusal: Refusal, reason: str) -> FencedError:
        """Stop for good: the handler is killed and this tenure writes nothing more."""
        # Rule R16 (spec/turnstile.pml): a holder that was refused writes nothing more.
        self._observe(Fenced(self._slot.lock_name, self.running or "", refusal, reason))
        self._keeper.end()
        self.held = None
        self.stop.request(StopReason.LOST)
        return FencedError(reason)
