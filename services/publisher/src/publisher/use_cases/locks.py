"""Use case: return locks, with their holders and the waiting jobs."""

import asyncio
from dataclasses import dataclass

from contracts import lock_names
from contracts.jobs import MOST_COUNTED, Lock, Page
from coordination.journal import rows
from coordination.journal.line import walk_line
from coordination.journal.rows import LockRow
from coordination.ports import Journal
from coordination.slot import Slot
from publisher.use_cases.documents import moment
from read_models import ReadModels
from submission.fields import shorten

#: Most waiting jobs named by their ids.
_MOST_NAMED = 200

#: Locks read at the same time.
_AT_ONCE = 16


class NoSuchLockError(Exception):
    """No job has ever named the lock."""

    def __init__(self, name: str) -> None:
        super().__init__(f"No job has ever named the lock {shorten(name)!r}")


@dataclass(frozen=True)
class Locks:
    """Returns locks."""

    journal: Journal
    read_models: ReadModels

    async def all(self, limit: int, cursor: str | None = None) -> Page[Lock]:
        """Return locks by name as they are now. Raises UnknownOutcomeError or CursorError."""
        known = await self.read_models.locks(limit, cursor)
        found: list[Lock | None] = []
        for start in range(0, len(known.items), _AT_ONCE):
            batch = known.items[start : start + _AT_ONCE]
            found += await asyncio.gather(*(_read(self.journal, lock.lock) for lock in batch))
        return Page[Lock](items=[lock for lock in found if lock is not None], next=known.next)

    async def one(self, name: str) -> Lock:
        """Return a lock as it is now. Raises NoSuchLockError, LockNameError or UnknownOutcomeError."""
        normalised = lock_names.normalise(name)
        lock = await _read(self.journal, normalised)
        if lock is None:
            raise NoSuchLockError(normalised)
        return lock


async def _read(journal: Journal, name: str) -> Lock | None:
    lock: LockRow | None = None
    line: list[str] = []
    waiting = 0
    async for row in walk_line(journal, Slot(name)):
        if row.key.startswith(rows.LOCKS):
            lock = LockRow.from_row(row)
        else:
            waiting += 1
            if waiting > MOST_COUNTED:
                break
            line += [str(row.values["job_id"])] if len(line) < _MOST_NAMED else []
    if lock is None and not waiting:
        return None
    held = lock is not None and lock.job_id != ""
    return Lock(
        lock=name,
        holder=lock.worker if lock is not None and held else None,
        job_id=lock.job_id if lock is not None and held else None,
        fence=lock.fence if lock is not None else 0,
        since=moment(lock.started_at) if lock is not None and held else None,
        line=line,
        waiting=waiting,
    )
