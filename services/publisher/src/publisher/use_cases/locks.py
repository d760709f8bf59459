"""Use cases: return locks, with their holders and the waiting jobs, and set their limits."""

import asyncio
from dataclasses import dataclass
from datetime import datetime

from contracts import lock_names
from contracts.jobs import MOST_COUNTED, Lock, LockLimit, LockSlot, Page
from coordination.clients.limits import LimitSetter
from coordination.journal import rows
from coordination.journal.limits import LimitRecord, SlotRow, read_records, read_slots
from coordination.journal.line import walk_line
from coordination.journal.rows import LockRow
from coordination.ports import Journal
from coordination.slot import Slot
from publisher.use_cases.documents import moment
from read_models import ReadModels
from submission.fields import shorten

#: Most waiting jobs named by their ids.
_MOST_NAMED = 200

#: Most limits named that a lock had.
_MOST_LIMITS = 20

#: Locks read at the same time.
_AT_ONCE = 16


class NoSuchLockError(Exception):
    """No job has ever named the lock."""

    def __init__(self, name: str) -> None:
        super().__init__(f"No job has ever named the lock {shorten(name)!r}")


@dataclass(frozen=True)
class Locks:
    """Returns locks, and sets their limits."""

    journal: Journal
    read_models: ReadModels
    setter: LimitSetter

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
        lock = await _read(self.journal, normalised, with_limits=True)
        if lock is None:
            raise NoSuchLockError(normalised)
        return lock

    async def set_limit(self, name: str, limit: int, actor: str, reason: str = "") -> Lock:
        """Set how many jobs of a lock may run at the same time, and return the lock as it is then.

        Raises LockNameError, LimitOutOfRangeError or UnknownOutcomeError.
        """
        await self.setter.set(lock_names.normalise(name), limit, actor, reason)
        return await self.one(name)


async def _read(journal: Journal, name: str, *, with_limits: bool = False) -> Lock | None:
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
    slots: list[SlotRow] = []
    records: list[LimitRecord] = []
    if lock is not None and lock.limit_number is not None:
        slots = await read_slots(journal, name)
        records = await read_records(journal, name) if with_limits else []
    return Lock(
        lock=name,
        holder=lock.worker if lock is not None and held else None,
        job_id=lock.job_id if lock is not None and held else None,
        fence=lock.fence if lock is not None else 0,
        since=moment(lock.started_at) if lock is not None and held else None,
        line=line,
        waiting=waiting,
        limit=(lock.limit if lock is not None else None) or 1,
        slots=[_slot(each) for each in slots if each.lock.job_id or not each.lock.is_closed],
        limits=[_limit(record) for record in reversed(records[-_MOST_LIMITS:])],
    )


def _slot(found: SlotRow) -> LockSlot:
    lock = found.lock
    return LockSlot(
        number=found.slot.number,
        open=not lock.is_closed,
        holder=lock.worker if lock.job_id else None,
        job_id=lock.job_id or None,
        fence=lock.fence,
        since=moment(lock.started_at) if lock.job_id else None,
    )


def _limit(record: LimitRecord) -> LockLimit:
    return LockLimit(
        limit=record.limit,
        previous=record.previous,
        actor=record.actor,
        reason=record.reason,
        set_at=datetime.fromisoformat(record.at),
    )
