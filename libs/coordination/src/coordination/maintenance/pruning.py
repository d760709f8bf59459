"""Use case: remove old jobs that are over, so that a store does not grow for ever.

A removed job leaves a small row behind, and a mark per lock counts them (`coordination.journal.removal`).
Each transaction removes some jobs and moves the mark; only then their rows in the read models are deleted. So
it may be stopped at any moment and be repeated: the mark names the jobs of which rows may be left. Two at the
same time do no harm, as a transaction is refused whose mark has moved.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from contracts.statuses import EventStatus
from coordination.journal import events, rows
from coordination.journal.events import chain_hash
from coordination.journal.persistence import commit_until, until_known
from coordination.journal.removal import MARK_KEY, RemovalMark, RemovedJob, UsedFence, used_fences
from coordination.journal.rows import EventRow
from coordination.maintenance.removable import (
    EndedJob,
    Found,
    ProjectedSeqs,
    Removable,
    find_removable,
)
from coordination.ports import (
    Clock,
    CoordinationError,
    Delete,
    Insert,
    JobRegister,
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
_MOST_ROWS = 99

#: Jobs whose rows are read at the same time.
_AT_ONCE = 16


class PrunedElsewhereError(CoordinationError):
    """Another process removes or retries jobs of this lock at the same time."""


class BrokenHistoryError(CoordinationError):
    """A job's events do not add up to its row, so that its removal would hide that."""


class ProjectedRows(Protocol):
    """What the read models have of jobs."""

    async def delete(self, partition: str, jobs: Mapping[str, Sequence[EventRow] | None]) -> int:
        """Delete all rows of jobs of one lock, and return how many there were; harmless when repeated.

        The events are those of the journal; for None, the audit trail tells which there were. Raises
        UnknownOutcomeError.
        """


#: Verifies the history of locks up to a moment. Returns why jobs of a lock must not be removed, by its name;
#: under None, why none must be. Raises UnknownOutcomeError.
Verify = Callable[[Sequence[str], datetime], Awaitable[Mapping[str | None, str]]]


@dataclass(frozen=True)
class Pruned:
    """What came of a lock."""

    found: Found
    #: Jobs removed, and rows deleted in all tables.
    jobs: int = 0
    deleted: int = 0
    #: Why not all of it was removed; empty when it was.
    refusal: str = ""


@dataclass(frozen=True)
class Pruning:
    """Removes jobs that ended before a moment."""

    journal: Journal
    register: JobRegister
    clock: Clock
    projected_seqs: ProjectedSeqs
    projected_rows: ProjectedRows
    verify: Verify
    call_timeout: float = 10.0
    #: Seconds for which an unknown outcome is asked for again.
    patience: float = 60.0
    new_id: NewId = random_id

    async def look(self, locks: Sequence[str], ended_before: datetime) -> AsyncIterator[Found]:
        """Find what may be removed of each lock. Raises UnknownOutcomeError."""
        async for removable in self._find(locks, ended_before):
            yield removable.found

    async def _find(self, locks: Sequence[str], ended_before: datetime) -> AsyncIterator[Removable]:
        active = {job.job_id async for job in self.register.active(self.clock.now())}
        for lock in locks:
            before = events.timestamp(ended_before)
            yield await find_removable(self.journal, lock, before, active, self.projected_seqs)

    async def prune(self, locks: Sequence[str], ended_before: datetime, actor: str) -> AsyncIterator[Pruned]:
        """Remove what may be removed of locks whose history verifies. Raises UnknownOutcomeError."""
        refusals = await self.verify(locks, ended_before)
        async for removable in self._find(locks, ended_before):
            refusal = refusals.get(None) or refusals.get(removable.lock_name)
            if refusal:
                yield Pruned(removable.found, refusal=refusal)
                continue
            removal = _Removal(self, removable, actor)
            try:
                await removal.carry_out()
            except (PrunedElsewhereError, BrokenHistoryError) as error:
                yield Pruned(removable.found, removal.jobs, removal.deleted, str(error))
            else:
                yield Pruned(removable.found, removal.jobs, removal.deleted)


@dataclass(frozen=True)
class _WholeJob:
    """A job with all that the journal has of it."""

    ended: EndedJob
    events: Sequence[EventRow]
    #: Its rows besides the job's own.
    rows: Sequence[Row]


