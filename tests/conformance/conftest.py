"""The ports under test: the in-memory doubles, and the adapters on a real server."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import aio_pika
import pytest
from tests.conformance.mns_server import MnsServer, serving
from tests.conformance.queues import ForeignQueue, QueueInMemory, QueueOnMns, QueueOnRabbitMQ
from tests.conformance.stores import (
    Models,
    Store,
    in_memory,
    models_in_memory,
    models_on_azurite,
    on_azurite,
)

from azure_storage.connection import StorageConnection
from azure_storage.names import StorageNames
from azure_storage.read_models import TableReadModels
from azure_storage.worker_directory import TableWorkerDirectory
from coordination.clock import SystemClock, VirtualClock
from coordination.ports import Clock, JobRegister, Journal, Leases
from coordination.testing.worker_directory import InMemoryWorkerDirectory
from coordination.worker_directory import WorkerDirectory

#: The doubles, the local storage, and the emulator without it.
STORES = [
    "memory",
    *(pytest.param(server, marks=pytest.mark.integration) for server in ("azurite", "unchanged_azurite")),
]


#: A journal whose transactions of several callers share requests.
GROUPED = "azurite, grouped"


@pytest.fixture(params=[*STORES, pytest.param(GROUPED, marks=pytest.mark.integration)])
async def store(request: pytest.FixtureRequest, storage_namespace: str) -> AsyncIterator[Store]:
    """The storage ports on memory, and on Azurite."""
    if request.param == "memory":
        yield in_memory()
        return
    async with AsyncExitStack() as stack:
        server = request.getfixturevalue(request.param.partition(",")[0])
        yield await on_azurite(
            server.connection_string,
            storage_namespace,
            stack,
            groups_transactions=request.param == GROUPED,
        )


@pytest.fixture
def journal(store: Store) -> Journal:
    return store.journal


@pytest.fixture
def register(store: Store) -> JobRegister:
    return store.register


@pytest.fixture
def leases(store: Store) -> Leases:
    return store.leases


@asynccontextmanager
async def connected(request: pytest.FixtureRequest) -> AsyncIterator[StorageConnection]:
    """Connect to Azurite."""
    text = request.getfixturevalue(request.param).connection_string
    names = StorageNames(prefix=request.getfixturevalue("storage_namespace"))
    connection = StorageConnection.from_connection_string(text, names)
    yield connection
    await connection.aclose()


@pytest.fixture(params=STORES)
async def tables(request: pytest.FixtureRequest, storage_namespace: str) -> AsyncIterator[Models]:
    """The read models in memory, and on Azurite."""
    if request.param == "memory":
        yield models_in_memory()
        return
    async with AsyncExitStack() as stack:
        server = request.getfixturevalue(request.param)
        yield await models_on_azurite(server.connection_string, storage_namespace, stack)


@pytest.fixture(params=STORES)
async def directory(request: pytest.FixtureRequest) -> AsyncIterator[WorkerDirectory]:
    """The worker directory in memory, and on Azurite."""
    if request.param == "memory":
        yield InMemoryWorkerDirectory()
        return
    async with connected(request) as connection:
        await TableReadModels(connection).prepare()
        yield TableWorkerDirectory(connection)


@pytest.fixture(params=["virtual", "system"])
def clock(request: pytest.FixtureRequest) -> Clock:
    return VirtualClock() if request.param == "virtual" else SystemClock()


@pytest.fixture(params=["memory", "mns", pytest.param("rabbitmq", marks=pytest.mark.integration)])
async def foreign_queue(request: pytest.FixtureRequest) -> AsyncIterator[ForeignQueue]:
    """A queue of another system: in memory, on a stand-in for the service, and on a real server."""
    if request.param == "memory":
        yield QueueInMemory()
        return
    if request.param == "mns":
        server = MnsServer()
        async with serving(server) as endpoint:
            on_mns = QueueOnMns(server, endpoint)
            yield on_mns
            await on_mns.close()
        return
    url = request.getfixturevalue(request.param).url
    async with await aio_pika.connect(url) as connection, connection.channel() as channel:
        queue = QueueOnRabbitMQ(url, channel)
        await queue.declare()
        yield queue
        await queue.delete()
