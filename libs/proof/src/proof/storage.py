"""The checker's evidence, read from Table Storage and Blob Storage."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, TypeVar

from azure_storage.connection import StorageConnection
from azure_storage.leases import BlobLeases
from azure_storage.names import INDEX, JOURNAL
from azure_storage.read_models import Table
from azure_storage.read_models.stored_rows import StoredRow
from azure_storage.read_models.tables import Tables, plain
from azure_storage.register import ACTIVE, DUE, JOB, SHARDS, TableRegister
from azure_storage.values import decode_values
from coordination.journal import rows
from coordination.journal.events import timestamp
from coordination.journal.rows import EventRow
from coordination.ports import Values
from proof.lists import ListsInStorage
from verification import Place, Stored, TrailEvent

ItemT = TypeVar("ItemT")

#: Rows handed on together.
_PAGE = 500

#: A page of a whole table may take the store a while.
_PAGE_SECONDS = 60.0
_CALL_SECONDS = 10.0

# What jobs keep ("data|...") sorts before the events and is left out. The SDK splits a filter at single
# blanks before it fills in the parameters: the text must stay constant.
_FIRST, _BEHIND, _BEHIND_LINE = "event|", "slot}", "line}"
_ALL_LOCKS = "RowKey ge @first and RowKey lt @behind"
_ONE_LOCK = f"PartitionKey eq @partition and {_ALL_LOCKS}"
_PARTITION = "PartitionKey eq @partition"


class StorageEvidence(ListsInStorage):
    """Reads everything through one connection. Every call raises UnknownOutcomeError."""

    def __init__(self, connection: StorageConnection) -> None:
        super().__init__(connection)
        self._tables = Tables(connection, _PAGE_SECONDS)
        self._register = TableRegister(connection, _CALL_SECONDS)
        self._leases = BlobLeases(connection)

    def journal(self, partition: str | None) -> AsyncIterator[Sequence[Stored]]:
        """Go through the events, jobs, limits, line, mark and slots of one partition, or of all, by key."""
        if partition is not None:
            return self._range(partition, _FIRST, _BEHIND)
        bounds = {"first": _FIRST, "behind": _BEHIND}
        return self._pages(JOURNAL, _ALL_LOCKS, bounds, _stored)

    async def job(self, partition: str, job_id: str) -> Sequence[Stored]:
        """Read the events of one job, in order, and then its row if there is one."""
        events, row = rows.event_prefix(job_id), rows.job_key(job_id)
        return [
            stored
            for first, behind in ((events, f"{events[:-1]}}}"), (row, f"{row} "))
            async for page in self._range(partition, first, behind)
            for stored in page
        ]

    async def line(self, partition: str) -> Sequence[Stored]:
        """Read the row of a lock and its first tickets."""
        bounds = {"partition": partition, "first": rows.LINE, "behind": _BEHIND_LINE}
        return [_stored(row) for row in await self._tables.page(JOURNAL, _ONE_LOCK, bounds, 2)]

    def trail(self, job_id: str | None) -> AsyncIterator[Sequence[TrailEvent]]:
        """Go through the audit trail of one job, or of all, by its keys."""
        if job_id is None:
            return self._pages(Table.AUDIT, "", {}, _trail_event)
        return self._pages(Table.AUDIT, _PARTITION, {"partition": job_id}, _trail_event)

    async def registered(self) -> AsyncIterator[Sequence[Place]]:
        """Go through all ids ever registered, in any order."""
        async for page in self._places(JOB, JOB):
            yield page

    async def find(self, job_id: str) -> Place | None:
        """Look up where a job lives."""
        registration = await self._register.find(job_id)
        return None if registration is None else Place(job_id, registration.partition)

    async def active(self) -> AsyncIterator[Sequence[Place]]:
        """Go through the jobs that are listed as active, in any order."""
        async for page in self._places(ACTIVE, DUE):
            yield page

    async def is_free(self, partition: str) -> bool:
        """Return whether no worker currently holds the lease of a lock."""
        return await self._leases.is_free(partition, _CALL_SECONDS)

    def _range(self, partition: str, first: str, behind: str) -> AsyncIterator[Sequence[Stored]]:
        bounds = {"partition": partition, "first": first, "behind": behind}
        return self._pages(JOURNAL, _ONE_LOCK, bounds, _stored)

    async def _places(self, first: str, last: str) -> AsyncIterator[Sequence[Place]]:
        """Go through the rows of the register from one prefix to another."""
        bounds = {"first": first, "behind": f"{last[:-1]}}}"}
        for shard in SHARDS:
            async for page in self._pages(
                INDEX,
                _ONE_LOCK,
                {"partition": shard, **bounds},
                lambda row: Place(row["RowKey"].rpartition("|")[2], str(row["partition"])),
            ):
                yield page

    async def _pages(
        self, table: str, query: str, parameters: dict[str, str], read: Callable[[Any], ItemT]
    ) -> AsyncIterator[Sequence[ItemT]]:
        page: list[ItemT] = []
        async for entity in self._tables.every(table, query, parameters):
            page.append(read(entity))
            if len(page) == _PAGE:
                yield page
                page = []
        yield page


def _stored(entity: StoredRow) -> Stored:
    return Stored(entity["PartitionKey"], entity["RowKey"], _values(entity), entity.committed)


def _values(entity: Any) -> Values:
    try:
        return decode_values(entity)
    except ValueError:
        # A type that the journal never writes: as text it cannot match the hash of the event.
        return decode_values(
            {
                name: value if isinstance(plain(value), (str, int, float)) else str(value)
                for name, value in entity.items()
            }
        )


def _trail_event(entity: Any) -> TrailEvent:
    partition, key = str(entity["PartitionKey"]), str(entity["RowKey"])
    try:
        event = EventRow(
            job_id=_read(entity, "JobId", str),
            lock_name=_read(entity, "Lock", str),
            seq=_read(entity, "Seq", int),
            status=_read(entity, "Status", str),
            message=_read(entity, "Message", str),
            timestamp=timestamp(entity["TimestampUtc"]),
            attempt=_read(entity, "Attempt", int),
            actor=_read(entity, "Actor", str),
            op_id="",
            hash=_read(entity, "Hash", str),
            fence=_read(entity, "Fence", int) if "Fence" in entity else None,
            worker=_read(entity, "Worker", str) if "Worker" in entity else None,
            data=_read(entity, "Data", str),
            previous_hash=_read(entity, "PreviousHash", str),
        )
        is_broken = bool(entity.get("ChainBroken")) or entity["EventId"] != key
    except (KeyError, AttributeError, TypeError, ValueError) as error:
        # A row that Turnstile did not write: it is shown unchanged and differs from the journal.
        return TrailEvent(partition, key, _unreadable(partition, str(error)), None, is_broken=True)
    return TrailEvent(partition, key, event, entity.get("TraceId"), is_broken)


def _read(entity: Any, name: str, kind: type[ItemT]) -> ItemT:
    value = plain(entity[name])
    if not isinstance(value, kind):
        raise TypeError(f"{name} is {value!r}")
    return value


def _unreadable(job_id: str, why: str) -> EventRow:
    return EventRow(job_id, "", 0, "unreadable", f"not a row of the audit trail: {why}", "", 0, "", "", "")
