"""Deleting what the read models have of jobs that were removed from the journal."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence

from azure_storage.calls import RefusedCallError
from azure_storage.connection import StorageConnection
from azure_storage.grouped_writes import GroupedWrites
from azure_storage.read_models import keys, rows
from azure_storage.read_models.stored_rows import StoredRow
from azure_storage.read_models.tables import Table, Tables
from contracts.jobs import Event
from contracts.statuses import EventStatus
from coordination.journal.rows import EventRow
from coordination.ports import Delete, UnknownOutcomeError
from coordination.slot import Slot
from read_models.documents import event_document
from read_models.ordering import event_order
from read_models.rare_states import RareState

_OF_JOB = "PartitionKey eq @partition"

_RARE = {
    EventStatus.FAILED: RareState.FAILED,
    EventStatus.TIMED_OUT: RareState.TIMED_OUT,
    EventStatus.CANCELLED: RareState.CANCELLED,
    EventStatus.EXPIRED: RareState.EXPIRED,
    EventStatus.INTERRUPTED: RareState.TAKEN_OVER,
}

#: Rows by their keys, by table and partition.
_Rows = defaultdict[tuple[Table, str], set[str]]


class TableProjectedRows:
    """Implements `coordination.maintenance.removing.ProjectedRows`."""

    def __init__(self, connection: StorageConnection, timeout: float = 10.0) -> None:
        self._connection = connection
        self._tables = Tables(connection, timeout)
        self._writes = GroupedWrites(connection, timeout)

    async def delete(
        self, partition: str, jobs: Mapping[str, Sequence[EventRow] | None], *, keeps_trail: bool = False
    ) -> int:
        """Delete all rows of jobs of one lock, and return how many there were; harmless when repeated.

        The audit trail goes last, unless it stays: what tells where the other rows are is there as long as
        they may be.
        """
        histories = await asyncio.gather(*(self._history(job_id, found) for job_id, found in jobs.items()))
        lists: _Rows = defaultdict(set)
        trails: _Rows = defaultdict(set)
        for history in filter(None, histories):
            _add_listed(lists, partition, history)
            for event in history:
                trails[Table.AUDIT, event.job_id].add(event.event_id)
        deleted = await self._delete(lists)
        return deleted if keeps_trail else deleted + await self._delete(trails)

    async def delete_trails(self, jobs: Mapping[str, int]) -> int:
        """Delete audit trails by the numbers of their last events, and return how many rows there were."""
        trails: _Rows = defaultdict(set)
        for job_id, last in jobs.items():
            trails[Table.AUDIT, job_id] |= {keys.event_key(job_id, seq) for seq in range(1, last + 1)}
        return await self._delete(trails)

    async def trail_hashes(self, job_id: str) -> list[str]:
        """Return the hashes of a job's events in the audit trail, in order."""
        return [rows.read_trail_entry(row).hash async for row in self._trail(job_id)]

    def _trail(self, job_id: str) -> AsyncIterator[StoredRow]:
        return self._tables.every(Table.AUDIT, _OF_JOB, {"partition": job_id})

    async def _history(self, job_id: str, found: Sequence[EventRow] | None) -> list[Event]:
        if found is not None:
            return [event_document(event) for event in found]
        return [rows.read_event(row) async for row in self._trail(job_id)]

    async def _delete(self, found: _Rows) -> int:
        places = [(*place, key) for place, of_place in found.items() for key in of_place]
        return sum(await asyncio.gather(*(self._delete_one(*place) for place in places)))

    async def _delete_one(self, table: Table, partition: str, key: str) -> bool:
        """Delete a row; those of one partition that are deleted at the same time go in one transaction."""
        name = self._connection.names.table(table)
        try:
            await self._writes.write("read_models.delete", name, partition, [Delete(key, "*")])
        except RefusedCallError as refused:
            if refused.status != 404:
                raise UnknownOutcomeError(str(refused)) from refused
            return False
        return True


def _add_listed(found: _Rows, partition: str, history: Sequence[Event]) -> None:
    """Add the rows of a job in all lists. An event that was removed from the trail by hand keeps its rows."""
    for event in history:
        minute = keys.inverted_minute(event.timestamp_utc)
        order = event_order(event.timestamp_utc, event.fence, event.job_id, event.seq)
        found[Table.RECENT_EVENTS, minute].add(order)
        if event.status is EventStatus.STARTED and event.fence is not None:
            found[Table.LOCK_RUNS, _place_of(partition, event)].add(keys.fence_key(event.fence))
    submitted = next((event for event in history if event.status is EventStatus.SUBMITTED), None)
    if submitted is None:
        return
    minute, order = keys.summary_key(submitted.job_id, submitted.timestamp_utc)
    prefixes = {keys.rare_prefix(_RARE[event.status]) for event in history if event.status in _RARE}
    for prefix in ("", *prefixes):
        found[Table.SUMMARIES, f"{prefix}{minute}"].add(order)


def _place_of(partition: str, event: Event) -> str:
    """Return where the run is listed that an event began: the runs of each slot are apart."""
    slot = event.data.get("slot")
    return Slot(event.lock, slot).lease_name if isinstance(slot, int) and slot else partition
