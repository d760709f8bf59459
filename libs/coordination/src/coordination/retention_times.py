"""For how long what stays of a job that has ended."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from contracts import lock_names
from coordination.journal.removal import RemovedJob
from coordination.journal.rows import JobRow
from coordination.ports import DueRemoval

#: Seconds for which ids stay in use unless a setting says another time.
USUAL_ID_SECONDS = 86_400.0


@dataclass(frozen=True)
class RetentionTimes:
    """How many seconds after a job's end what may go; None for never.

    Nothing of a job goes as long as its id, or its idempotency key, may be asked for. Its audit trail stays
    at least as long as the job.
    """

    #: The job in journal and read models, where its kind says nothing.
    keep: float | None = None
    #: The audit trail of a job that has gone.
    trail: float | None = None
    #: For so long after its end, a repeated submission finds a job; and, after the job and its trail have
    #: gone, its id.
    ids: float = USUAL_ID_SECONDS

    def removal_of(self, job: JobRow) -> DueRemoval | None:
        """Return when a job that has ended leaves the journal; None when it stays for good, or is pinned."""
        keep = self.keep if job.keep is None else job.keep
        if keep is None or job.is_pinned or not job.finished_at:
            return None
        return _due(job, datetime.fromisoformat(job.finished_at), max(keep, self.ids))

    def trail_removal_of(self, job: JobRow | RemovedJob) -> DueRemoval | None:
        """Return when the trail of a job goes that has ended or was removed; None when it stays for good."""
        if self.trail is None:
            return None
        return _due(job, datetime.fromisoformat(job.finished_at), self.trail)

    def forgetting_of(self, job: RemovedJob) -> DueRemoval | None:
        """Return when a removed job without a trail is forgotten; None for one of an earlier release."""
        return _due(job, datetime.fromisoformat(job.removed_at), self.ids) if job.removed_at else None

    def closing_of(self, job: JobRow, at: datetime) -> DueRemoval | None:
        """Return when the row goes that closed an id at a moment, as its submission never arrived."""
        return None if self.keep is None else _due(job, at, self.ids)


def _due(job: JobRow | RemovedJob, since: datetime, seconds: float) -> DueRemoval:
    partition = lock_names.partition(job.lock_name)
    return DueRemoval(job.job_id, job.lock_name, partition, since + timedelta(seconds=seconds))
