"""What stays of a list while it refreshes: rows that the viewer looks at, and jobs that the viewer chose."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from contracts.jobs import JobSummary
from dashboard.bulk import Chosen
from dashboard.reading.jobs import JobList

Choice = Mapping[str, Chosen]


@dataclass(frozen=True)
class Refreshed:
    """A list after a refresh, and how many new jobs it does not show yet."""

    list: JobList
    new: int = 0


def refreshed(shown: JobList, fresh: JobList, *, keep_rows: bool) -> Refreshed:
    """Return what to show after a refresh; with `keep_rows`, new jobs do not push the others away."""
    if not keep_rows:
        return Refreshed(fresh)
    latest = {job.job_id: job for job in fresh.jobs}
    known = {job.job_id for job in shown.jobs}
    jobs = [latest.get(job.job_id, job) for job in shown.jobs]
    new = sum(job.job_id not in known for job in _before_known(fresh.jobs, known))
    return Refreshed(JobList(jobs, shown.next, shown.looked_through, shown.back_to), new)


def _before_known(jobs: Iterable[JobSummary], known: Collection[str]) -> Sequence[JobSummary]:
    """Return the jobs in front of the first one that is known; others came in by a filter, further down."""
    found: list[JobSummary] = []
    for job in jobs:
        if job.job_id in known:
            break
        found.append(job)
    return found


def as_chosen(job: JobSummary) -> Chosen:
    """Return a job as it is chosen."""
    return Chosen(job.job_id, job.name or job.kind, job.status.value, job.lock)


def chosen_after(choice: Choice, picked: Collection[str], on_page: Iterable[JobSummary]) -> dict[str, Chosen]:
    """Return the choice after boxes were checked or cleared: jobs of other pages stay chosen."""
    kept = {job_id: job for job_id, job in choice.items() if job_id in picked}
    added = {job.job_id: as_chosen(job) for job in on_page if job.job_id in picked}
    return {**kept, **added}


def up_to_date(choice: Choice, jobs: Iterable[JobSummary]) -> dict[str, Chosen]:
    """Return the choice with the latest states of the jobs that were just read."""
    latest = {job.job_id: as_chosen(job) for job in jobs if job.job_id in choice}
    return {**choice, **latest}


def counts_by_status(jobs: Iterable[Chosen]) -> dict[str, int]:
    """Return how many of the jobs are in each state, the most frequent first."""
    counts: dict[str, int] = {}
    for job in jobs:
        counts[job.status] = counts.get(job.status, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
