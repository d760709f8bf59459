"""Reading the read models: lists, newest first where that makes sense, continued by cursors."""

from collections.abc import Mapping
from datetime import datetime

from azure_storage.connection import StorageConnection
from azure_storage.read_models import keys, lock_rows, rows
from azure_storage.read_models.job_pages import JobPages
from azure_storage.read_models.job_queries import AFTER_MINUTES
from azure_storage.read_models.neighbours import FENCES
from azure_storage.read_models.projected import projected_seqs
from azure_storage.read_models.stored_rows import StoredRow
from azure_storage.read_models.tables import Table, Tables, plain
from azure_storage.read_models.writing import LOCKS, OVERLAPS
from contracts import lock_names
from contracts.jobs import Event, JobPage, Page
from coordination.slot import Slot
from read_models.cursors import CursorError, read_cursor, write_cursor
from read_models.documents import KnownLock, LockRun, Overlap, TrailEntry
from read_models.filters import JobFilter
from read_models.lists import EVENTS, lock_runs_list, locks_list

# The SDK splits a filter at single blanks before it fills in the parameters: parameters stand alone between
# blanks, and the text stays constant.
_MINUTES = (
    "PartitionKey ge @partition and ( PartitionKey gt @partition or RowKey gt @row ) and PartitionKey lt @end"
)
_PARTITION = "PartitionKey eq @partition and RowKey gt @row"
_PARTITION_UP_TO = f"{_PARTITION} and RowKey lt @end"

#: Sorts behind every character of a lock's partition.
_BEHIND_PARTITIONS = "~"


class TableReadModels:
    """Implements `read_models.ReadModels`. A page of jobs takes at most `most_requests` requests.

    A page that comes from the lists of several rare states takes that many for each.
    """

    def __init__(
        self,
        connection: StorageConnection,
        timeout: float = 5.0,
        *,
        most_requests: int = 3,
        rows_per_request: int = 1000,
    ) -> None:
        self._tables = Tables(connection, timeout)
        # Where few rows fit, the storage answers after five seconds with what it has found until then.
        self._job_pages = JobPages(Tables(connection, timeout + 5.0), most_requests, rows_per_request)

    async def prepare(self) -> None:
        """Create the tables that do not exist yet."""
        await self._tables.prepare()

    async def check(self) -> None:
        """Do nothing but see whether the tables are there and answer."""
        await self._tables.check()

    async def jobs(self, wanted: JobFilter, limit: int, cursor: str | None = None) -> JobPage:
        """Return jobs, the last submitted first."""
        return await self._job_pages.page(wanted, limit, cursor)

    async def events(self, limit: int, cursor: str | None = None) -> Page[Event]:
        """Return events of all jobs, newest first."""
        partition, row = ("", "") if cursor is None else read_cursor(EVENTS, cursor, 2)
        parameters = {"partition": partition, "row": row, "end": AFTER_MINUTES}
        found = await self._tables.page(Table.RECENT_EVENTS, _MINUTES, parameters, limit + 1)
        following = _event_cursor(found[limit - 1]) if len(found) > limit else None
        return Page[Event](items=[rows.read_event(row) for row in found[:limit]], next=following)

    async def audit_trail(self, job_id: str) -> list[Event]:
        """Return all events of a job that are projected, in order."""
        query = self._tables.every(Table.AUDIT, _PARTITION, {"partition": job_id, "row": ""})
        return [rows.read_event(row) async for row in query]

    async def trail_entries(self, job_id: str, after: int = 0) -> list[TrailEntry]:
        """Return the events of a job behind a number, in order, with their hashes."""
        behind = keys.event_key(job_id, after) if after else ""
        query = self._tables.every(Table.AUDIT, _PARTITION, {"partition": job_id, "row": behind})
        return [rows.read_trail_entry(row) async for row in query]

    async def overlaps(self, limit: int) -> list[Overlap]:
        """Return lock runs that were found to overlap others, of all locks, by lock and fence."""
        found = await self._tables.page(Table.LOCKS, _PARTITION, {"partition": OVERLAPS, "row": ""}, limit)
        return [lock_rows.read_overlap(row) for row in found]

    async def projected_seqs(self, jobs: Mapping[str, datetime]) -> dict[str, int]:
        """Return the number of the last projected event of each job that has one, by job id."""
        return await projected_seqs(self._tables, jobs)

    async def lock_runs(self, lock: str, limit: int, cursor: str | None = None) -> Page[LockRun]:
        """Return who held a lock, the latest fence first. A page may be short although more follow."""
        partition = lock_names.partition(lock)
        if cursor is None:
            known = await self._tables.get(Table.LOCKS, LOCKS, partition)
            high = 1 + (0 if known is None else int(plain(known["LastFence"])))
        else:
            (text,) = read_cursor(lock_runs_list(lock), cursor, 1)
            if not text.isdecimal():
                raise CursorError
            high = int(text)
        low = max(high - limit, 0)
        bounds = {"partition": partition, "low": keys.fence_key(low), "high": keys.fence_key(high)}
        found = await self._tables.page(Table.LOCK_RUNS, FENCES, bounds, limit)
        following = write_cursor(lock_runs_list(lock), str(low)) if low > 1 else None
        return Page[LockRun](items=[lock_rows.read_lock_run(row) for row in reversed(found)], next=following)

    async def lock_runs_between(self, lock: str, first: int, last: int, slot: int = 0) -> list[LockRun]:
        """Return who held a slot of a lock with the fences from the first to the last, by fence."""
        bounds = {
            "partition": Slot(lock, slot).lease_name,
            "low": keys.fence_key(max(first, 0)),
            "high": keys.fence_key(max(last, 0) + 1),
        }
        found = await self._tables.page(Table.LOCK_RUNS, FENCES, bounds, max(last - first + 1, 1))
        return [lock_rows.read_lock_run(row) for row in found]

    async def locks(self, limit: int, cursor: str | None = None, prefix: str = "") -> Page[KnownLock]:
        """Return the locks that were ever used, by name, as far as a name is plain letters and digits."""
        start = lock_names.partition_prefix(prefix)
        row = start if cursor is None else read_cursor(locks_list(prefix), cursor, 1)[0]
        parameters = {"partition": LOCKS, "row": row}
        query = _PARTITION
        if start:
            query, parameters = _PARTITION_UP_TO, parameters | {"end": f"{start}{_BEHIND_PARTITIONS}"}
        found = await self._tables.page(Table.LOCKS, query, parameters, limit + 1)
        more = len(found) > limit
        found = found[:limit]
        following = write_cursor(locks_list(prefix), found[-1]["RowKey"]) if more else None
        locks = [lock_rows.read_lock(row) for row in found]
        fitting = [lock for lock in locks if lock.lock.lower().startswith(prefix.lower())]
        return Page[KnownLock](items=fitting, next=following)


def _event_cursor(row: StoredRow) -> str:
    return write_cursor(EVENTS, row["PartitionKey"], row["RowKey"])
