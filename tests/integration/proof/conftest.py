"""Histories written by hand in real tables, and the checker that reads them there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from azure.data.tables import TableEntity, UpdateMode
from azure.data.tables.aio import TableClient
from deploy.servers.private import Azurite
from tests.unit.verification.asking import HurriedClock
from tests.unit.verification.authored import Author, eventful

from audit_projector.projection import Projection
from azure_storage.connection import StorageConnection
from azure_storage.journal import TableJournal
from azure_storage.names import StorageNames
from azure_storage.read_models import TableReadModelWriter
from azure_storage.register import TableRegister
from coordination.journal import rows
from coordination.ports import Insert, Registration, Transaction
from proof import StorageEvidence
from verification import Question, Verdict, verify

_SECONDS = 30.0


@dataclass
class Written:
    """What stands in the tables: all that may happen under one lock, and jobs that wait under another."""

    connection: StorageConnection
    evidence: StorageEvidence
    idle: Author
    busy: Author

    async def verdict(self, **question: Any) -> Verdict:
        """Return the verdict, without patience."""
        return await verify(self.evidence, HurriedClock(), Question(**{"patience_seconds": 0.0, **question}))

    async def broken(self, **question: Any) -> dict[str, list[str | None]]:
        """Return the jobs, by invariant, of which the checker says something."""
        found: dict[str, list[str | None]] = {}
        for violation in (await self.verdict(**question)).violations:
            found.setdefault(violation.invariant.value, []).append(violation.job_id)
        return found

    @asynccontextmanager
    async def changed(self, table: str, key: str, **values: Any) -> AsyncIterator[None]:
        """Change a row for a while."""
        client, row = await self._row(table, key)
        await client.update_entity({**row, **values}, mode=UpdateMode.REPLACE)
        yield
        await client.update_entity(row, mode=UpdateMode.REPLACE)

    async def delete(self, table: str, key: str) -> None:
        """Delete a row."""
        client, row = await self._row(table, key)
        await client.delete_entity(row)

    async def _row(self, table: str, key: str) -> tuple[TableClient, TableEntity]:
        client = self.connection.table(self.connection.names.table(table))
        found = [row async for row in client.list_entities() if row["RowKey"] == key]
        assert len(found) == 1
        return client, found[0]


@pytest.fixture
async def written(azurite: Azurite, storage_namespace: str) -> AsyncIterator[Written]:
    names = StorageNames(prefix=storage_namespace)
    connection = StorageConnection.from_connection_string(azurite.connection_string, names)
    await connection.prepare()
    writer = TableReadModelWriter(connection, _SECONDS)
    await writer.prepare()
    idle, busy = eventful(), Author("busy", first_number=50)
    busy.start(busy.submit())
    for _ in range(2):
        busy.submit()
    for author in (idle, busy):
        await _write(author, connection, writer)
    yield Written(connection, StorageEvidence(connection), idle, busy)
    await connection.aclose()


async def _write(author: Author, connection: StorageConnection, writer: TableReadModelWriter) -> None:
    kept = [Insert(rows.data_prefix(job) + "parameters", {"text": "{}"}) for job in author.jobs]
    kept += [
        Insert(rows.traceback_key(job), rows.split_text(text)) for job, text in author.tracebacks.items()
    ]
    # In the order of the history: the emulator may give the rows of one transaction times of their own.
    in_order = sorted(author.stored(), key=lambda row: row.committed or 0)
    stored = [Insert(row.key, {**row.values, "op_id": "written"}) for row in in_order]
    register = TableRegister(connection, _SECONDS)
    await TableJournal(connection, _SECONDS).commit(
        author.partition, Transaction("written", [*kept, *stored]), _SECONDS
    )
    for job, row in author.jobs.items():
        await register.add(Registration(job, author.lock, author.partition, "hash", datetime.now(UTC)))
        if row.is_terminal:
            await register.retire(job)
    projection = Projection(TableJournal(connection, _SECONDS), register, writer, lambda _: None)
    for job, row in author.jobs.items():
        await projection.project(author.lock, job, row.seq)
