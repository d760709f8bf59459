"""Reading the state of a lock from the journal: its row, and the first jobs in line."""

from dataclasses import replace

from contracts.statuses import JobStatus
from coordination.journal import rows
from coordination.journal.limits import read_slots
from coordination.journal.line import walk_line
from coordination.journal.rows import JobRow, LockRow
from coordination.ports import Journal
from coordination.slot import Slot
from dashboard.board.snapshot import LockState, SlotState

#: Waiting jobs that are kept; the others are counted.
MOST_IN_LINE = 200


async def read_lock(journal: Journal, name: str, known: LockState | None = None) -> LockState:
    """Read a lock, in one request for each 500 that wait; one that ever had a limit costs one more.

    `known` is what was read before: the job of a slot is read again only when another one runs there. Raises
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
    before = {} if known is None else {slot.number: slot.running for slot in known.slots}
    running = await _running_in(journal, name, row, before.get(0))
    others = [] if row.limit_number is None else await read_slots(journal, name)
    slots = [
        SlotState(
            each.slot.number,
            each.lock,
            await _running_in(journal, name, each.lock, before.get(each.slot.number)),
        )
        for each in others
    ]
    return LockState(name, row, running, tuple(line), waiting, tuple(slots))


async def with_progress(journal: Journal, lock: LockState) -> LockState:
    """Return a lock with the progress of its jobs as it is now. Raises UnknownOutcomeError."""
    found: dict[int, JobRow | None] = {}
    for slot in lock.held:
        job = await read_running(journal, lock.name, slot.row.job_id)
        if job is None or job.status != JobStatus.RUNNING or job.fence != slot.row.fence:
            return await read_lock(journal, lock.name, lock)
        found[slot.number] = job
    others = tuple(replace(slot, running=found.get(slot.number)) for slot in lock.others)
    return replace(lock, running=found.get(0), others=others)


async def _running_in(journal: Journal, name: str, row: LockRow, known: JobRow | None) -> JobRow | None:
    """Return the job that runs in a slot, which is read if it is another one than the last."""
    if not row.job_id:
        return None
    if known is not None and known.job_id == row.job_id and known.fence == row.fence:
        return known
    return await read_running(journal, name, row.job_id)


async def read_running(journal: Journal, lock_name: str, job_id: str) -> JobRow | None:
    """Read the row of a job, with its progress. Raises UnknownOutcomeError."""
    return JobRow.existing(await journal.read(Slot(lock_name).partition, rows.job_key(job_id)))
