"""The limit of a lock: how many slots it has, the rows that say so, and the records of who set it when.

One transaction sets a limit. It opens or closes the rows of other slots than slot 0, each at the version
read, so that it and a start in one of them exclude each other. What holders write is left as it is.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from contracts.policies import MOST_SLOTS
from coordination.journal import rows
from coordination.journal.events import Writer
from coordination.journal.line import check_lock
from coordination.journal.rows import LockRow, Record
from coordination.ports import Insert, Journal, Operation, Row, Transaction, Update
from coordination.slot import Slot

#: The records of a lock's limits.
RECORDS = "limit|"


def record_key(number: int) -> str:
    """Key of the record of a limit."""
    return f"{RECORDS}{number:06d}"


@dataclass(frozen=True)
class LimitRecord(Record):
    """Who set the limit of a lock, when, from what to what, and why. It never changes."""

    lock_name: str
    #: Counts from 1.
    number: int
    limit: int
    #: The limit before.
    previous: int
    actor: str
    reason: str
    #: ISO 8601.
    at: str
    op_id: str
    #: JSON object: the slots that it opened or closed, each with its fence at that moment. What was started
    #: under a higher fence was started later.
    fences: str
    hash: str = ""
    #: Hash of the record before; empty for the first.
    previous_hash: str = ""

    @property
    def computed_hash(self) -> str:
        """The hash that it must have: over what it says and the hash of the record before it."""
        facts = [value for name, value in self.values().items() if name not in {"hash", "op_id"}]
        return hashlib.sha256(json.dumps(facts, separators=(",", ":")).encode()).hexdigest()


@dataclass(frozen=True)
class SlotRow:
    """The lock row of a slot, as it was read."""

    slot: Slot
    lock: LockRow
    etag: str

    @property
    def is_idle(self) -> bool:
        """Whether a job may be started in it, as it names none."""
        return not self.lock.is_closed and not self.lock.job_id


@dataclass(frozen=True)
class Limit:
    """The limit of a lock, and the versions of the rows that say so."""

    lock_name: str
    #: The row of slot 0; None while the lock was never used and no limit was set.
    first: Row | None
    last: LimitRecord | None
    slots: Sequence[SlotRow]

    @property
    def limit(self) -> int:
        """How many slots the lock has."""
        return 1 if self.first is None else LockRow.from_row(self.first).limit or 1


async def read_slots(journal: Journal, lock_name: str) -> list[SlotRow]:
    """Read the rows of all slots but slot 0, also of those that are closed. Raises UnknownOutcomeError."""
    partition = Slot(lock_name).partition
    found = await journal.read_range(partition, rows.SLOTS, limit=MOST_SLOTS)
    return [
        SlotRow(Slot(lock_name, int(row.key.removeprefix(rows.SLOTS))), LockRow.from_row(row), row.etag)
        for row in found
    ]


async def read_limit(journal: Journal, lock_name: str) -> Limit:
    """Read the limit of a lock. Raises UnknownOutcomeError, and WrongLockError as `read_line` does."""
    partition = Slot(lock_name).partition
    first = await journal.read(partition, rows.lock_key())
    number = None
    if first is not None:
        lock = LockRow.from_row(first)
        check_lock(lock_name, lock)
        number = lock.limit_number
    if number is None:
        return Limit(lock_name, first, None, ())
    row = await journal.read(partition, record_key(number))
    last = None if row is None else LimitRecord.from_row(row)
    return Limit(lock_name, first, last, await read_slots(journal, lock_name))


async def read_records(journal: Journal, lock_name: str) -> list[LimitRecord]:
    """Read the records of all limits that a lock had, oldest first. Raises UnknownOutcomeError."""
    found = await journal.read_range(Slot(lock_name).partition, RECORDS)
    return [LimitRecord.from_row(row) for row in found]


def build_limit(
    found: Limit, limit: int, writer: Writer, reason: str = ""
) -> tuple[LimitRecord, Transaction]:
    """Build the transaction that sets a limit, from 1 to MOST_SLOTS, which is not the one of now."""
    # Rule S4 (spec/slots.pml): one transaction records the limit and opens or closes the slots between.
    number = 1 if found.last is None else found.last.number + 1
    known = {each.slot.number: each for each in found.slots}
    fences: dict[str, int] = {}
    operations: list[Operation] = []
    for slot in (Slot(found.lock_name, number) for number in range(1, MOST_SLOTS)):
        row, is_closed = known.get(slot.number), slot.number >= limit
        if row is None:
            if not is_closed:
                fences[str(slot.number)] = 0
                made = LockRow(found.lock_name, is_closed=False)
                operations.append(Insert(slot.lock_key, made.values()))
        elif bool(row.lock.is_closed) != is_closed:
            fences[str(slot.number)] = row.lock.fence
            # Not its `op_id`: by that, its holder recognises its own last write.
            operations.append(Update(slot.lock_key, {"is_closed": is_closed}, row.etag))
    record = LimitRecord(
        lock_name=found.lock_name,
        number=number,
        limit=limit,
        previous=found.limit,
        actor=writer.actor,
        reason=reason,
        at=writer.at,
        op_id=writer.op_id,
        fences=json.dumps(fences, separators=(",", ":")),
        previous_hash="" if found.last is None else found.last.hash,
    )
    record = replace(record, hash=record.computed_hash)
    said = {"limit": limit, "limit_number": number}
    first = (
        Insert(rows.lock_key(), LockRow(found.lock_name).values() | said)
        if found.first is None
        else Update(rows.lock_key(), said, found.first.etag)
    )
    operations += [first, Insert(record_key(number), record.values())]
    return record, Transaction(writer.op_id, operations)
