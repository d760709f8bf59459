"""Removing jobs of one lock, in transactions that move its mark.

A removed job leaves a small row behind, and the mark counts them (`coordination.journal.removal`). Each
transaction removes some jobs and moves the mark; only then their rows in the read models are deleted. So it
may be stopped at any moment and be repeated: the mark names the jobs of which rows may be left. Two at the
same time do no harm, as a transaction is refused whose mark has moved.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from coordination.journal import events, rows
from coordination.journal.fences import UsedFence, used_fences
from coordination.journal.persistence import commit_until, until_known
from coordination.journal.removal import MARK_KEY, RemovalMark, RemovedJob
from coordination.journal.rows import EventRow, JobRow
from coordination.maintenance.removable import EndedJob
from coordination.maintenance.whole_jobs import BrokenHistoryError, WholeJob, deletions, groups, read_rows
from coordination.ports import (
    Clock,
    CoordinationError,
    Insert,
    Journal,
    NewId,
    Operation,
    RefusedError,
    Replace,
    Row,
    Transaction,
    Update,
    random_id,
)

#: Rows of one transaction besides the mark.
MOST_ROWS = 99

#: Jobs whose rows are read at the same time.
_AT_ONCE = 16


class RemovedElsewhereError(CoordinationError):
    """Another process removes or retries jobs of this lock at the same time."""


class ProjectedRows(Protocol):
    """What the read models have of jobs."""

    async def delete(
        self, partition: str, jobs: Mapping[str, Sequence[EventRow] | None], *, keeps_trail: bool = False
    ) -> int:
        """Delete all rows of jobs of one lock, and return how many there were; harmless when repeated.

        The events are those of the journal; for None, the audit trail tells which there were. With
        `keeps_trail`, the audit trail stays. Raises UnknownOutcomeError.
        """

    async def delete_trails(self, jobs: Mapping[str, int]) -> int:
        """Delete the audit trails of jobs by the numbers of their last events, as `delete` does."""

    async def trail_hashes(self, job_id: str) -> list[str]:
        """Return the hashes of a job's events in the audit trail, in order. Raises UnknownOutcomeError."""


@dataclass(frozen=True)
class Removing:
    """What removing jobs needs."""

    journal: Journal
    clock: Clock
    projected_rows: ProjectedRows
    #: Who removes them, for the mark.
    actor: str
    call_timeout: float = 10.0
    #: Seconds for which an unknown outcome is asked for again.
    patience: float = 60.0
    new_id: NewId = random_id


