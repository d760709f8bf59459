"""Writing the read models: every write may be repeated, and done in any order, by several at once."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from azure_storage.connection import StorageConnection
from azure_storage.read_models import keys, rows
from azure_storage.read_models.documents import (
    KnownLock,
    StaleError,
    Summary,
    Tenure,
    TrailEntry,
    Watermark,
)
from azure_storage.read_models.tables import ReadModelNames, Tables, plain
from contracts.jobs import Kind, Worker

#: Partitions of tables that are small.
LOCKS, KINDS, WORKERS = "locks", "kinds", "workers"

#: Partition of the rows that tell where a job's summary is; sorts behind the days.
PLACES = "id|"

#: Tenures of a lock, by fence.
FENCES = "PartitionKey eq @partition and RowKey ge @low and RowKey lt @high"


class ReadModelWriter:
    """Writes what the audit-projector derives from the journal. Every call raises UnknownOutcomeError."""

    def __init__(
        self, connection: StorageConnection, names: ReadModelNames | None = None, timeout: float = 5.0
    ) -> None:
        self._names = names or ReadModelNames()
        self._tables = Tables(connection, timeout)
        #: Highest fence known to be stored, by partition; saves reading it again.
        self._stored_fences: dict[str, int] = {}

    async def prepare(self) -> None:
        """Create the tables that do not exist yet."""
        await self._tables.prepare(self._names.all())

    async def check(self) -> None:
        """Do nothing but see whether the tables are there and answer."""
        await self._tables.check(self._names)

    async def watermark(self, job_id: str, submitted_at: datetime) -> Watermark:
        """Tell how far a job is projected."""
        row = await self._tables.get(self._names.summaries, *rows.summary_key(job_id, submitted_at))
        if row is None:
            return Watermark()
        return Watermark(
            row["ProjectedSeq"],
            row["ProjectedHash"],
            plain(row["RunningFence"]),
            str(row.metadata["etag"]),
        )

    async def record_trail(self, entries: Sequence[TrailEntry]) -> None:
        """Write events into the audit trail."""
        await self._tables.upsert(self._names.audit, map(rows.trail_row, entries))

    async def record_recent(self, entries: Sequence[TrailEntry]) -> None:
        """Write events among the recent ones."""
        await self._tables.upsert(self._names.recent_events, map(rows.recent_row, entries))

    async def record_tenures(self, partition: str, tenures: Sequence[Tenure]) -> None:
        """Write what is known of tenures, each fence once; what is stored of them already stays."""
        stored = [rows.tenure_row(partition, tenure) for tenure in tenures]
        await self._tables.upsert(self._names.tenures, stored, merge=True)

    async def tenures_around(self, partition: str, fence: int) -> list[Tenure]:
        """Give the stored tenures with this fence and the two on either side, by fence."""
        low, high = keys.fence_key(max(fence - 2, 0)), keys.fence_key(fence + 3)
        bounds = {"partition": partition, "low": low, "high": high}
        found = await self._tables.page(self._names.tenures, FENCES, bounds, 5)
        return [rows.read_tenure(row) for row in found]

    async def mark_overlap(self, partition: str, tenure: Tenure, mark: str) -> None:
        """Mark a tenure as one that overlapped. Raises StaleError when it changed since it was read."""
        row = {"PartitionKey": partition, "RowKey": keys.fence_key(tenure.fence), "Overlap": mark}
        await self._tables.put(self._names.tenures, row, tenure.etag, merge=True)

    async def record_lock(self, lock: KnownLock) -> None:
        """Note that a lock was used; its last fence never falls."""
        while lock.last_fence > self._stored_fences.get(lock.partition, -1):
            row = await self._tables.get(self._names.locks, LOCKS, lock.partition)
            stored = -1 if row is None else int(plain(row["LastFence"]))
            try:
                if stored < lock.last_fence:
                    etag = None if row is None else str(row.metadata["etag"])
                    await self._tables.put(self._names.locks, rows.lock_row(LOCKS, lock), etag)
            except StaleError:
                continue
            if len(self._stored_fences) > 10_000:
                self._stored_fences.clear()
            self._stored_fences[lock.partition] = max(stored, lock.last_fence)

    async def record_summary(self, summary: Summary, mark: Watermark, etag: str | None) -> None:
        """Write a job's summary and watermark. Raises StaleError when it is not the version that was read."""
        row = rows.summary_row(summary, mark)
        if etag is None:
            place: dict[str, Any] = {
                "PartitionKey": f"{PLACES}{summary.job_id}",
                "RowKey": "summary",
                "SummaryPartition": row["PartitionKey"],
                "SummaryRow": row["RowKey"],
            }
            await self._tables.upsert(self._names.summaries, [place])
        await self._tables.put(self._names.summaries, row, etag)

    async def wipe(self) -> dict[str, int]:
        """Delete everything derived from the journal; gives the number of rows by table.

        What a projector writes meanwhile may stay or go: project every job afresh afterwards.
        """
        names = self._names
        self._stored_fences.clear()
        derived = (names.summaries, names.audit, names.recent_events, names.tenures, names.locks)
        return {name: await self._tables.wipe(name) for name in derived}

    async def publish_kind(self, kind: Kind) -> None:
        """Note that a worker knows a kind."""
        await self._tables.upsert(
            self._names.kinds, [rows.document_row(KINDS, keys.name_key(kind.kind), kind)]
        )

    async def record_heartbeat(self, worker: Worker) -> None:
        """Note that a worker is alive."""
        row = rows.document_row(WORKERS, keys.name_key(worker.worker), worker)
        await self._tables.upsert(self._names.workers, [row])
