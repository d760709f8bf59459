"""Which jobs of a lock may be removed: the beginning of its history, as far as it is over and old enough.

The history of a lock is ordered by fence. What is removed is all that has run up to some fence, so that what
stays has no gap. Jobs that never ran, because they were cancelled in line, stand nowhere in that order.
"""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from contracts import lock_names
from contracts.statuses import EventStatus
from coordination.journal import rows
from coordination.journal.fences import UsedFence, read_fences
from coordination.journal.removal import MARK_KEY, RemovalMark, RemovedJob
from coordination.journal.rows import JobRow, LockRow
from coordination.ports import Journal, Row

#: Returns the number of the last event that the read models have of each job, by job id; 0, or nothing, for
#: none. The jobs are given with the times at which they were submitted.
ProjectedSeqs = Callable[[Mapping[str, datetime]], Awaitable[Mapping[str, int]]]

#: Job rows read at a time, and jobs whose projection is looked up together.
_PAGE, _GROUP = 1000, 500

#: Events read at a time to find a job's first start, which is among the first.
_FIRST_EVENTS = 20


class Kept(StrEnum):
    """Why a job stays."""

    #: It has not ended, or counts as active.
    ACTIVE = "active"
    YOUNG = "young"
    #: The read models do not have its last event yet.
    NOT_PROJECTED = "not_projected"
    #: A retry that has not ended continues with its recorded steps and its saved state.
    RETRIED = "retried"
    #: It was pinned, and stays until it is unpinned.
    PINNED = "pinned"
    #: It is old enough, but a job that stays ran before it; or its lock has, or had, several slots.
    BEHIND = "behind"


@dataclass(frozen=True, slots=True)
class EndedJob:
    """A job that has ended, and the version of its row."""

    row: JobRow
    etag: str


@dataclass(frozen=True)
class Found:
    """How much of a lock may be removed, and how much stays."""

    lock_name: str
    jobs: int
    runs: int
    events: int
    kept: Mapping[Kept, int]
    #: Jobs that were removed earlier.
    removed_before: int

    @property
    def rows(self) -> int:
        """How many rows the jobs have in all tables, at least: what jobs keep is not counted.

        An event has three: in the journal, in the trail and among the recent ones.
        """
        return 3 * self.events + self.runs + self.jobs


@dataclass
class Removable:
    """What may be removed of a lock, in the order of removal, and what stays."""

    lock_name: str
    partition: str
    mark: RemovalMark
    #: None when nothing was ever removed.
    mark_etag: str | None
    jobs: list[EndedJob] = field(default_factory=list)
    kept: Counter[Kept] = field(default_factory=Counter)
    #: Fences of removed jobs from the mark's on.
    removed_fences: list[UsedFence] = field(default_factory=list)

    @property
    def found(self) -> "Found":
        """What there is to say about it."""
        return Found(
            self.lock_name,
            len(self.jobs),
            sum(job.row.attempt for job in self.jobs),
            sum(job.row.seq for job in self.jobs),
            {why: count for why, count in self.kept.items() if count},
            self.mark.jobs,
        )


async def find_removable(
    journal: Journal,
    lock_name: str,
    ended_before: str,
    active: AbstractSet[str],
    projected_seqs: ProjectedSeqs,
) -> Removable:
    """Find what may be removed of a lock. `ended_before` is a time as the journal writes it.

    `active` are the ids of all active jobs. Raises UnknownOutcomeError.
    """
    partition = lock_names.partition(lock_name)
    # First: every run up to this fence is of a job whose row is there by now.
    lock = await journal.read(partition, rows.lock_key())
    mark_row = await journal.read(partition, MARK_KEY)
    mark = RemovalMark(lock_name) if mark_row is None else RemovalMark.from_row(mark_row)
    found = Removable(lock_name, partition, mark, None if mark_row is None else mark_row.etag)
    stays: list[JobRow] = []
    ended: list[EndedJob] = []
    async for row in _job_rows(journal, partition):
        job = JobRow.from_row(row)
        if job.is_removed:
            fences = read_fences(RemovedJob.from_values(row.values).fences)
            found.removed_fences += [used for used in fences if used.fence >= mark.fence]
        elif not job.is_tombstone:
            why = _reason_to_keep(job, ended_before, active)
            if why is None:
                ended.append(EndedJob(job, row.etag))
            else:
                found.kept[why] += 1
                stays.append(job)
    ended, needed = await part_by_need(journal, partition, ended)
    found.kept[Kept.RETRIED] = len(needed)
    stays += needed
    ended, unprojected = await part_by_projection(ended, projected_seqs)
    found.kept[Kept.NOT_PROJECTED] = len(unprojected)
    stays += unprojected
    limit = int(lock.values["fence"] or 0) if lock is not None else 0
    if lock is not None and LockRow.from_row(lock).limit_number is not None:
        # Fences of several slots say nothing about which of two jobs ran first.
        found.kept[Kept.BEHIND] = len(ended)
        return found
    limit = await _limit(journal, partition, limit, stays, ended)
    # A job without a run has fence 0, and so is never behind.
    found.jobs = sorted((job for job in ended if job.row.fence <= limit), key=_order)
    found.kept[Kept.BEHIND] = len(ended) - len(found.jobs)
    return found


