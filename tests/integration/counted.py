"""Jobs in a real storage, and a connection to it whose requests are counted."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from deploy.servers import private
from tests.servers import RunningAzurite
from tests.unit.audit_projector.doubles import World

from audit_projector.projection import Projection
from audit_projector.retirements import Retirements
from azure_storage.calls import StorageCall
from azure_storage.connection import StorageConnection
from azure_storage.journal import TableJournal
from azure_storage.names import StorageNames
from azure_storage.read_models import TableReadModelWriter
from azure_storage.register import TableRegister


@dataclass
class CountedStorage:
    """Two connections to the same tables: requests count on one, and preparations use the other."""

    counted: StorageConnection
    beside: StorageConnection
    #: Requests by their operation.
    calls: Counter[str] = field(default_factory=Counter)


@asynccontextmanager
async def counted_storage(
    azurite: private.Azurite | RunningAzurite, namespace: str
) -> AsyncIterator[CountedStorage]:
    """Connect twice to a storage that is prepared."""
    calls: Counter[str] = Counter()

    def count(call: StorageCall) -> None:
        calls[call.operation] += not call.is_shared

    connect, names = StorageConnection.from_connection_string, StorageNames(prefix=namespace)
    counted = connect(azurite.connection_string, names, count)
    beside = connect(azurite.connection_string, names)
    try:
        await beside.prepare()
        await TableReadModelWriter(beside).prepare()
        calls.clear()
        yield CountedStorage(counted, beside, calls)
    finally:
        await counted.aclose()
        await beside.aclose()


def projection_on(storage: StorageConnection) -> Projection:
    """Return a projection that reads and writes through a connection."""
    writer = TableReadModelWriter(storage)
    retirements = Retirements(TableRegister(storage), gather_seconds=0.5)
    return Projection(TableJournal(storage), retirements, writer, lambda _: None)


def world_on(storage: StorageConnection) -> World:
    """Return what submits and runs jobs through a connection."""
    return World(journal=TableJournal(storage), register=TableRegister(storage))  # type: ignore[arg-type]
