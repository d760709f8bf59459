"""The pages of locks read the same from the doubles and from a real server, in as many requests."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from tests.conformance.conftest import STORES

from azure_storage.calls import StorageCall
from azure_storage.connection import StorageConnection
from azure_storage.journal import TableJournal
from azure_storage.names import StorageNames
from azure_storage.read_models import TableReadModels, TableReadModelWriter
from contracts.lock_names import partition
from coordination.clock import VirtualClock
from coordination.journal import rows
from coordination.journal.events import timestamp
from coordination.journal.rows import LockRow
from coordination.ports import Insert, Journal, Transaction
from coordination.testing.memory import InMemoryJournal
from dashboard.reading.lock import LockReader
from dashboard.reading.locks import LockListReader
from read_models import ReadModels, ReadModelWriter
from read_models.documents import KnownLock, LockRun
from read_models.memory import InMemoryReadModels

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Locks:
    """Locks with runs, and readers of them whose requests are counted."""

    def __init__(
        self, journal: Journal, models: ReadModels, writer: ReadModelWriter, requests: Counter[str]
    ) -> None:
        self.clock = VirtualClock(NOON)
        self.requests = requests
        self.reader = LockReader(journal, models, self.clock)
        self.list = LockListReader(models, self.clock)
        self._journal = journal
        self._writer = writer

    async def have(self, name: str, runs: int) -> None:
        """Store a lock with so many runs, a minute each, the last of them in progress."""
        key = partition(name)
        known = []
        for fence in range(1, runs + 1):
            began = NOON - timedelta(minutes=runs + 1 - fence)
            ended = None if fence == runs else began + timedelta(seconds=50)
            known.append(
                LockRun(
                    name,
                    fence,
                    f"job-{fence}",
                    1,
                    "worker-1",
                    "lease",
                    began,
                    ended,
                    None if ended is None else "Completed",
                    queued_at=began,
                    ended_by=None if ended is None else "worker-1",
                    name="Close of May",
                )
            )
        await self._writer.record_lock_runs(key, known)
        await self._writer.record_lock(KnownLock(name, key, runs, known[-1].began_at))
        started = timestamp(NOON - timedelta(minutes=1))
        row = LockRow(
            name, fence=runs, job_id=f"job-{runs}", worker="worker-1", started_at=started, op_id="o"
        )
        await self._journal.commit(key, Transaction("o", [Insert(rows.lock_key(), row.values())]), 5)
        self.requests.clear()


@pytest.fixture(params=STORES)
async def locks(request: pytest.FixtureRequest, storage_namespace: str) -> AsyncIterator[Locks]:
    requests: Counter[str] = Counter()
    if request.param == "memory":

        async def count(when: str, call: str) -> None:
            requests["all"] += when == "before"

        models = InMemoryReadModels(count)
        yield Locks(InMemoryJournal(count), models, models, requests)
        return

    def observe(call: StorageCall) -> None:
        requests["all"] += 1

    connection = StorageConnection.from_connection_string(
        request.getfixturevalue("azurite").connection_string, StorageNames(prefix=storage_namespace), observe
    )
    await connection.prepare()
    writer = TableReadModelWriter(connection)
    await writer.prepare()
    yield Locks(TableJournal(connection), TableReadModels(connection), writer, requests)
    await connection.aclose()


@pytest.mark.parametrize("count", [100, 900])
async def test_a_lock_is_opened_with_three_requests_and_costs_none_while_nothing_changes(
    locks: Locks, count: int
) -> None:
    name = "it's a/lock? #1 %2F"
    await locks.have(name, count)
    since = NOON - timedelta(hours=1)
    view = await locks.reader.view(name, since)
    # The lock's row and line, the row of its job, its runs.
    assert locks.requests["all"] == 3
    assert (len(view.runs), view.state.last_fence) == (count, count)
    assert view.first_used == NOON - timedelta(minutes=count)
    assert view.runs[0].name == "Close of May"
    await locks.clock.advance(5)
    await locks.reader.view(name, since)
    assert locks.requests["all"] == 3


async def test_a_long_history_costs_one_request_more(locks: Locks) -> None:
    await locks.have("ledger", 2_500)
    view = await locks.reader.view("ledger", NOON - timedelta(hours=1))
    # The first run of all is not among the newest ones.
    assert locks.requests["all"] == 4
    assert (view.runs[0].fence, view.runs[-1].fence) == (1_501, 2_500)
    assert view.first_used == NOON - timedelta(minutes=2_500)


async def test_the_list_of_locks_is_read_with_one_request_a_page(locks: Locks) -> None:
    for name in ("tenant:1", "tenant:2", "ledger"):
        await locks.have(name, 1)
    locks.requests.clear()
    page = await locks.list.page("Tenant:")
    assert [lock.lock for lock in page.items] == sorted(["tenant:1", "tenant:2"], key=partition)
    assert page.items[0].used_at == NOON - timedelta(minutes=1)
    await locks.list.page("Tenant:")
    assert locks.requests["all"] == 1
