"""The read models' tables, and the few kinds of access to them; each request is one, bounded in time."""

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping
from enum import StrEnum
from typing import Any, TypeVar

from azure.data.tables import EntityProperty

from azure_storage.batch import Write
from azure_storage.calls import RefusedCallError, deadline_in
from azure_storage.connection import StorageConnection
from azure_storage.grouped_writes import LARGEST, MOST_ROWS, GroupedWrites
from azure_storage.read_models.stored_rows import StoredRow, StoredRows, Token, condition
from azure_storage.single_writes import SingleWrites
from azure_storage.transactions import TableTransactions
from azure_storage.values import encode_entity
from coordination.ports import Delete, UnknownOutcomeError
from read_models.documents import StaleError

Entity = dict[str, Any]
RowT = TypeVar("RowT")

#: Returns those partitions, of some, whose rows stay.
KeepsPartitions = Callable[[Collection[str]], Awaitable[Collection[str]]]

_PAGE = 1000

#: Seconds for which an answer shows that the storage answers.
_ANSWERED_SECONDS = 30.0


class Table(StrEnum):
    """The tables' names, without the installation's prefix."""

    AUDIT = "JobAuditTrail"
    RECENT_EVENTS = "RecentEvents"
    SUMMARIES = "JobSummaries"
    LOCK_RUNS = "LockRuns"
    LOCKS = "Locks"
    WORKERS = "Workers"
    KINDS = "Kinds"


