"""The key that seals announcements, on a real storage."""

import asyncio

import pytest
from deploy.servers import private
from tests.integration.counted import counted_storage

from azure_storage.register import TableRegister
from azure_storage.seal_key import seal_key

pytestmark = pytest.mark.integration


async def test_processes_that_start_together_have_one_key_and_a_deleted_one_is_replaced(
    azurite: private.Azurite, storage_namespace: str
) -> None:
    async with counted_storage(azurite, storage_namespace) as storage:
        connections = [storage.counted, storage.beside]
        keys = await asyncio.gather(*(seal_key(connections[n % 2]) for n in range(10)))
        assert len(set(keys)) == 1
        assert [job async for job in TableRegister(storage.counted).all()] == []
        table = storage.beside.table(storage.beside.names.index_table)
        await table.delete_entity("seal", "announcements")
        assert await seal_key(storage.counted) != keys[0]
