"""What becomes of jobs of one lock of which something is due to go: each takes one step.

A job that has ended leaves the journal and the lists. Its audit trail may stay longer. Both leave the small
row, which keeps its id in use and counts for the checker (`coordination.journal.removal`). That row goes
last: first the registration, so that a submission with this id that comes from now on begins as any other;
then the row; then the registration is looked for again. So none finds the one without the other for good.
Each step changes the journal first, and the register is told afterwards what is due next.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from coordination.journal import events, rows
from coordination.journal.persistence import commit_until
from coordination.journal.removal import MARK_KEY, RemovalMark, RemovedJob
from coordination.journal.rows import JobRow
from coordination.maintenance.removable import EndedJob, ProjectedSeqs, part_by_need, part_by_projection
from coordination.maintenance.removing import LockRemoval, ProjectedRows, Removing
from coordination.maintenance.whole_jobs import BrokenHistoryError
from coordination.ports import (
    Clock,
    Delete,
    DueRemoval,
    JobRegister,
    Journal,
    RefusedError,
    Replace,
    Row,
    Transaction,
)
from coordination.retention_times import RetentionTimes

#: Time after which a job is looked at again that could not go yet, and one that must not go as it is.
_SOON, _LATER = timedelta(hours=1), timedelta(days=1)

#: Characters of the ranges of fences in a mark. Where jobs between others stay for long, the rows of removed
#: ones stay with them.
_MOST_CHARACTERS = 14_000

#: The mark (`JobRegister.mark`) for an id that was registered again while it was forgotten.
_MARK = "retention"


@dataclass(frozen=True)
class RetentionStores:
    """What retention works on."""

    journal: Journal
    register: JobRegister
    clock: Clock
    projected_seqs: ProjectedSeqs
    projected_rows: ProjectedRows


@dataclass
class Went:
    """How many jobs took which step."""

    #: They left journal and lists, and their audit trails stay.
    archived: int = 0
    #: They left journal, lists and audit trail; or their trails went after them.
    deleted: int = 0
    #: Their ids are free again.
    forgotten: int = 0
    #: They are due later than was noted, or cannot go yet.
    put_off: int = 0
    #: Another process removed or retried jobs of their lock at the same time.
    elsewhere: int = 0
    #: Jobs that must not go, as what is stored of them does not add up, and why.
    broken: list[tuple[str, str]] = field(default_factory=list)

    @property
    def is_anything(self) -> bool:
        """Whether any job took a step."""
        return bool(self.archived or self.deleted or self.forgotten or self.broken)


@dataclass(frozen=True)
class _Found:
    """A removal that is due, and the row of its job."""

    removal: DueRemoval
    row: Row
    job: JobRow

    @property
    def removed(self) -> RemovedJob:
        return RemovedJob.from_values(self.row.values)


class LockPortion:
    """Removals of one lock that are due."""

    def __init__(
        self,
        stores: RetentionStores,
        removing: Removing,
        times: RetentionTimes,
        partition: str,
        went: Went,
    ) -> None:
        self._stores = stores
        self._removing = removing
        self._times = times
        self._partition = partition
        self._went = went
        self._now = stores.clock.now()

    async def carry_out(self, due: Sequence[DueRemoval]) -> None:
        """Let each job take the step that is due. Raises RemovedElsewhereError or UnknownOutcomeError."""
        read = self._stores.journal.read
        marked = await read(self._partition, MARK_KEY)
        stored = await asyncio.gather(*(read(self._partition, rows.job_key(one.job_id)) for one in due))
        found = [_Found(one, row, JobRow.from_row(row)) for one, row in zip(due, stored, strict=True) if row]
        await self._finish_forgotten([one for one, row in zip(due, stored, strict=True) if row is None])
        await self._forget_closed([one for one in found if one.job.status == JobRow.TOMBSTONE])
        mark = RemovalMark(due[0].lock_name) if marked is None else RemovalMark.from_row(marked)
        lock = LockRemoval(self._removing, self._partition, mark, None if marked is None else marked.etag)
        # What was cut off: later, nothing may be left that tells of it.
        await lock.finish_earlier()
        removed = [one for one in found if one.job.is_removed]
        await self._remove(lock, [one for one in found if not one.job.is_tombstone])
        await lock.end()
        await self._remove_trails([one for one in removed if one.removed.has_trail])
        await self._forget(lock, [one for one in removed if not one.removed.has_trail])

    # --- jobs that leave the journal ------------------------------------------------

    async def _remove(self, lock: LockRemoval, found: Sequence[_Found]) -> None:
        due: list[_Found] = []
        for one in found:
            # A job that runs or waits has taken an id that is free again; its end is noted then.
            removal = self._times.removal_of(one.job) if one.job.is_terminal else None
            if removal is not None and removal.at <= self._now:
                due.append(one)
            else:
                await self._move(one.removal, removal)
        of = {one.job.job_id: one.removal for one in due}
        ended = [EndedJob(one.job, one.row.etag) for one in due]
        ended, needed = await part_by_need(self._stores.journal, self._partition, ended)
        ended, lacking = await part_by_projection(ended, self._stores.projected_seqs)
        for job in [*needed, *lacking]:
            await self._put_off(of[job.job_id], _SOON)
        for keeps_trail in (True, False):
            jobs = [job for job in ended if self._keeps_trail(job.row) is keeps_trail]
            for removed in await self._remove_all(lock, jobs, of, keeps_trail=keeps_trail):
                await self._move(of[removed.job_id], self._next_of(removed))

    async def _remove_all(
        self,
        lock: LockRemoval,
        jobs: Sequence[EndedJob],
        of: dict[str, DueRemoval],
        *,
        keeps_trail: bool,
    ) -> Sequence[RemovedJob]:
        """Remove jobs, but for those that do not add up, and return what stays of them."""
        left, before = list(jobs), len(lock.removed)
        while left:
            try:
                await lock.remove(left, keeps_trail=keeps_trail, is_apart=True)
            except BrokenHistoryError as error:
                self._went.broken.append((error.job_id, str(error)))
                await self._put_off(of[error.job_id], _LATER)
                gone = {error.job_id, *(removed.job_id for removed in lock.removed)}
                left = [job for job in left if job.row.job_id not in gone]
            else:
                break
        removed = lock.removed[before:]
        if keeps_trail:
            self._went.archived += len(removed)
        else:
            self._went.deleted += len(removed)
        return removed

    def _keeps_trail(self, job: JobRow) -> bool:
        removal = self._times.trail_removal_of(job)
        return removal is None or removal.at > self._now

    def _next_of(self, removed: RemovedJob) -> DueRemoval | None:
        """Return what is due next of a job that has left the journal."""
        if removed.has_trail:
            return self._times.trail_removal_of(removed)
        return self._times.forgetting_of(removed)

    # --- trails ---------------------------------------------------------------------

    async def _remove_trails(self, found: Sequence[_Found]) -> None:
        for one in found:
            removal = self._times.trail_removal_of(one.removed)
            if removal is None or removal.at > self._now:
                await self._move(one.removal, removal)
                continue
            # First the row: a trail that is not whole where it says that there is one is a violation.
            removed = replace(one.removed, removed_at=events.timestamp(self._now), has_trail=False)
            if await self._commit(Replace(one.row.key, removed.values(), one.row.etag)):
                self._went.deleted += 1
                await self._finish_trail(one.removal, removed)

    async def _finish_trail(self, removal: DueRemoval, removed: RemovedJob) -> None:
        await self._stores.projected_rows.delete_trails({removed.job_id: removed.seq})
        await self._move(removal, self._times.forgetting_of(removed))

    # --- ids ------------------------------------------------------------------------

    async def _forget(self, lock: LockRemoval, found: Sequence[_Found]) -> None:
        mark, going = lock.mark, []
        for one in found:
            removal = self._times.forgetting_of(one.removed)
            is_chained = one.removed.number <= mark.last_chained
            if removal is None or is_chained:
                await self._move(one.removal, None)
                continue
            if removal.at > self._now:
                # Noted before its trail went, which may have been cut off.
                await self._finish_trail(one.removal, one.removed)
                continue
            without = mark.forget(one.removed)
            if len(without.forgotten_fences) > _MOST_CHARACTERS:
                await self._put_off(one.removal, _LATER)
                continue
            mark = without
            going.append(one)
        if not going:
            return
        await asyncio.gather(*(self._stores.register.forget(one.job.job_id) for one in going))
        await lock.commit(mark, [Delete(one.row.key, one.row.etag) for one in going])
        await self._finish_forgotten([one.removal for one in going])

    async def _forget_closed(self, found: Sequence[_Found]) -> None:
        """Let ids go that were closed, as their submissions never arrived: no mark counts them."""
        for one in found:
            await self._stores.register.forget(one.job.job_id)
            if await self._commit(Delete(one.row.key, one.row.etag)):
                await self._finish_forgotten([one.removal])

    async def _finish_forgotten(self, due: Sequence[DueRemoval]) -> None:
        """Tell the register that nothing is left of jobs.

        A submission that registered one of these ids while the small row was there was refused. Its id counts
        as active again, so that it is closed in time, or used.
        """
        register = self._stores.register

        async def finish(removal: DueRemoval) -> None:
            registration = await register.find(removal.job_id)
            if registration is not None:
                await register.mark(_MARK)
                await register.activate(registration)
            await register.move_removal(removal, None)

        await asyncio.gather(*map(finish, due))
        self._went.forgotten += len(due)

    # --- the stores -----------------------------------------------------------------

    async def _commit(self, operation: Delete | Replace) -> bool:
        """Change the row of one job; return False when it has changed since it was read."""
        removing = self._removing
        until = removing.clock.boot() + removing.patience
        transaction = Transaction(removing.new_id().hex, [operation])
        try:
            await commit_until(
                removing.journal, removing.clock, self._partition, transaction, removing.call_timeout, until
            )
        except RefusedError:
            # Or an earlier try was carried out: the next look sees which.
            return False
        return True

    async def _put_off(self, removal: DueRemoval, by: timedelta) -> None:
        self._went.put_off += 1
        await self._stores.register.move_removal(removal, self._now + by)

    async def _move(self, removal: DueRemoval, due: DueRemoval | None) -> None:
        """Note what is due next; what is due already, is due at the next look."""
        if due is None or due.at != removal.at:
            await self._stores.register.move_removal(removal, None if due is None else due.at)
