"""What a job keeps in addition to its row: parameters, saved state, result, traceback, recorded steps."""

from collections.abc import Iterable
from dataclasses import dataclass

from coordination.journal import rows
from coordination.journal.rows import JobRow
from coordination.ports import Journal, Row

#: Recorded steps that are read with the rest; a job may have many more.
MOST_STEPS = 50

#: Followers that are named.
MOST_FOLLOWERS = 20

#: Rows of a job that sort before its steps: parameters, result, state.
_BEFORE_STEPS = 3


@dataclass(frozen=True)
class RecordedStep:
    """A step that is not run again, with its result as JSON."""

    number: int
    name: str
    result: str


@dataclass(frozen=True)
class KeptData:
    """What a job keeps, as JSON. None is what there is not."""

    parameters: str = "{}"
    state: str | None = None
    result: str | None = None
    traceback: str | None = None
    #: The first of them.
    steps: tuple[RecordedStep, ...] = ()
    #: Ids of jobs that wait, or waited, for its end: the first of them.
    followers: tuple[str, ...] = ()


async def read_kept_data(journal: Journal, partition: str, job: JobRow) -> KeptData:
    """Read what a job keeps, in one request, one more for a traceback and for followers.

    Raises UnknownOutcomeError.
    """
    most = _BEFORE_STEPS + MOST_STEPS
    found = await journal.read_range(partition, rows.data_prefix(job.job_id), most)
    texts = _by_key(found)
    traceback = texts.get(rows.traceback_key(job.job_id))
    if job.has_traceback and traceback is None:
        row = await journal.read(partition, rows.traceback_key(job.job_id))
        traceback = None if row is None else rows.join_text(row.values)
    return KeptData(
        parameters=job.parameters or texts.get(rows.parameters_key(job.job_id), "{}"),
        state=texts.get(rows.state_key(job.job_id)),
        result=job.result or texts.get(rows.result_key(job.job_id)),
        traceback=traceback,
        steps=tuple(_steps(found, rows.step_prefix(job.job_id)))[:MOST_STEPS],
        followers=await _followers(journal, partition, job) if job.has_followers else (),
    )


async def _followers(journal: Journal, partition: str, job: JobRow) -> tuple[str, ...]:
    prefix = rows.followers_prefix(job.job_id)
    found = await journal.read_range(partition, prefix, MOST_FOLLOWERS)
    return tuple(row.key.removeprefix(prefix) for row in found)


def _by_key(found: Iterable[Row]) -> dict[str, str]:
    return {row.key: rows.join_text(row.values) for row in found if "text_chunks" in row.values}


def _steps(found: Iterable[Row], prefix: str) -> Iterable[RecordedStep]:
    for row in found:
        if row.key.startswith(prefix):
            number = int(row.key.removeprefix(prefix))
            yield RecordedStep(number, str(row.values.get("name", "")), rows.join_text(row.values))
