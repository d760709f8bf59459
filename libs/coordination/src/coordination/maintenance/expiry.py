"""Ending the jobs that expire: their times come with the active jobs, so that it costs what is due."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from contracts.statuses import JobStatus
from coordination.clients.expiry import build_expiry
from coordination.clients.job_writer import Change, FoundJob, JobWriter, NoSuchJobError
from coordination.journal.events import Writer
from coordination.journal.rows import JobRow
from coordination.maintenance.pauses import Pace, Pauses
from coordination.maintenance.side_by_side import for_each
from coordination.ports import ActiveJob

#: Who ends a job that expires, or settles one that waits for others, for the audit trail.
ACTOR = "scheduler"


@dataclass
class Expiry:
    """Ends waiting jobs whose time in line is over."""

    writer: JobWriter
    pace: Pace
    #: Jobs that do not expire any more, as they have started or ended, and are active still.
    _settled: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._missing = Pauses(self.writer.clock)

    async def end_due(self, active: Sequence[ActiveJob]) -> list[JobRow]:
        """End those of the active jobs that have expired, and return them. Raises UnknownOutcomeError."""
        now = self.writer.clock.now()
        due = {job.job_id: job for job in active if job.expires_at is not None and job.expires_at <= now}
        self._settled &= due.keys()
        self._missing.forget_all_but(due)
        ended: list[JobRow] = []

        async def end(job: ActiveJob) -> None:
            is_ended_here = False

            def build(found: FoundJob, writer: Writer) -> Change | None:
                nonlocal is_ended_here
                change = build_expiry(found, writer)
                is_ended_here = change is not None
                return change

            try:
                row = await self.writer.change(job, ACTOR, build)
            except NoSuchJobError:
                # Its submission is on its way, or never arrives.
                self._missing.begin(job.job_id, 0, self.pace.first_look, self.pace.longest_look)
                return
            if row.status != JobStatus.QUEUED or row.started_at:
                self._settled.add(job.job_id)
            if is_ended_here:
                ended.append(row)

        left = [job for job_id, job in due.items() if job_id not in self._settled]
        await for_each(end, [job for job in left if self._missing.is_over(job.job_id)])
        return ended