@dataclass
class LockRemoval:
    """Removes jobs of one lock."""

    removing: Removing
    partition: str
    mark: RemovalMark
    #: Version of the mark; None when there is none yet.
    etag: str | None
    #: Fences of removed jobs from the mark's on whose rows stand, where jobs go from the beginning.
    removed_fences: Sequence[UsedFence] = ()
    #: What stays of the jobs removed here, and how many rows were deleted.
    removed: list[RemovedJob] = field(default_factory=list)
    deleted: int = 0
    #: Fences of slot 0 that are removed, from the mark's on, and whether they may skip.
    _fences: dict[int, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._add_fences(self.removed_fences)

    async def finish_earlier(self) -> None:
        """Delete what an earlier removal left of the jobs that it removed last."""
        for job_id in self.mark.unfinished:
            row = await self.removing.journal.read(self.partition, rows.job_key(job_id))
            if row is None or not JobRow.from_row(row).is_removed:
                # It is forgotten, so that nothing was left.
                continue
            await self._delete_left(await read_rows(self.removing.journal, self.partition, job_id))
            keeps_trail = RemovedJob.from_values(row.values).has_trail
            await self._delete_projected({job_id: None}, keeps_trail=keeps_trail)

    async def remove(
        self, jobs: Sequence[EndedJob], *, keeps_trail: bool = False, is_apart: bool = False
    ) -> None:
        """Remove jobs; with `is_apart`, whatever ran between them.

        Raises BrokenHistoryError, RemovedElsewhereError or
        UnknownOutcomeError.
        """
        self.mark = replace(self.mark, is_apart=self.mark.is_apart or is_apart)
        for start in range(0, len(jobs), _AT_ONCE):
            reads = (self._read(job, keeps_trail) for job in jobs[start : start + _AT_ONCE])
            for group in groups(await asyncio.gather(*reads), MOST_ROWS):
                await self._remove(group, has_trail=keeps_trail)
                found = {one.ended.row.job_id: one.events for one in group}
                await self._delete_projected(found, keeps_trail=keeps_trail)

    async def end(self) -> None:
        """Note that nothing is left of the jobs that were removed last."""
        if self.mark.unfinished:
            await self.commit(replace(self.mark, removing="[]"), [])

    async def _read(self, ended: EndedJob, has_trail: bool) -> WholeJob:
        job_id = ended.row.job_id
        found = await read_rows(self.removing.journal, self.partition, job_id)
        whole = WholeJob.of(ended, found)
        if not whole.adds_up:
            mark = await self.removing.journal.read(self.partition, MARK_KEY)
            if (None if mark is None else mark.etag) != self.etag:
                raise RemovedElsewhereError
            raise BrokenHistoryError(job_id, f"the events of job {job_id} do not add up to its row")
        if has_trail:
            hashes = await self.removing.projected_rows.trail_hashes(job_id)
            if hashes != [event.hash for event in whole.events]:
                raise BrokenHistoryError(
                    job_id, f"the audit trail of job {job_id} is not that of the journal"
                )
        return whole

    async def _remove(self, group: Sequence[WholeJob], *, has_trail: bool) -> None:
        """Remove jobs in one transaction; where one alone is too large, the rest of it in others."""
        mark, at = self.mark, events.timestamp(self.removing.clock.now())
        operations: list[Operation] = []
        stays: list[RemovedJob] = []
        for one in group:
            fences = used_fences(one.events)
            removed = RemovedJob.of(one.ended.row, fences, mark.jobs + 1, at, has_trail=has_trail)
            mark = mark.count(removed, len(fences))
            self._add_fences(fences)
            operations.append(Replace(rows.job_key(removed.job_id), removed.values(), one.ended.etag))
            stays.append(removed)
        removing = json.dumps([one.ended.row.job_id for one in group])
        mark = replace(mark, fence=self._reached(mark.fence), removing=removing)
        left = [row for one in group for row in one.rows]
        first = MOST_ROWS - len(operations)
        await self.commit(mark, operations + deletions(left[:first]))
        self.removed += stays
        self.deleted += len(left[:first])
        await self._delete_left(left[first:])

    async def _delete_left(self, left: Sequence[Row]) -> None:
        for start in range(0, len(left), MOST_ROWS):
            some = left[start : start + MOST_ROWS]
            await self.commit(self.mark, deletions(some))
            self.deleted += len(some)

    async def _delete_projected(
        self, jobs: Mapping[str, Sequence[EventRow] | None], *, keeps_trail: bool
    ) -> None:
        self.deleted += await self.removing.projected_rows.delete(
            self.partition, jobs, keeps_trail=keeps_trail
        )

    async def commit(self, mark: RemovalMark, operations: Sequence[Operation]) -> None:
        """Carry out a transaction that moves the mark.

        Raises RemovedElsewhereError or UnknownOutcomeError.
        """
        removing = self.removing
        at, op_id = events.timestamp(removing.clock.now()), removing.new_id().hex
        mark = replace(mark, op_id=op_id, removed_at=at, actor=removing.actor)
        moved: Operation = (
            Insert(MARK_KEY, mark.values())
            if self.etag is None
            else Update(MARK_KEY, mark.values(), self.etag)
        )
        until = removing.clock.boot() + removing.patience
        transaction = Transaction(op_id, [moved, *operations])
        try:
            versions = await commit_until(
                removing.journal, removing.clock, self.partition, transaction, removing.call_timeout, until
            )
            etag = versions[MARK_KEY]
        except RefusedError:
            stored = await until_known(
                removing.clock, lambda: removing.journal.read(self.partition, MARK_KEY), until
            )
            if stored is None or stored.values.get("op_id") != op_id:
                raise RemovedElsewhereError from None
            etag = stored.etag
        self.mark, self.etag = mark, etag

    def _add_fences(self, fences: Sequence[UsedFence]) -> None:
        self._fences |= {used.fence: used.may_skip for used in fences if not used.slot}

    def _reached(self, fence: int) -> int:
        """Return the highest fence up to which all are known to be removed; up to `fence` they are."""
        forgotten = self.mark.ranges
        while True:
            following = fence + 1
            if following not in self._fences and self._fences.get(fence):
                # A take-over that started no job used it.
                following += 1
            end = following if following in self._fences else forgotten.end_of(following)
            if end is None:
                return fence
            self._fences.pop(fence, None)
            fence = end
