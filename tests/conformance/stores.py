"""The storage ports to test, and what a test can do to the world behind them."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from tests.conformance.relay import relay_to, through

from azure_storage.connection import StorageConnection
from azure_storage.journal import TableJournal
from azure_storage.leases import BlobLeases
from azure_storage.names import StorageNames
from azure_storage.read_models import Table, TableReadModels, TableReadModelWriter
from azure_storage.read_models.removal import TableProjectedRows
from azure_storage.read_models.rows import summary_row
from azure_storage.read_models.tables import Tables
from azure_storage.register import TableRegister
from contracts.jobs import JobSummary
from coordination.clock import VirtualClock
from coordination.maintenance.removing import ProjectedRows
from coordination.ports import JobRegister, Journal, Leases, UnknownOutcomeError
from coordination.testing.memory import InMemoryJournal, InMemoryLeases, InMemoryRegister
from read_models import ReadModels, ReadModelWriter, Watermark
from read_models.memory import InMemoryReadModels


@dataclass
class Store:
    """The storage ports, and what a test can do to the world behind them."""

    leases: Leases
    journal: Journal
    register: JobRegister
    #: Lets so many seconds pass for the leases.
    let_pass: Callable[[float], Awaitable[None]]
    #: Lets calls be carried out and their answers get lost, or not any more.
    lose_answers: Callable[[bool], None]


def in_memory() -> Store:
    """Return the doubles, in virtual time."""
    clock = VirtualClock()
    fault = _LosesAnswers()
    return Store(
        InMemoryLeases(clock, fault),
        InMemoryJournal(fault),
        InMemoryRegister(fault),
        clock.advance,
        fault.lose,
    )


async def on_azurite(
    connection_string: str, namespace: str, stack: AsyncExitStack, *, groups_transactions: bool = False
) -> Store:
    """Return the adapters on a server, behind relays that can lose its answers."""
    direct = StorageConnection.from_connection_string(connection_string, StorageNames(prefix=namespace))
    stack.push_async_callback(direct.aclose)
    await direct.prepare()
    blobs = await stack.enter_async_context(relay_to(direct.blob_url))
    tables = await stack.enter_async_context(relay_to(direct.table_url))
    relayed = StorageConnection(
        through(blobs, direct.blob_url),
        through(tables, direct.table_url),
        direct.credential,
        direct.names,
    )
    stack.push_async_callback(relayed.aclose)

    def lose_answers(wanted: bool) -> None:
        blobs.loses_answers = tables.loses_answers = wanted

    journal = TableJournal(relayed, groups_transactions=groups_transactions)
    return Store(BlobLeases(relayed), journal, TableRegister(relayed), asyncio.sleep, lose_answers)


@dataclass
class Models:
    """The read models to test, and their writers."""

    models: ReadModels
    writer: ReadModelWriter
    #: Reads of the same tables whose pages of jobs look through ten jobs at most.
    hasty: ReadModels
    another_writer: Callable[[], ReadModelWriter]
    #: Lets calls be carried out and their answers get lost, or not any more.
    lose_answers: Callable[[bool], None]
    #: Stores jobs in no rare state, many at once.
    fill: Callable[[Sequence[JobSummary]], Awaitable[None]]
    #: Requests so far, by what they are for.
    requests: Counter[str]
    projected_rows: ProjectedRows


def models_in_memory() -> Models:
    """Return the double."""
    fault = _LosesAnswers()
    models, hasty = InMemoryReadModels(fault), InMemoryReadModels(fault)
    hasty.summaries, hasty.most_looked_through = models.summaries, 10

    async def fill(jobs: Sequence[JobSummary]) -> None:
        models.summaries |= {job.job_id: (job, Watermark(1, "h", etag="filled")) for job in jobs}

    return Models(models, models, hasty, lambda: models, fault.lose, fill, fault.calls, models)


async def models_on_azurite(connection_string: str, namespace: str, stack: AsyncExitStack) -> Models:
    """Return the adapter on a server, behind a relay that can lose its answers."""
    direct = StorageConnection.from_connection_string(connection_string, StorageNames(prefix=namespace))
    stack.push_async_callback(direct.aclose)
    await TableReadModelWriter(direct).prepare()
    tables = await stack.enter_async_context(relay_to(direct.table_url))
    requests: Counter[str] = Counter()
    relayed = StorageConnection(
        direct.blob_url,
        through(tables, direct.table_url),
        direct.credential,
        direct.names,
        lambda call: requests.update([call.operation]),
    )
    stack.push_async_callback(relayed.aclose)

    def lose_answers(wanted: bool) -> None:
        tables.loses_answers = wanted

    async def fill(jobs: Sequence[JobSummary]) -> None:
        stored = (summary_row(job, Watermark(1, "h")) for job in jobs)
        await Tables(direct).upsert(Table.SUMMARIES, stored)

    return Models(
        TableReadModels(relayed),
        TableReadModelWriter(relayed),
        TableReadModels(relayed, most_requests=2, rows_per_request=5),
        lambda: TableReadModelWriter(relayed),
        lose_answers,
        fill,
        requests,
        TableProjectedRows(relayed),
    )


class _LosesAnswers:
    """A fault that lets calls be carried out and loses their answers, while a test wants it."""

    def __init__(self) -> None:
        self._loses = False
        self.calls: Counter[str] = Counter()

    def lose(self, wanted: bool) -> None:
        self._loses = wanted

    async def __call__(self, when: str, name: str) -> None:
        await asyncio.sleep(0)
        if when == "before" and name == "read_models.list_jobs":
            self.calls["read_models.page"] += 1
        if self._loses and when == "after":
            raise UnknownOutcomeError
