"""Reads from threads without an event loop: answers, errors, and what closing does to reads in progress."""

import asyncio
import concurrent.futures
import threading
from collections.abc import Iterator

import pytest
from tests.unit.azure_storage.answers import page, row, table_refusal
from tests.unit.azure_storage.fake_service import FakeService
from tests.waiting import until

from azure_storage.journal import TableJournal
from azure_storage.read_models import TableReadModels
from azure_storage.synchronous import ClosedError, SynchronousReader
from coordination.ports import UnknownOutcomeError
from read_models.cursors import CursorError


@pytest.fixture
def reader(service: FakeService) -> Iterator[SynchronousReader]:
    with SynchronousReader(service.connection) as reader:
        yield reader


async def test_threads_that_come_and_go_read_at_once(service: FakeService, reader: SynchronousReader) -> None:
    service.answer = row("key", N=7)
    journal = TableJournal(service.connection)
    found = []

    def one_page_of_a_dashboard() -> None:
        for _ in range(3):
            stored = reader.read(journal.read("partition", "key"))
            assert stored is not None
            found.append(stored.values["N"])

    for _ in range(2):
        threads = [threading.Thread(target=one_page_of_a_dashboard) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            await asyncio.to_thread(thread.join)
    assert found == [7] * 24
    assert len(service.requests) == 24


async def test_what_a_read_raises_reaches_its_caller(service: FakeService, reader: SynchronousReader) -> None:
    models = TableReadModels(service.connection)
    service.answer = table_refusal(503)
    with pytest.raises(UnknownOutcomeError):
        await asyncio.to_thread(lambda: reader.read(models.events(1)))
    with pytest.raises(CursorError):
        await asyncio.to_thread(lambda: reader.read(models.events(1, "nonsense")))
    service.answer = page()
    found = await asyncio.to_thread(lambda: reader.read(models.events(1)))
    assert found.items == []


async def test_closing_ends_the_reads_in_progress_and_refuses_others(reader: SynchronousReader) -> None:
    waits = threading.Event()
    was_cancelled = threading.Event()

    async def read_for_ever() -> None:
        waits.set()
        try:
            await asyncio.Event().wait()
        finally:
            was_cancelled.set()

    reading = asyncio.create_task(asyncio.to_thread(lambda: reader.read(read_for_ever())))
    await until(waits.is_set)
    await asyncio.to_thread(reader.close)
    with pytest.raises(ClosedError):
        await reading
    assert was_cancelled.is_set()
    for _ in range(2):
        with pytest.raises(ClosedError):
            reader.read(read_for_ever())
        reader.close()


async def test_closing_closes_the_connection(service: FakeService) -> None:
    service.answer = row("key", N=7)
    with SynchronousReader(service.connection) as reader:
        journal = TableJournal(service.connection)
        await asyncio.to_thread(lambda: reader.read(journal.read("partition", "key")))
        assert not service.connection.session.closed
    assert service.connection.session.closed


async def test_no_caller_waits_for_a_reader_that_is_closed_meanwhile(service: FakeService) -> None:
    service.answer = row("key", N=7)
    reader = SynchronousReader(service.connection)
    journal = TableJournal(service.connection)
    has_begun = threading.Barrier(9)

    def read_until_closed() -> type[Exception]:
        has_begun.wait()
        while True:
            try:
                reader.read(journal.read("partition", "key"))
            except (ClosedError, UnknownOutcomeError) as error:
                return type(error)

    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        readers = [threads.submit(read_until_closed) for _ in range(8)]
        await asyncio.to_thread(has_begun.wait)
        await until(lambda: len(service.requests) > 8)
        await asyncio.to_thread(reader.close)
        ends = [await asyncio.wrap_future(each) for each in readers]
    assert set(ends) == {ClosedError}
