"""The lists that follow from the journal, read from Table Storage for the checker."""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from azure_storage.connection import StorageConnection
from azure_storage.names import JOURNAL
from azure_storage.read_models import Table, keys
from azure_storage.read_models.job_queries import AFTER_MINUTES
from azure_storage.read_models.tables import Tables, plain
from azure_storage.read_models.writing import LOCKS, OVERLAPS
from azure_storage.values import decode_values
from coordination.journal import rows
from coordination.journal.events import timestamp
from coordination.ports import Values
from read_models import RareState
from verification import ALL_JOBS, ListedRow

#: Rows handed on together.
_PAGE = 500

_PAGE_SECONDS = 60.0

_MINUTES = "PartitionKey lt @end"
_STATES = "PartitionKey ge @first and PartitionKey lt @end"
_PARTITION = "PartitionKey eq @partition"

#: Start of the partitions of the lists of rare states, and what sorts behind all of them.
_STATE, _BEHIND_STATES = "state|", "state}"


class ListsInStorage:
    """Implements `verification.listed.Lists`."""

    def __init__(self, connection: StorageConnection) -> None:
        self._lists = Tables(connection, _PAGE_SECONDS)

    async def listed_jobs(self) -> AsyncIterator[Sequence[ListedRow]]:
        """Go through the list of all jobs and those of the rare states."""
        bounds = {"end": AFTER_MINUTES}, {"first": _STATE, "end": _BEHIND_STATES}
        for query, parameters in zip((_MINUTES, _STATES), bounds, strict=True):
            async for page in self._rows(Table.SUMMARIES, query, parameters, _listed_job):
                yield page

    async def listed_job(self, job_id: str, submitted_at: str, place: str) -> ListedRow | None:
        """Look up a job in one of the lists."""
        partition, key = keys.summary_key(job_id, datetime.fromisoformat(submitted_at))
        prefix = "" if place == ALL_JOBS else keys.rare_prefix(RareState(place))
        row = await self._lists.get(Table.SUMMARIES, f"{prefix}{partition}", key)
        return None if row is None else _listed_job(row)

    def listed_runs(self, partition: str | None) -> AsyncIterator[Sequence[ListedRow]]:
        """Go through the runs of one lock, or of all."""
        if partition is None:
            return self._rows(Table.LOCK_RUNS, "", {}, _listed_run)
        return self._rows(Table.LOCK_RUNS, _PARTITION, {"partition": partition}, _listed_run)

    async def listed_run(self, partition: str, fence: int) -> ListedRow | None:
        """Look up a run by its fence."""
        row = await self._lists.get(Table.LOCK_RUNS, partition, keys.fence_key(fence))
        return None if row is None else _listed_run(row)

    async def listed_lock(self, partition: str) -> ListedRow | None:
        """Look up a lock."""
        row = await self._lists.get(Table.LOCKS, LOCKS, partition)
        return None if row is None else ListedRow(partition, "", _columns(row))

    def overlaps(self) -> AsyncIterator[Sequence[ListedRow]]:
        """Go through the runs that are listed because they overlapped others."""
        return self._rows(Table.LOCKS, _PARTITION, {"partition": OVERLAPS}, _listed_overlap)

    async def traceback(self, partition: str, job_id: str) -> str | None:
        """Return the traceback that is kept of a job's error."""
        row = await self._lists.get(JOURNAL, partition, rows.traceback_key(job_id))
        if row is None:
            return None
        try:
            return rows.join_text(decode_values(row))
        except (KeyError, ValueError, TypeError):
            return ""

    async def _rows(
        self, table: str, query: str, parameters: dict[str, str], read: Callable[[Any], ListedRow]
    ) -> AsyncIterator[Sequence[ListedRow]]:
        page: list[ListedRow] = []
        async for entity in self._lists.every(table, query, parameters):
            page.append(read(entity))
            if len(page) == _PAGE:
                yield page
                page = []
        yield page


def _listed_job(entity: Any) -> ListedRow:
    partition, key = str(entity["PartitionKey"]), str(entity["RowKey"])
    place, _, minute = partition.removeprefix(_STATE).rpartition("|")
    submitted_at, job_id = entity.get("SubmittedAt"), str(entity.get("JobId"))
    is_misplaced = not isinstance(submitted_at, datetime) or (minute, key) != keys.summary_key(
        job_id, submitted_at.astimezone(UTC)
    )
    return ListedRow(place, key, _columns(entity), is_misplaced)


def _listed_run(entity: Any) -> ListedRow:
    return ListedRow(str(entity["PartitionKey"]), str(entity["RowKey"]), _columns(entity))


def _listed_overlap(entity: Any) -> ListedRow:
    partition, _, fence = str(entity["RowKey"]).rpartition("|")
    return ListedRow(partition, fence, _columns(entity))


def _columns(entity: Any) -> Values:
    return {
        name: _value(plain(value)) for name, value in entity.items() if name not in {"PartitionKey", "RowKey"}
    }


def _value(value: Any) -> Any:
    if isinstance(value, datetime):
        return timestamp(value.astimezone(UTC))
    return value if isinstance(value, str | int | float) else str(value)
