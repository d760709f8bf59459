"""The register of all jobs, spread over shards so that no partition is hot."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import datetime

from azure_storage.calls import RefusedCallError, deadline_in
from azure_storage.connection import StorageConnection
from azure_storage.queries import TableQueries
from azure_storage.transactions import TableTransactions
from coordination.ports import (
    ActiveJob,
    AlreadyRegisteredError,
    Insert,
    RefusedError,
    Registration,
    Row,
    UnknownOutcomeError,
)

#: The partitions: the first hexadecimal digit of the SHA-256 of a job id.
SHARDS = "0123456789abcdef"

_JOB, _ACTIVE = "job|", "active|"


class JobRegister:
    """Two rows per job: one for as long as its id may be asked for, one for as long as it is active."""

    def __init__(
        self, connection: StorageConnection, transactions: TableTransactions, timeout_seconds: float
    ) -> None:
        self._connection = connection
        self._table = connection.names.index_table
        self._transactions = transactions
        self._queries = TableQueries(connection, self._table, timeout_seconds)
        self._timeout_seconds = timeout_seconds

    async def register(self, registration: Registration) -> None:
        """Write both rows. Raises AlreadyRegisteredError or UnknownOutcomeError."""
        job_id = registration.job_id
        place = {
            "lock_name": registration.lock_name,
            "partition": registration.partition,
            "registered_at": registration.registered_at.isoformat(),
        }
        rows = [
            Insert(f"{_JOB}{job_id}", {**place, "request_hash": registration.request_hash}),
            Insert(f"{_ACTIVE}{job_id}", place),
        ]
        try:
            await self._transactions.send(
                "journal.register", self._table, shard(job_id), rows, self._timeout_seconds
            )
        except RefusedError as refused:
            raise AlreadyRegisteredError from refused

    async def find(self, job_id: str) -> Registration | None:
        """Look up where a job lives. Raises UnknownOutcomeError."""
        row = await self._queries.read("journal.find", shard(job_id), f"{_JOB}{job_id}")
        if row is None:
            return None
        return Registration(
            job_id=job_id,
            lock_name=str(row.values["lock_name"]),
            partition=str(row.values["partition"]),
            request_hash=str(row.values["request_hash"]),
            registered_at=_registered_at(row),
        )

    async def active(self) -> AsyncIterator[ActiveJob]:
        """Go through all active jobs. Raises UnknownOutcomeError."""
        # Of all shards at once: what waits for a lost host's lock waits for this, too.
        reads = [self._queries.read_range("journal.active", partition, _ACTIVE) for partition in SHARDS]
        for found in await asyncio.gather(*reads, return_exceptions=True):
            if isinstance(found, BaseException):
                raise found
            for row in found:
                yield ActiveJob(
                    job_id=row.key.removeprefix(_ACTIVE),
                    lock_name=str(row.values["lock_name"]),
                    partition=str(row.values["partition"]),
                    registered_at=_registered_at(row),
                )

    async def retire(self, job_id: str) -> None:
        """Delete the active row; harmless when repeated. Raises UnknownOutcomeError."""
        table = self._connection.table(self._table)
        deletion = table.delete_entity(shard(job_id), f"{_ACTIVE}{job_id}")
        try:
            await self._connection.caller.carry_out(
                "journal.retire", deletion, deadline_in(self._timeout_seconds)
            )
        except RefusedCallError as refused:
            raise UnknownOutcomeError(str(refused)) from refused


def shard(job_id: str) -> str:
    """Return the partition of a job's rows."""
    return hashlib.sha256(job_id.encode()).hexdigest()[0]


def _registered_at(row: Row) -> datetime:
    return datetime.fromisoformat(str(row.values["registered_at"]))
