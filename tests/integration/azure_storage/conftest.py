"""A storage account of a test's own, seen directly and through relays that can fail."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from deploy.servers.private import Azurite
from tests.conformance.relay import Relay, relay_to, through

from azure_storage.calls import StorageCall
from azure_storage.connection import StorageConnection
from azure_storage.names import StorageNames


@dataclass
class Account:
    """Two connections to the same tables and blobs, and the calls of the relayed one."""

    direct: StorageConnection
    relayed: StorageConnection
    tables: Relay
    calls: list[StorageCall]


@pytest.fixture
async def account(azurite: Azurite, storage_namespace: str) -> AsyncIterator[Account]:
    names = StorageNames(prefix=storage_namespace)
    direct = StorageConnection.from_connection_string(azurite.connection_string, names)
    await direct.prepare()
    calls: list[StorageCall] = []
    async with relay_to(direct.table_url) as tables:
        relayed = StorageConnection(
            direct.blob_url, through(tables, direct.table_url), direct.credential, names, calls.append
        )
        yield Account(direct, relayed, tables, calls)
        await relayed.aclose()
    await direct.aclose()
