"""Reading what a job keeps: parameters, saved state and step results, however much it is."""

from dataclasses import dataclass, field

from coordination.holder.runs import StepRecord
from coordination.journal import rows
from coordination.journal.persistence import until_known
from coordination.journal.rows import JobRow
from coordination.ports import Clock, Journal, Row, UnknownOutcomeError

#: Rows of one read. A row may have 512 KiB; a store that cannot send that many in time is asked for fewer.
_MOST, _FEWEST = 1000, 10


@dataclass
class KeptData:
    """What a run continues with."""

    #: JSON object.
    parameters: str
    #: JSON, and the version of its row where that is the job's own.
    state: str | None = None
    state_etag: str | None = None
    #: In the order of recording, those of the jobs that a retry continues first.
    recorded: list[StepRecord] = field(default_factory=list)

    def take(self, kept: list[Row], job_id: str, *, is_own: bool) -> None:
        """Take in what a job keeps; of a job that is continued, only steps and state."""
        for row in kept:
            if row.key == rows.parameters_key(job_id) and is_own:
                self.parameters = rows.join_text(row.values)
            elif row.key == rows.state_key(job_id):
                self.state, self.state_etag = rows.join_text(row.values), row.etag if is_own else None
            elif row.key.startswith(rows.step_prefix(job_id)):
                self.recorded.append(step_in(row))


async def read_kept_data(
    journal: Journal, clock: Clock, partition: str, job: JobRow, until: float
) -> KeptData:
    """Return what earlier attempts left; a first attempt with short parameters needs no read.

    A retry continues with the steps and the state of the jobs that its history names. Raises
    UnknownOutcomeError once the boot clock has passed `until`.
    """
    data = KeptData(job.parameters)
    if job.attempt == 1 and job.parameters:
        return data
    own = await read_kept_rows(journal, clock, partition, job.job_id, until)
    for row in own:
        if row.key == rows.history_key(job.job_id):
            for job_id in rows.join_text(row.values).split():
                earlier = await read_kept_rows(journal, clock, partition, job_id, until)
                data.take(earlier, job_id, is_own=False)
    data.take(own, job.job_id, is_own=True)
    return data


async def read_kept_rows(
    journal: Journal, clock: Clock, partition: str, job_id: str, until: float
) -> list[Row]:
    """Read all rows that a job keeps, in key order; one request for up to 999 rows that arrive in time.

    Raises UnknownOutcomeError once the boot clock has passed `until`.
    """
    kept: list[Row] = []
    most = _MOST

    async def read_next() -> list[Row]:
        nonlocal most
        after = kept[-1].key if kept else ""
        try:
            return await journal.read_range(partition, rows.data_prefix(job_id), most, after)
        except UnknownOutcomeError:
            most = max(_FEWEST, most // 10)
            raise

    while True:
        found = await until_known(clock, read_next, until)
        kept += found
        if len(found) < most:
            return kept


def step_in(row: Row) -> StepRecord:
    """Return the step that a row records."""
    naming = row.values.get("naming")
    return StepRecord(
        str(row.values["name"]), rows.join_text(row.values), naming if isinstance(naming, int) else 1
    )