class Tables:
    """Access to tables by their names without prefix. Every call raises UnknownOutcomeError."""

    def __init__(self, connection: StorageConnection, timeout: float = 5.0) -> None:
        self._connection = connection
        self._timeout = timeout
        self._writes = GroupedWrites(connection, timeout)
        self._are_there = False
        self._rows = StoredRows(connection, timeout)
        self._singles = SingleWrites(connection)
        self._transactions = TableTransactions(connection)

    async def prepare(self) -> None:
        """Create the tables that do not exist yet."""
        await self._connection.prepare(self._connection.names.table(name) for name in Table)

    async def check(self) -> None:
        """See whether the tables answer; asks the one that is created last.

        Once they did, an answer to any other call of the last while counts, too: health is asked for often.
        """
        if self._are_there and self._connection.caller.is_answered(within=_ANSWERED_SECONDS):
            return
        self._are_there = False
        await self.page(Table.KINDS, "PartitionKey eq @partition", {"partition": ""}, 1)
        self._are_there = True

    async def get(self, table: str, partition: str, key: str) -> StoredRow | None:
        """Read one row."""
        return await self._rows.get("read_models.get", self._connection.names.table(table), partition, key)

    async def put(self, table: str, entity: Entity, etag: str | None, *, merge: bool = False) -> str:
        """Insert a row, or replace the version that was read, or merge into it, and return the new version.

        Raises StaleError when it changed.
        """
        write = Write(entity["RowKey"], encode_entity(entity), etag or "", merge)
        try:
            versions = await self._write_rows("read_models.put", table, entity["PartitionKey"], [write])
        except RefusedCallError as refused:
            if refused.status in {404, 409, 412}:
                raise StaleError from refused
            raise UnknownOutcomeError(str(refused)) from refused
        return versions[write.key]

    async def upsert(self, table: str, entities: Iterable[Entity], *, merge: bool = False) -> None:
        """Write rows whatever is there, replacing them or merging into them.

        Rows of one partition that follow each other go in one transaction if they fit into it.
        """
        for partition, group in itertools.groupby(entities, key=lambda entity: str(entity["PartitionKey"])):
            writes = [Write(entity["RowKey"], encode_entity(entity), None, merge) for entity in group]
            try:
                await self._write_rows("read_models.upsert", table, partition, writes)
            except RefusedCallError as refused:
                raise UnknownOutcomeError(str(refused)) from refused

    async def upsert_alone(self, table: str, entities: Iterable[Entity]) -> None:
        """Write rows of partitions that no other caller writes to, whatever is there.

        The requests are the caller's own, and so they are in its trace.
        """
        full_name = self._connection.names.table(table)
        for partition, group in itertools.groupby(entities, key=lambda entity: str(entity["PartitionKey"])):
            writes = (Write(entity["RowKey"], encode_entity(entity), None) for entity in group)
            for batch in _batches(writes, lambda write: write.size):
                await self._upsert_batch(full_name, partition, batch)

    async def _upsert_batch(self, full_name: str, partition: str, writes: list[Write]) -> None:
        place = "read_models.upsert", full_name, partition
        try:
            if len(writes) == 1:
                await self._singles.attempt(*place, writes[0], self._timeout)
            else:
                await self._transactions.attempt(*place, writes, self._timeout)
        except RefusedCallError as refused:
            raise UnknownOutcomeError(str(refused)) from refused

    async def delete(self, table: str, partition: str, key: str, etag: str) -> None:
        """Delete a row that still has this version; harmless when it has another, or is gone."""
        full_name = self._connection.names.table(table)
        try:
            await self._singles.attempt(
                "read_models.delete", full_name, partition, Delete(key, etag), self._timeout
            )
        except RefusedCallError as refused:
            if refused.status not in {404, 412}:
                raise UnknownOutcomeError(str(refused)) from refused

    async def page(
        self, table: str, query: str, parameters: Mapping[str, Any], limit: int
    ) -> list[StoredRow]:
        """Read the first rows that a query finds, in the order of their keys."""
        found: list[StoredRow] = []
        async for page in self._pages(table, query, parameters, min(limit, _PAGE)):
            found += page
            if len(found) >= limit:
                break
        return found[:limit]

    async def every(
        self, table: str, query: str = "", parameters: Mapping[str, Any] | None = None
    ) -> AsyncIterator[StoredRow]:
        """Go through all rows that a query finds."""
        async for page in self._pages(table, query, parameters or {}, _PAGE):
            for entity in page:
                yield entity

    async def wipe(self, table: str, keeps: KeepsPartitions | None = None) -> int:
        """Delete all rows; the table itself stays, as Azure takes a while to make a deleted one again.

        Partitions that `keeps` names stay, too.
        """
        count = 0
        async for page in self._pages(table, "", {}, _PAGE):
            partitions = {str(entity["PartitionKey"]) for entity in page}
            kept = await keeps(partitions) if keeps else ()
            for partition, group in itertools.groupby(page, key=lambda entity: str(entity["PartitionKey"])):
                if partition in kept:
                    continue
                for batch in _batches([{name: entity[name] for name in _KEYS} for entity in group]):
                    count += await self._delete(table, batch)
        return count

    async def _delete(self, table: str, batch: list[Entity]) -> int:
        client = self._client(table)
        try:
            request = client.submit_transaction([("delete", entity) for entity in batch])
            await self._call("read_models.delete", request)
        except RefusedCallError:
            # Another process deletes, too: one missing row refuses the whole transaction.
            for entity in batch:
                await self._write("read_models.delete", client.delete_entity(entity))
        return len(batch)

    async def part(
        self,
        table: str,
        query: str,
        parameters: Mapping[str, Any],
        size: int,
        token: Token | None = None,
    ) -> tuple[list[StoredRow], Token | None]:
        """Return what one request finds, and a token for the next request if there may be more.

        Raises RefusedCallError, too: with status 400 when the storage does not know the token.
        """
        full_name = self._connection.names.table(table)
        wanted = condition(query, parameters)
        return await self._rows.part("read_models.page", full_name, wanted, size, token)

    async def _pages(
        self, table: str, query: str, parameters: Mapping[str, Any], size: int
    ) -> AsyncIterator[list[StoredRow]]:
        token = None
        while True:
            try:
                page, token = await self.part(table, query, parameters, size, token)
            except RefusedCallError as refused:
                raise UnknownOutcomeError(str(refused)) from refused
            yield page
            if token is None:
                return

    async def _write_rows(
        self, name: str, table: str, partition: str, writes: list[Write]
    ) -> Mapping[str, str]:
        full_name = self._connection.names.table(table)
        return await self._writes.write(name, full_name, partition, writes)

    async def _write(self, name: str, request: Any) -> None:
        try:
            await self._call(name, request)
        except RefusedCallError as refused:
            raise UnknownOutcomeError(str(refused)) from refused

    async def _call(self, name: str, request: Any) -> Any:
        return await self._connection.caller.carry_out(name, request, deadline_in(self._timeout))

    def _client(self, table: str) -> Any:
        return self._connection.table(self._connection.names.table(table))


_KEYS = ("PartitionKey", "RowKey")


def plain(value: Any) -> Any:
    """Return a stored value without the SDK's wrapping of 64-bit numbers."""
    return value.value if isinstance(value, EntityProperty) else value


def _batches(rows: Iterable[RowT], length_of: Callable[[RowT], int] = lambda _: 0) -> Iterable[list[RowT]]:
    batch: list[RowT] = []
    size = 0
    for row in rows:
        length = length_of(row)
        if batch and (len(batch) == MOST_ROWS or size + length > LARGEST):
            yield batch
            batch, size = [], 0
        batch.append(row)
        size += length
    if batch:
        yield batch
