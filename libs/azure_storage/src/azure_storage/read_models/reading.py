"""Reading the read models: lists, newest first where that makes sense, continued by cursors."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from azure_storage.connection import StorageConnection
from azure_storage.read_models import keys, rows
from azure_storage.read_models.documents import KnownLock, LockRun, Summary
from azure_storage.read_models.tables import Table, Tables, plain
from azure_storage.read_models.writing import FENCES, KINDS, LOCKS, PLACES, WORKERS
from contracts import lock_names
from contracts.jobs import Event, Kind, Page, Worker

# The SDK splits a filter at single blanks before it fills in the parameters: parameters stand alone between
# blanks, and the text stays constant.
_MINUTES = (
    "PartitionKey ge @partition and ( PartitionKey gt @partition or RowKey gt @row ) and PartitionKey lt @end"
)
_PARTITION = "PartitionKey eq @partition and RowKey gt @row"

#: Minutes are digits; what sorts behind them is something else.
_AFTER_MINUTES = ":"

_FILTERS = {"status": "Status", "kind": "Kind", "lock": "Lock"}


class ReadModels:
    """Reads what the projector and the workers wrote.

    Every call raises UnknownOutcomeError when the storage does not answer; those that take a cursor raise
    ValueError for one that was not given by an earlier answer.
    """

    def __init__(self, connection: StorageConnection, timeout: float = 5.0) -> None:
        self._tables = Tables(connection, timeout)

    async def prepare(self) -> None:
        """Create the tables that do not exist yet."""
        await self._tables.prepare()

    async def check(self) -> None:
        """Do nothing but see whether the tables are there and answer."""
        await self._tables.check()

    async def recent_events(self, limit: int, cursor: str | None = None) -> Page[Event]:
        """Return events of all jobs, newest first."""
        found, following = await self._newest(Table.RECENT_EVENTS, limit, cursor)
        return Page[Event](items=[rows.read_event(row) for row in found], next=following)

    async def audit_trail(self, job_id: str) -> list[Event]:
        """Return all events of a job that are projected, in order."""
        query = self._tables.every(Table.AUDIT, _PARTITION, {"partition": job_id, "row": ""})
        return [rows.read_event(row) async for row in query]

    async def summaries(
        self,
        limit: int,
        cursor: str | None = None,
        *,
        status: str | None = None,
        kind: str | None = None,
        lock: str | None = None,
    ) -> Page[Summary]:
        """Return jobs, the last submitted first, of one status, kind or lock if given."""
        wanted = {"status": status, "kind": kind, "lock": lock}
        given = {name: value for name, value in wanted.items() if value is not None}
        found, following = await self._newest(Table.SUMMARIES, limit, cursor, given)
        return Page[Summary](items=[rows.read_summary(row) for row in found], next=following)

    async def projected_seq(self, job_id: str) -> int:
        """Tell up to which event a job is projected; 0 when it is not."""
        place = await self._tables.get(Table.SUMMARIES, f"{PLACES}{job_id}", "summary")
        if place is None:
            return 0
        key = place["SummaryPartition"], place["SummaryRow"]
        row = await self._tables.get(Table.SUMMARIES, *key)
        return 0 if row is None else int(row["ProjectedSeq"])

    async def lock_runs(self, lock: str, limit: int, cursor: str | None = None) -> Page[LockRun]:
        """Return who held a lock, the latest fence first. A page may be short although more follow."""
        partition = lock_names.partition(lock)
        if cursor is None:
            known = await self._tables.get(Table.LOCKS, LOCKS, partition)
            high = 1 + (0 if known is None else int(plain(known["LastFence"])))
        else:
            (text,) = keys.read_cursor(cursor, 1)
            if not text.isdecimal():
                raise keys.CursorError
            high = int(text)
        low = max(high - limit, 0)
        bounds = {"partition": partition, "low": keys.fence_key(low), "high": keys.fence_key(high)}
        found = await self._tables.page(Table.LOCK_RUNS, FENCES, bounds, limit)
        following = keys.write_cursor(str(low)) if low > 1 else None
        return Page[LockRun](items=[rows.read_lock_run(row) for row in reversed(found)], next=following)

    async def locks(self, limit: int, cursor: str | None = None) -> Page[KnownLock]:
        """Return the locks that were ever used, by name, as far as a name is plain letters and digits."""
        row = "" if cursor is None else keys.read_cursor(cursor, 1)[0]
        parameters = {"partition": LOCKS, "row": row}
        found = await self._tables.page(Table.LOCKS, _PARTITION, parameters, limit + 1)
        more = len(found) > limit
        found = found[:limit]
        following = keys.write_cursor(found[-1]["RowKey"]) if more else None
        return Page[KnownLock](items=[rows.read_lock(row) for row in found], next=following)

    async def lock_names(self, limit: int, cursor: str | None = None) -> Page[str]:
        """Return the names of locks that were ever used."""
        page = await self.locks(limit, cursor)
        return Page[str](items=[lock.lock for lock in page.items], next=page.next)

    async def kinds(self) -> list[Kind]:
        """Return the kinds that workers have published."""
        return [Kind.model_validate_json(text) async for text in self._documents(Table.KINDS, KINDS)]

    async def workers(self) -> list[Worker]:
        """Return the latest heartbeat of every worker, also of those that are gone."""
        texts = self._documents(Table.WORKERS, WORKERS)
        return [Worker.model_validate_json(text) async for text in texts]

    async def _documents(self, table: str, shelf: str) -> AsyncIterator[str]:
        async for row in self._tables.every(table, _PARTITION, {"partition": shelf, "row": ""}):
            yield rows.read_document(row)

    async def _newest(
        self, table: str, limit: int, cursor: str | None, wanted: Mapping[str, str] | None = None
    ) -> tuple[list[Any], str | None]:
        partition, row = ("", "") if cursor is None else keys.read_cursor(cursor, 2)
        query, parameters = _MINUTES, {"partition": partition, "row": row, "end": _AFTER_MINUTES}
        for name, value in (wanted or {}).items():
            query += f" and {_FILTERS[name]} eq @{name}"
            parameters[name] = value
        found = await self._tables.page(table, query, parameters, limit + 1)
        if len(found) <= limit:
            return found, None
        last = found[limit - 1]
        return found[:limit], keys.write_cursor(last["PartitionKey"], last["RowKey"])
