"""Reading what a job keeps: parameters, saved state and step results, however much it is."""

from coordination.holder.runs import StepRecord
from coordination.journal import rows
from coordination.journal.persistence import until_known
from coordination.ports import Clock, Journal, Row, UnknownOutcomeError

#: Rows of one read. A row may have 512 KiB; a store that cannot send that many in time is asked for fewer.
_MOST, _FEWEST = 1000, 10


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
