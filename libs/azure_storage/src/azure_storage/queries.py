"""Reads of Table Storage through the SDK, page by page."""

from azure.data.tables.aio import TableClient

from azure_storage.calls import RefusedCallError, deadline_in
from azure_storage.connection import StorageConnection
from azure_storage.values import decode_row
from coordination.ports import Row, UnknownOutcomeError

#: Most rows the store gives in one answer.
_PAGE = 1000

#: Sorts behind every key that is used.
_LAST = "\uffff"

# The SDK splits a filter at single blanks before it fills in the parameters: the text must stay constant.
_FILTER_FROM = "PartitionKey eq @partition and RowKey ge @start and RowKey lt @end"
_FILTER_AFTER = "PartitionKey eq @partition and RowKey gt @start and RowKey lt @end"


class TableQueries:
    """Reads rows, each answer within the same time. `name` is what a call is reported as."""

    def __init__(self, connection: StorageConnection, table: str, timeout_seconds: float) -> None:
        self._caller = connection.caller
        self._table: TableClient = connection.table(table)
        self._timeout_seconds = timeout_seconds

    async def read(self, name: str, partition: str, key: str) -> Row | None:
        """Read one row. Raises UnknownOutcomeError."""
        request = self._table.get_entity(partition, key)
        try:
            entity = await self._caller.carry_out(name, request, deadline_in(self._timeout_seconds))
        except RefusedCallError as refused:
            if refused.status == 404:
                return None
            raise UnknownOutcomeError(str(refused)) from refused
        return decode_row(entity)

    async def read_range(
        self, name: str, partition: str, prefix: str, limit: int | None = None, after: str = ""
    ) -> list[Row]:
        """Read rows whose key starts with `prefix` and sorts behind `after`, in key order.

        Raises UnknownOutcomeError.
        """
        behind = prefix[:-1] + chr(ord(prefix[-1]) + 1) if prefix else _LAST
        return await self.read_between(name, partition, prefix, behind, limit, after)

    async def read_between(
        self, name: str, partition: str, first: str, behind: str, limit: int | None = None, after: str = ""
    ) -> list[Row]:
        """Read rows whose key is `first` or sorts behind it, and before `behind`, in key order.

        Rows up to and with the key `after` are left out. Raises UnknownOutcomeError.
        """
        rows: list[Row] = []
        pages = self._table.query_entities(
            _FILTER_AFTER if after >= first else _FILTER_FROM,
            parameters={"partition": partition, "start": max(after, first), "end": behind},
            results_per_page=min(limit or _PAGE, _PAGE),
        ).by_page()
        while limit is None or len(rows) < limit:
            try:
                page = await self._caller.carry_out(name, anext(pages), deadline_in(self._timeout_seconds))
            except RefusedCallError as refused:
                raise UnknownOutcomeError(str(refused)) from refused
            except StopAsyncIteration:
                break
            rows += [decode_row(entity) async for entity in page]
            if getattr(pages, "continuation_token", None) is None:
                break
        return rows[:limit]