@dataclass
class _Removal:
    """Removes jobs of one lock."""

    pruning: Pruning
    removable: Removable
    actor: str
    jobs: int = 0
    deleted: int = 0
    #: Fences that are removed, from the mark's on, and whether they may skip.
    _fences: dict[int, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._partition = self.removable.partition
        self._mark, self._etag = self.removable.mark, self.removable.mark_etag
        self._add_fences(self.removable.removed_fences)

    async def carry_out(self) -> None:
        """Finish what an earlier removal left, and remove all jobs."""
        unfinished = self._mark.unfinished
        if unfinished:
            for job_id in unfinished:
                await self._delete_left(await self._rows_of(job_id))
            await self._delete_projected(dict.fromkeys(unfinished))
        jobs = self.removable.jobs
        for start in range(0, len(jobs), _AT_ONCE):
            whole = await asyncio.gather(*map(self._read, jobs[start : start + _AT_ONCE]))
            for group in _groups(whole):
                await self._remove(group)
                await self._delete_projected({one.ended.row.job_id: one.events for one in group})
        if self._mark.unfinished:
            await self._commit(replace(self._mark, removing="[]"), [])

    async def _read(self, ended: EndedJob) -> _WholeJob:
        found = await self._rows_of(ended.row.job_id)
        prefix = rows.event_prefix(ended.row.job_id)
        of_events = [EventRow.from_row(row) for row in found if row.key.startswith(prefix)]
        if not _adds_up(ended, of_events):
            mark = await self.pruning.journal.read(self._partition, MARK_KEY)
            if (None if mark is None else mark.etag) != self._etag:
                raise PrunedElsewhereError
            raise BrokenHistoryError(f"the events of job {ended.row.job_id} do not add up to its row")
        return _WholeJob(ended, of_events, found)

    async def _rows_of(self, job_id: str) -> list[Row]:
        """Read the rows that a job has besides its own, events last."""
        read = self.pruning.journal.read_range
        kept = await read(self._partition, rows.data_prefix(job_id))
        return kept + await read(self._partition, rows.event_prefix(job_id))

    async def _remove(self, group: Sequence[_WholeJob]) -> None:
        """Remove jobs in one transaction; where one alone is too large, the rest of it in others."""
        mark = self._mark
        operations: list[Operation] = []
        for one in group:
            fences = used_fences(one.events)
            removed = RemovedJob.of(one.ended.row, fences, mark.jobs + 1)
            mark = mark.count(removed, len(fences))
            self._add_fences(fences)
            operations.append(Replace(rows.job_key(removed.job_id), removed.values(), one.ended.etag))
        removing = json.dumps([one.ended.row.job_id for one in group])
        mark = replace(mark, fence=self._reached(mark.fence), removing=removing)
        left = [row for one in group for row in one.rows]
        first = _MOST_ROWS - len(operations)
        await self._commit(mark, operations + _deletions(left[:first]))
        self.jobs += len(group)
        self.deleted += len(left[:first])
        await self._delete_left(left[first:])

    async def _delete_left(self, left: Sequence[Row]) -> None:
        for start in range(0, len(left), _MOST_ROWS):
            some = left[start : start + _MOST_ROWS]
            await self._commit(self._mark, _deletions(some))
            self.deleted += len(some)

    async def _delete_projected(self, jobs: Mapping[str, Sequence[EventRow] | None]) -> None:
        self.deleted += await self.pruning.projected_rows.delete(self._partition, jobs)

    async def _commit(self, mark: RemovalMark, operations: Sequence[Operation]) -> None:
        """Carry out a transaction that moves the mark. Raises PrunedElsewhereError or UnknownOutcomeError."""
        pruning = self.pruning
        at, op_id = events.timestamp(pruning.clock.now()), pruning.new_id().hex
        mark = replace(mark, op_id=op_id, removed_at=at, actor=self.actor)
        moved: Operation = (
            Insert(MARK_KEY, mark.values())
            if self._etag is None
            else Update(MARK_KEY, mark.values(), self._etag)
        )
        until = pruning.clock.boot() + pruning.patience
        transaction = Transaction(op_id, [moved, *operations])
        try:
            versions = await commit_until(
                pruning.journal, pruning.clock, self._partition, transaction, pruning.call_timeout, until
            )
            etag = versions[MARK_KEY]
        except RefusedError:
            stored = await until_known(
                pruning.clock, lambda: pruning.journal.read(self._partition, MARK_KEY), until
            )
            if stored is None or stored.values.get("op_id") != op_id:
                raise PrunedElsewhereError from None
            etag = stored.etag
        self._mark, self._etag = mark, etag

    def _add_fences(self, fences: Sequence[UsedFence]) -> None:
        self._fences |= {used.fence: used.may_skip for used in fences}

    def _reached(self, fence: int) -> int:
        """Return the highest fence up to which all are removed; up to `fence` they are."""
        while True:
            following = fence + 1
            if following not in self._fences and self._fences.get(fence):
                # A take-over that started no job used it.
                following += 1
            if following not in self._fences:
                return fence
            self._fences.pop(fence, None)
            fence = following


def _adds_up(ended: EndedJob, found: Sequence[EventRow]) -> bool:
    """Return whether a job's events are whole, chained, and end as its row says."""
    previous = ""
    for number, event in enumerate(found, 1):
        if event.seq != number or event.previous_hash != previous or event.hash != chain_hash(event):
            return False
        previous = event.hash
    row = ended.row
    ends = [event for event in found if event.status != EventStatus.FINALIZED]
    has_end = bool(ends) and EventStatus(ends[-1].status) == row.status
    return has_end and len(found) == row.seq and previous == row.event_hash


def _deletions(found: Sequence[Row]) -> list[Operation]:
    return [Delete(row.key, row.etag) for row in found]


def _groups(jobs: Sequence[_WholeJob]) -> Iterator[list[_WholeJob]]:
    """Part jobs into groups whose rows fit into one transaction; one that is larger is alone."""
    group: list[_WholeJob] = []
    size = 0
    for one in jobs:
        if group and size + 1 + len(one.rows) > _MOST_ROWS:
            yield group
            group, size = [], 0
        group.append(one)
        size += 1 + len(one.rows)
    if group:
        yield group
