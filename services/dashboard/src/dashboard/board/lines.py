"""Reading the state of a lock from the journal: its row, and the first jobs in line."""

from coordination.journal import rows
from coordination.journal.line import walk_line
from coordination.journal.rows import JobRow, LockRow
from coordination.ports import Journal
from coordination.slot import Slot
from dashboard.board.snapshot import LockState

#: Waiting jobs that are kept; the others are counted.
MOST_IN_LINE = 200


async def read_lock(journal: Journal, name: str, running: JobRow | None = None) -> LockState:
    """Read a lock, in one request for each 500 that wait.

    `running` is what is known of the job that ran there last: it is read again only when another runs. Raises
    UnknownOutcomeError.
    """
    row = LockRow(name)
    line: list[JobRow] = []
    waiting = 0
    async for found in walk_line(journal, Slot(name)):
        if found.key.startswith(rows.LOCKS):
            row = LockRow.from_row(found)
        else:
            waiting += 1
            line += [JobRow.from_row(found)] if len(line) < MOST_IN_LINE else []
    if not row.job_id:
        running = None
    elif running is None or running.job_id != row.job_id or running.fence != row.fence:
        running = await read_running(journal, name, row.job_id)
    return LockState(name, row, running, tuple(line), waiting)


async def read_running(journal: Journal, lock_name: str, job_id: str) -> JobRow | None:
    """Read the row of a job, with its progress. Raises UnknownOutcomeError."""
    return JobRow.existing(await journal.read(Slot(lock_name).partition, rows.job_key(job_id)))
