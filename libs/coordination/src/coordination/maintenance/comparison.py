"""Comparing active jobs with the read models: announces again what was lost, and takes off what is over.

Jobs are compared in groups, as their rows and their summaries are neighbours: ten thousand jobs that wait in
one line cost a few requests. A job is left alone until patience is over, and after a comparison for a pause
that grows while nothing happens to it.
"""

import itertools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from contracts.statuses import JobStatus
from coordination.journal import rows
from coordination.journal.many_jobs import read_jobs
from coordination.journal.rows import JobRow
from coordination.maintenance.pauses import Pace, Pauses, Stillness, age
from coordination.maintenance.side_by_side import AT_ONCE, for_each
from coordination.ports import (
    ActiveJob,
    Announcement,
    Clock,
    DueRemoval,
    Insert,
    JobRegister,
    Journal,
    RefusedError,
    Transaction,
)
from coordination.retention_times import RetentionTimes

#: Returns the number of the last event that the read models have of each job, by job id; 0, or nothing, for
#: none. The jobs are given with the times at which they were submitted.
ProjectedSeqs = Callable[[Mapping[str, datetime]], Awaitable[Mapping[str, int]]]

#: Jobs of one lock that are compared together.
_GROUP = 500


@dataclass
class Compared:
    """What a pass did."""

    #: Jobs whose events the read models had not heard of.
    announced: int = 0
    #: Registered ids whose submission never arrived.
    abandoned: int = 0


@dataclass
class Comparison:
    """Compares jobs, those first that the pass before had no time for."""

    journal: Journal
    register: JobRegister
    announce: Callable[[Sequence[Announcement]], None]
    clock: Clock
    projected_seqs: ProjectedSeqs
    #: For how long each active job has been seen.
    jobs: Stillness
    pace: Pace
    times: RetentionTimes
    _position: tuple[str, str] = ("", "")

    def __post_init__(self) -> None:
        self._tellings = Pauses(self.clock)
        self._looks = Pauses(self.clock)
        self._projections = Stillness(self.clock)
        self._ends = Stillness(self.clock)

    def forget_all_but(self, jobs: set[str]) -> None:
        """Drop what is remembered of jobs that are not active any more."""
        for about_jobs in (self._projections, self._tellings, self._looks, self._ends):
            about_jobs.forget_all_but(jobs)

    async def compare_some(self, waited: Sequence[ActiveJob]) -> Compared:
        """Compare as many jobs as there is time for, going on behind those of the pass before.

        Raises UnknownOutcomeError.
        """
        compared = Compared()
        until = self.clock.boot() + self.pace.compare_seconds
        due = sorted((job for job in waited if self._looks.is_over(job.job_id)), key=_place)
        groups = list(_groups([job for job in due if _place(job) > self._position]))
        self._position = ("", "")
        for start in range(0, len(groups), AT_ONCE):
            if self.clock.boot() > until:
                self._position = _place(groups[start - 1][-1])
                break
            await self._compare(groups[start : start + AT_ONCE], compared)
        return compared

    def end_pauses(self) -> None:
        """Let the next pass compare all jobs."""
        self._looks.end_all()

    async def _compare(self, groups: Sequence[Sequence[ActiveJob]], compared: Compared) -> None:
        """Compare jobs of several locks: their rows lie apart, their summaries together."""
        found: dict[str, JobRow] = {}

        async def read(group: Sequence[ActiveJob]) -> None:
            found.update(await read_jobs(self.journal, group[0].partition, [job.job_id for job in group]))

        await for_each(read, groups)
        submitted = {
            job_id: datetime.fromisoformat(row.submitted_at)
            for job_id, row in found.items()
            if not row.is_tombstone
        }
        projected = await self.projected_seqs(submitted) if submitted else {}

        async def compare(group: Sequence[ActiveJob]) -> None:
            for active in group:
                row = found.get(active.job_id)
                if row is None:
                    await self._close_if_abandoned(active, compared)
                elif row.is_tombstone:
                    await self._retire(active)
                else:
                    await self._compare_one(active, row, projected.get(active.job_id, 0), compared)

        await for_each(compare, groups)

    async def _compare_one(self, active: ActiveJob, job: JobRow, projected: int, compared: Compared) -> None:
        """Announce again what the read models lack: when the last event is lost, no gap shows it."""
        if job.seq > projected:
            is_told = self._announce(job, projected)
            compared.announced += is_told
        elif JobStatus(job.status).is_terminal:
            # The projector of its last event is about to do the same.
            if self._ends.seconds(job.job_id, job.seq) > self.pace.patience:
                await self._retire(active, self.times.removal_of(job))
        else:
            self._begin_look(active, job.seq)

    def _announce(self, job: JobRow, projected: int) -> bool:
        still = self._projections.seconds(job.job_id, projected)
        if projected == 0:
            # Its first event is missing for as long as there is the job.
            still = max(still, self.jobs.seconds(job.job_id))
        if not self._tellings.is_over(job.job_id, projected):
            return False
        if still <= self.pace.patience and not self._is_old(job, projected):
            return False
        self._tellings.begin(job.job_id, projected, self.pace.first_pause, self.pace.longest_pause)
        self.announce([Announcement(job.lock_name, job.job_id, projected + 1, job.seq, job.traceparent)])
        return True

    def _is_old(self, job: JobRow, projected: int) -> bool:
        """Return whether the first missing event is old enough, as far as the job's row says."""
        # The first event; or the last, and the first missing one is not younger than that.
        since = job.submitted_at if projected == 0 else job.finished_at
        return bool(since) and age(datetime.fromisoformat(since), self.clock) > self.pace.patience

    async def _close_if_abandoned(self, active: ActiveJob, compared: Compared) -> None:
        if age(active.registered_at, self.clock) > self.pace.abandoned_after:
            is_closed = await self._abandon(active)
            compared.abandoned += is_closed
        self._begin_look(active, 0)

    async def _abandon(self, active: ActiveJob) -> bool:
        """Close a registered id for good: a submission that still arrives finds the row and is refused."""
        # Rule R22 (spec/turnstile.pml): an insert closes an id that has no job; a job's row refuses it.
        tombstone = JobRow(active.job_id, "", active.lock_name, status=JobRow.TOMBSTONE)
        closing = Transaction(
            f"tombstone:{active.job_id}", [Insert(rows.job_key(active.job_id), tombstone.values())]
        )
        try:
            await self.journal.commit(active.partition, closing, self.pace.call_timeout)
        except RefusedError:
            return False
        await self._retire(active, self.times.closing_of(tombstone, self.clock.now()))
        return True

    async def _retire(self, active: ActiveJob, removal: DueRemoval | None = None) -> None:
        await self.register.retire(active.job_id, active.due_at, removal)

    def _begin_look(self, active: ActiveJob, seq: int) -> None:
        self._looks.begin(active.job_id, seq, self.pace.first_look, self.pace.longest_look)


def _place(job: ActiveJob) -> tuple[str, str]:
    return job.partition, job.job_id


def _groups(jobs: Sequence[ActiveJob]) -> list[list[ActiveJob]]:
    """Part jobs, which are in order, into groups of one lock."""
    groups = []
    for _, of_lock in itertools.groupby(jobs, key=lambda job: job.partition):
        left = list(of_lock)
        groups += [left[start : start + _GROUP] for start in range(0, len(left), _GROUP)]
    return groups
