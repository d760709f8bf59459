"""Jobs that have left the journal, put together again from their audit trails."""

from dataclasses import replace
from datetime import timedelta

from tests.unit.coordination.removal_world import Installation
from tests.unit.verification.authored import Author, eventful

from contracts.statuses import EventStatus
from coordination.journal.rows import JobRow
from coordination.ports import Registration
from coordination.retention_times import RetentionTimes
from read_models.archived import read_archived

DAY = 86_400.0

#: What no event says, or what only a job that waits or runs has.
UNSAID = {
    "order": "",
    # Its trace is that of its events; the span of its submission is not known.
    "traceparent": None,
    "parameters": "",
    "request_hash": "",
    "result": "",
    "has_long_result": False,
    "has_traceback": False,
    "step": "",
    "losses": 0,
    "slot": 0,
    "read_by": None,
    "retried_by": None,
}


def said(job: JobRow) -> JobRow:
    return replace(job, **UNSAID)  # type: ignore[arg-type]


def place(author: Author, job: str) -> Registration:
    return Registration(job, author.lock, author.partition, "", author.now)


async def archive(author: Author, times: RetentionTimes, days: float = 1) -> Installation:
    made = Installation()
    made.times = times
    await made.write(author)
    await made.let_go(author.now + timedelta(seconds=days * DAY))
    return made


async def test_an_archived_job_is_what_its_row_said() -> None:
    author = eventful()
    author.finalize(next(job for job, row in author.jobs.items() if row.status == "Failed"), "seen")
    made = await archive(author, RetentionTimes(keep=DAY, ids=DAY))
    assert made.removed() == set(author.jobs)
    for job, row in author.jobs.items():
        archived = await read_archived(made.journal, made.models, place(author, job))
        assert archived is not None
        assert said(archived.job) == said(row)
        assert [entry.event.seq for entry in archived.entries] == list(range(1, row.seq + 1))
        assert archived.archived_at > row.finished_at


async def test_what_its_submission_said_is_there_again() -> None:
    author = Author()
    old = author.submit(expires_in=60.0)
    author.start(old)
    author.end(old, EventStatus.FAILED)
    new = author.submit(retry_of=old, keep=DAY)
    author.cancel(new)
    made = await archive(author, RetentionTimes(ids=DAY))
    archived = await read_archived(made.journal, made.models, place(author, new))
    assert archived is not None
    job = archived.job
    assert (job.retry_of, job.keep, job.actor, job.status) == (old, DAY, author.jobs[new].actor, "Cancelled")
    assert job.cancel_requested


async def test_a_job_that_is_there_or_has_gone_with_its_trail_is_not_archived() -> None:
    author = eventful()
    first = next(iter(author.jobs))
    for times, days in (
        (RetentionTimes(), 1),
        (RetentionTimes(DAY, DAY, DAY), 1),
        (RetentionTimes(DAY, DAY, DAY), 2),
    ):
        made = await archive(author, times, days)
        assert await read_archived(made.journal, made.models, place(author, first)) is None
