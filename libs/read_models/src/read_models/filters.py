"""Which jobs a list contains."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime

from contracts.jobs import JobSummary
from contracts.statuses import JobStatus


@dataclass(frozen=True)
class JobFilter:
    """The jobs that a list contains: those that fit all that is given.

    Without any, all jobs fit but those that were finalized.
    """

    #: One of these; empty for any.
    statuses: Set[JobStatus] = frozenset()
    kinds: Set[str] = frozenset()
    #: The normalised name of the lock.
    lock: str | None = None
    #: The worker of the latest run.
    worker: str | None = None
    submitted_from: datetime | None = None
    #: Submitted earlier than this moment; a job submitted at this very moment does not fit.
    submitted_before: datetime | None = None
    #: Upper and lower case differ.
    name_prefix: str = ""
    #: A part of the name or of the id; upper and lower case do not differ.
    name_contains: str = ""
    #: Whether its runs were interrupted at least once.
    taken_over: bool = False
    #: Also the jobs that were finalized.
    with_finalized: bool = False
    #: Values that the job's properties of these names have.
    properties: Mapping[str, str] = field(default_factory=dict)

    def fits(self, job: JobSummary) -> bool:
        """Return whether a list with this filter contains the job."""
        return (
            (not self.statuses or job.status in self.statuses)
            and (not self.kinds or job.kind in self.kinds)
            and self.lock in {None, job.lock}
            and self.worker in {None, job.worker}
            and (self.submitted_from is None or job.submitted_at >= self.submitted_from)
            and (self.submitted_before is None or job.submitted_at < self.submitted_before)
            and job.name.startswith(self.name_prefix)
            and (not self.name_contains or self._is_named(job))
            and (not self.taken_over or job.interruptions > 0)
            and (self.with_finalized or not job.finalized)
            and self.properties.items() <= job.properties.items()
        )

    def _is_named(self, job: JobSummary) -> bool:
        part = self.name_contains.casefold()
        return part in job.name.casefold() or part in job.job_id.casefold()
