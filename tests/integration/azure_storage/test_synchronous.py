"""Threads read lists from a real server, as the pages of a dashboard do."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from tests.integration.azure_storage.conftest import Account

from azure_storage.connection import StorageConnection
from azure_storage.read_models import TableReadModels, TableReadModelWriter
from azure_storage.synchronous import SynchronousReader
from azure_storage.worker_directory import TableWorkerDirectory
from contracts.jobs import Worker
from contracts.lock_names import partition
from read_models.documents import KnownLock

pytestmark = pytest.mark.integration

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


async def test_threads_read_what_is_written_in_an_event_loop(account: Account) -> None:
    writer = TableReadModelWriter(account.direct)
    await writer.prepare()
    names = [f"lock {number}" for number in range(5)]
    for name in names:
        await writer.record_lock(KnownLock(name, partition(name), 1))
    connection = StorageConnection(
        account.direct.blob_url, account.direct.table_url, account.direct.credential, account.direct.names
    )
    models, directory = TableReadModels(connection), TableWorkerDirectory(connection)

    def one_page_of_a_dashboard(limit: int) -> tuple[list[str], list[Worker]]:
        found: list[str] = []
        cursor = None
        while cursor is not None or not found:
            locks = reader.read(models.locks(limit, cursor))
            found += [known.lock for known in locks.items]
            cursor = locks.next
        return found, reader.read(directory.workers())

    with SynchronousReader(connection) as reader, ThreadPoolExecutor(8) as threads:
        for beat in range(2):
            worker = Worker(worker="w", seen_at=NOON + timedelta(seconds=beat))
            await TableWorkerDirectory(account.direct).record_heartbeat(worker)
            seen = [threads.submit(one_page_of_a_dashboard, limit) for limit in (1, 2, 3, 5, 6, 100)]
            for each in seen:
                assert await asyncio.wrap_future(each) == (names, [worker])
