"""Fills Turnstile's tables with finished jobs, much faster than by running them.

Every job written is a copy of one that ran: all its rows in all tables, under another id, lock and fence. Its
hashes and times are those of the original, so such a store serves to measure, not to verify. The lists by
minute get as many jobs in a minute as a busy installation would have.
"""

import asyncio
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from azure_storage.connection import StorageConnection
from azure_storage.names import INDEX, JOURNAL, StorageNames
from azure_storage.read_models.keys import fence_key
from azure_storage.read_models.rows import int64
from azure_storage.read_models.stored_rows import StoredRow
from azure_storage.read_models.tables import Entity, Table, Tables
from azure_storage.register import JOB, shard
from bench.errors import BenchError
from contracts import lock_names
from contracts.identifiers import new_id

_TIMEOUT_SECONDS = 120.0
#: Locks over which the jobs are spread.
_LOCKS = 100
_JOBS_IN_A_MINUTE = 100
#: Jobs whose rows are made before they are written, and writers at the same time.
_CHUNK, _WRITERS = 1000, 16

_TABLES = (JOURNAL, INDEX, *(table.value for table in Table))
_BY_MINUTE = {Table.RECENT_EVENTS.value, Table.SUMMARIES.value}
_JOB_ROW, _LOCK_ROW = "job|", "line|lock|"


def write_history(connection_string: str, namespace: str, jobs: int) -> None:
    """Write finished jobs, as copies of one that is in the tables. Raises BenchError when there is none."""
    asyncio.run(_write_history(connection_string, namespace, jobs))


async def _write_history(connection_string: str, namespace: str, jobs: int) -> None:
    connection = StorageConnection.from_connection_string(connection_string, StorageNames(namespace))
    try:
        tables = Tables(connection, _TIMEOUT_SECONDS)
        original = await _original(tables)
        for first in range(0, jobs, _CHUNK):
            copies = [original.copy(number) for number in range(first, min(first + _CHUNK, jobs))]
            await _write(tables, copies)
        await _write(tables, [original.locks(jobs)])
    finally:
        await connection.aclose()


@dataclass(frozen=True)
class _Original:
    """All rows of a finished job and of its lock, by table."""

    job_id: str
    lock: str
    rows: Mapping[str, Sequence[StoredRow]]
    lock_rows: Mapping[str, Sequence[StoredRow]]

    def copy(self, number: int) -> dict[str, list[Entity]]:
        """Return the rows of another job."""
        job_id, lock, fence = new_id(), f"history {number % _LOCKS}", number // _LOCKS + 1
        found = {}
        for table, rows in self.rows.items():
            copies = [self._renamed(row, job_id, lock) for row in rows]
            for row in copies:
                if table == INDEX:
                    row["PartitionKey"] = shard(job_id)
                elif table == Table.LOCK_RUNS:
                    row["RowKey"] = fence_key(fence)
                elif table in _BY_MINUTE and row["PartitionKey"].isdecimal():
                    # Such partitions count backwards: this is an earlier minute.
                    row["PartitionKey"] = _earlier(row["PartitionKey"], 1 + number // _JOBS_IN_A_MINUTE)
                row |= {name: int64(fence) for name in ("Fence",) if name in row}
            found[table] = copies
        return found

    def locks(self, jobs: int) -> dict[str, list[Entity]]:
        """Return the rows of all locks."""
        found: dict[str, list[Entity]] = {table: [] for table in self.lock_rows}
        for number in range(min(_LOCKS, jobs)):
            runs = (jobs - number + _LOCKS - 1) // _LOCKS
            for table, rows in self.lock_rows.items():
                copies = [self._renamed(row, self.job_id, f"history {number}") for row in rows]
                for row in copies:
                    row |= {name: int64(runs) for name in ("LastFence", "fence") if name in row}
                found[table] += copies
        return found

    def _renamed(self, row: StoredRow, job_id: str, lock: str) -> Entity:
        before, after = lock_names.partition(self.lock), lock_names.partition(lock)

        def rename(value: Any) -> Any:
            if not isinstance(value, str):
                return value
            if value == self.lock:
                return lock
            return value.replace(self.job_id, job_id).replace(before, after)

        return {name: rename(value) for name, value in row.items()}


async def _original(tables: Tables) -> _Original:
    everything = {table: [row async for row in tables.every(table)] for table in _TABLES}
    finished = [
        row
        for row in everything[JOURNAL]
        if row["RowKey"].startswith(_JOB_ROW) and row.get("status") == "Completed"
    ]
    if not finished:
        raise BenchError("no finished job is there to be copied")
    # One of the middle followed another one of its lock, as most do.
    job = sorted(finished, key=lambda row: str(row["order"]))[len(finished) // 2]
    job_id, lock = str(job["job_id"]), str(job["lock_name"])
    partition = lock_names.partition(lock)
    of_job = {table: [row for row in rows if _names(row, job_id)] for table, rows in everything.items()}
    of_lock = {
        JOURNAL: [
            row
            for row in everything[JOURNAL]
            if row["PartitionKey"] == partition and row["RowKey"].startswith(_LOCK_ROW)
        ],
        Table.LOCKS.value: [row for row in everything[Table.LOCKS] if row["RowKey"] == partition],
    }
    named_elsewhere = {Table.WORKERS.value, Table.LOCKS.value}
    rows = {table: found for table, found in of_job.items() if found and table not in named_elsewhere}
    # The lock row may name the job that was first or last.
    rows[JOURNAL] = [row for row in rows[JOURNAL] if not row["RowKey"].startswith(_LOCK_ROW)]
    # A job that ended a moment ago may still be among the active ones, and its copies must not be.
    rows[INDEX] = [row for row in rows[INDEX] if row["RowKey"].startswith(JOB)]
    return _Original(job_id, lock, rows, of_lock)


def _names(row: StoredRow, job_id: str) -> bool:
    return any(job_id in value for value in row.values() if isinstance(value, str))


def _earlier(partition: str, minutes: int) -> str:
    return f"{int(partition) + minutes:0{len(partition)}d}"


async def _write(tables: Tables, chunk: Sequence[Mapping[str, list[Entity]]]) -> None:
    """Write rows, those of one partition together."""
    free = asyncio.Semaphore(_WRITERS)

    async def write(table: str, rows: list[Entity]) -> None:
        async with free:
            await tables.upsert(table, rows)

    async with asyncio.TaskGroup() as tasks:
        for table in _TABLES:
            for rows in _by_partition(row for each in chunk for row in each.get(table, [])):
                tasks.create_task(write(table, rows))


def _by_partition(rows: Iterator[Entity]) -> Iterator[list[Entity]]:
    ordered = sorted(rows, key=lambda row: (row["PartitionKey"], row["RowKey"]))
    for _, group in itertools.groupby(ordered, key=lambda row: str(row["PartitionKey"])):
        yield list(group)
