"""Writing the read models: every write may be repeated, and done in any order, by several at once."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from azure_storage.connection import StorageConnection
from azure_storage.read_models import keys, lock_rows, rows
from azure_storage.read_models.neighbours import Neighbours
from azure_storage.read_models.rare_rows import RareRows
from azure_storage.read_models.tables import Table, Tables, plain
from contracts.jobs import JobSummary
from read_models.documents import KnownLock, LockRun, StaleError, TrailEntry, Watermark
from read_models.ports import Archived

#: The only partition of the locks' table.
LOCKS = "locks"

#: The partition of that table with the runs that overlapped.
OVERLAPS = "overlaps"

#: Locks whose rows are remembered.
_MOST_LOCK_ROWS = 10_000


class TableReadModelWriter:
    """Implements `read_models.ReadModelWriter`."""

    def __init__(self, connection: StorageConnection, timeout: float = 5.0) -> None:
        self._tables = Tables(connection, timeout)
        #: What is known of the locks' rows, by partition; saves reading them again.
        self._lock_rows: defaultdict[str, _LockRow] = defaultdict(_LockRow)
        self._rare_rows = RareRows(self._tables)
        self._neighbours = Neighbours(self._tables)

    async def prepare(self) -> None:
        """Create the tables that do not exist yet."""
        await self._tables.prepare()

    async def check(self) -> None:
        """Do nothing but see whether the tables are there and answer."""
        await self._tables.check()

    async def watermark(self, job_id: str, submitted_at: datetime) -> Watermark:
        """Return how far a job is projected."""
        row = await self._tables.get(Table.SUMMARIES, *keys.summary_key(job_id, submitted_at))
        return Watermark() if row is None else rows.read_watermark(row)

    async def record_trail(self, entries: Sequence[TrailEntry]) -> None:
        """Write events into the audit trail."""
        await self._tables.upsert_alone(Table.AUDIT, map(rows.trail_row, entries))

    async def record_recent(self, entries: Sequence[TrailEntry]) -> None:
        """Write events among the recent ones."""
        await self._tables.upsert(Table.RECENT_EVENTS, map(rows.recent_row, entries))

    async def record_lock_runs(self, partition: str, lock_runs: Sequence[LockRun]) -> None:
        """Write what is known of lock runs, each fence once; what is stored of them already stays."""
        stored = [lock_rows.lock_run_row(partition, lock_run) for lock_run in lock_runs]
        await self._tables.upsert(Table.LOCK_RUNS, stored, merge=True)

    async def lock_runs_around(self, partition: str, fence: int) -> list[LockRun]:
        """Return the stored lock runs with this fence and the two on either side, by fence."""
        return await self._neighbours.around(partition, fence)

    async def mark_overlap(self, partition: str, lock_run: LockRun, mark: str) -> None:
        """Mark a lock run as one that overlapped, and list it among the overlaps.

        Raises StaleError when it changed since it was read.
        """
        # First, so that no marked run is missing in the list: only the one who marks it reports it.
        await self._tables.upsert(Table.LOCKS, [lock_rows.overlap_row(OVERLAPS, partition, lock_run)])
        row = {"PartitionKey": partition, "RowKey": keys.fence_key(lock_run.fence), "Overlap": mark}
        await self._tables.put(Table.LOCK_RUNS, row, lock_run.etag, merge=True)

    async def record_lock(self, lock: KnownLock) -> None:
        """Note that a lock was used; its last fence never falls."""
        if len(self._lock_rows) > _MOST_LOCK_ROWS:
            self._lock_rows.clear()
        known = self._lock_rows[lock.partition]
        if known.wanted is None or known.wanted.last_fence < lock.last_fence:
            known.wanted = lock
        async with known.turn:
            while lock.last_fence > known.stored:
                if known.etag is None:
                    row = await self._tables.get(Table.LOCKS, LOCKS, lock.partition)
                    if row is not None:
                        known.stored, known.etag = int(plain(row["LastFence"])), row.etag
                        continue
                # The latest that any caller waits for: then the others find theirs stored.
                highest = known.wanted
                try:
                    known.etag = await self._tables.put(
                        Table.LOCKS, lock_rows.lock_row(LOCKS, highest), known.etag
                    )
                    known.stored = highest.last_fence
                except StaleError:
                    known.etag = None

    async def record_summary(self, summary: JobSummary, mark: Watermark, etag: str | None) -> str:
        """Write a job's summary and watermark, and return their new version.

        Raises StaleError when what is there is not the version given.
        """
        row = rows.summary_row(summary, mark)
        # First: what the watermark says is projected must be in every list.
        await self._rare_rows.record(summary, max(mark.seq, mark.as_of))
        return await self._tables.put(Table.SUMMARIES, row, etag)

    async def wipe(self, archived: Archived | None = None) -> dict[str, int]:
        """Delete everything derived from the journal, and return the number of rows by table.

        The audit trails of archived jobs stay. What a projector writes in the meantime may stay or go:
        project every job again afterwards.
        """
        self._lock_rows.clear()
        derived = (Table.SUMMARIES, Table.AUDIT, Table.RECENT_EVENTS, Table.LOCK_RUNS, Table.LOCKS)
        return {
            table.value: await self._tables.wipe(table, archived if table is Table.AUDIT else None)
            for table in derived
        }


@dataclass
class _LockRow:
    """What is known of the row of a lock."""

    stored: int = -1
    #: Version of the row; None when it must be read.
    etag: str | None = None
    #: What is to be stored: of all that were asked for, the one with the highest fence.
    wanted: KnownLock | None = None
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