def _order(job: EndedJob) -> tuple[int, str]:
    return job.row.fence, job.row.job_id


def _reason_to_keep(job: JobRow, ended_before: str, active: AbstractSet[str]) -> Kept | None:
    if not job.is_terminal or job.job_id in active:
        return Kept.ACTIVE
    if job.is_pinned:
        return Kept.PINNED
    return None if job.finished_at < ended_before else Kept.YOUNG


async def _job_rows(journal: Journal, partition: str) -> AsyncIterator[Row]:
    after = ""
    while True:
        page = await journal.read_range(partition, rows.JOBS, _PAGE, after)
        for row in page:
            yield row
        if len(page) < _PAGE:
            return
        after = page[-1].key


async def part_by_need(
    journal: Journal, partition: str, ended: Sequence[EndedJob]
) -> tuple[list[EndedJob], list[JobRow]]:
    """Part jobs into those that no retry needs any more, and the others.

    A retry that is submitted later changes the rows of the jobs that it needs, so that their removal is
    refused.
    """
    free: list[EndedJob] = []
    needed: list[JobRow] = []
    for job in ended:
        read_by = job.row.read_by
        reader = await journal.read(partition, rows.job_key(read_by)) if read_by else None
        if reader is not None and not JobRow.from_row(reader).is_terminal:
            needed.append(job.row)
        else:
            free.append(job)
    return free, needed


async def part_by_projection(
    ended: Sequence[EndedJob], projected_seqs: ProjectedSeqs
) -> tuple[list[EndedJob], list[JobRow]]:
    """Part jobs into those whose last events the read models have, and the others."""
    whole: list[EndedJob] = []
    lacking: list[JobRow] = []
    for start in range(0, len(ended), _GROUP):
        group = ended[start : start + _GROUP]
        submitted = {job.row.job_id: datetime.fromisoformat(job.row.submitted_at) for job in group}
        seqs = await projected_seqs(submitted)
        for job in group:
            if seqs.get(job.row.job_id, 0) >= job.row.seq:
                whole.append(job)
            else:
                lacking.append(job.row)
    return whole, lacking


async def _limit(
    journal: Journal, partition: str, limit: int, stays: Iterable[JobRow], ended: Collection[EndedJob]
) -> int:
    """Return the highest fence up to which all runs are of jobs that may go, and that ran no later."""
    for job in stays:
        if job.attempt:
            limit = min(limit, await _first_fence(journal, partition, job) - 1)
    spread = [job.row for job in ended if job.row.attempt > 1]
    behind = [job for job in spread if job.fence > limit]
    while behind:
        spread = [job for job in spread if job.fence <= limit]
        for job in behind:
            limit = min(limit, await _first_fence(journal, partition, job) - 1)
        behind = [job for job in spread if job.fence > limit]
    return limit


async def _first_fence(journal: Journal, partition: str, job: JobRow) -> int:
    """Return the fence of a job's first run, whose row has only that of the last one."""
    if job.attempt == 1:
        return job.fence
    after = ""
    while page := await journal.read_range(partition, rows.event_prefix(job.job_id), _FIRST_EVENTS, after):
        for row in page:
            if row.values.get("status") == EventStatus.STARTED:
                return int(row.values["fence"] or 0)
        after = page[-1].key
    return job.fence
