"""The journal port on Azure Table Storage: one partition per lock."""

from collections.abc import Mapping
from functools import cached_property

from azure_storage.connection import StorageConnection
from azure_storage.grouped_writes import GroupedWrites
from azure_storage.queries import TableQueries
from azure_storage.transactions import TableTransactions
from coordination.journal.storage_limits import check_limits
from coordination.ports import Row, Transaction


class TableJournal:
    """The authoritative table. `StorageConnection.prepare` creates what it needs.

    A transaction is one request whose cancellation leaves its outcome unknown: callers shield it. Reads get
    `timeout_seconds` for each request. With `groups_transactions`, those of several callers on one lock share
    requests; that is for callers that hold no lock, as a holder may not send what has waited for others.
    `table` is the full name of another table that is used in the same way, such as that of the schedules.
    """

    def __init__(
        self,
        connection: StorageConnection,
        timeout_seconds: float = 5.0,
        *,
        groups_transactions: bool = False,
        table: str | None = None,
    ) -> None:
        self._connection = connection
        self._table = table or connection.names.journal_table
        self._timeout_seconds = timeout_seconds
        self._transactions = (
            GroupedWrites(connection, timeout_seconds)
            if groups_transactions
            else TableTransactions(connection)
        )

    async def commit(self, partition: str, transaction: Transaction, timeout: float) -> Mapping[str, str]:
        """Carry out a transaction, and return the new version of every row that is left.

        Raises RefusedError, UnknownOutcomeError, or InvalidTransactionError.
        """
        check_limits(transaction)
        return await self._transactions.send(
            "journal.commit", self._table, partition, transaction.operations, timeout
        )

    async def read(self, partition: str, key: str) -> Row | None:
        """Read one row. Raises UnknownOutcomeError."""
        return await self._queries.read("journal.read", partition, key)

    async def read_range(
        self, partition: str, prefix: str, limit: int | None = None, after: str = ""
    ) -> list[Row]:
        """Read rows whose key starts with `prefix` and sorts behind `after`, in key order.

        Raises UnknownOutcomeError.
        """
        return await self._queries.read_range("journal.read_range", partition, prefix, limit, after)

    @cached_property
    def _queries(self) -> TableQueries:
        return TableQueries(self._connection, self._table, self._timeout_seconds)
