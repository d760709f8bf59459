"""The read models' lists: order, pages, filters, and cursors that were never given."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from deploy.servers.private import Azurite

from azure_storage.connection import StorageConnection
from azure_storage.names import StorageNames
from azure_storage.read_models import (
    CursorError,
    KnownLock,
    LockRun,
    ReadModels,
    ReadModelWriter,
    StaleError,
    Summary,
    TrailEntry,
    Watermark,
)
from contracts.identifiers import new_id
from contracts.jobs import Event, Kind, Worker
from contracts.lock_names import partition
from contracts.statuses import EventStatus

pytestmark = pytest.mark.integration

NOON = datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)


@dataclass
class Tables:
    """The tables of one test, and both sides of them."""

    storage: StorageConnection
    models: ReadModels
    writer: ReadModelWriter


@pytest.fixture
async def tables(azurite: Azurite, storage_namespace: str) -> AsyncIterator[Tables]:
    names = StorageNames(prefix=storage_namespace)
    storage = StorageConnection.from_connection_string(azurite.connection_string, names)
    made = Tables(storage, ReadModels(storage), ReadModelWriter(storage))
    await made.writer.prepare()
    yield made
    await storage.aclose()


def entry(moment: datetime, seq: int = 1, fence: int | None = None, job_id: str = "") -> TrailEntry:
    job_id = job_id or new_id()
    event = Event(
        job_id=job_id,
        seq=seq,
        event_id=f"{job_id}-{seq:06d}",
        status=EventStatus.STEP,
        message="it's 'quoted' \u2603\n",
        timestamp_utc=moment,
        attempt=1,
        fence=fence,
        worker=None,
        lock="ledger",
        actor="test",
        trace_id=None,
        data={"large": "x" * 20_000, "nested": [1, None]},
    )
    return TrailEntry(event, "h", "p")


def summary(moment: datetime, **values: object) -> Summary:
    given = {
        "job_id": new_id(), "kind": "ten-steps", "name": "", "lock": "ledger", "status": "Queued",
        "priority": 5, "attempt": 0, "interruptions": 0, "fence": 0, "worker": "", "actor": "test",
        "trace_id": None, "error_type": "", "error_message": "", "submitted_at": moment, "started_at": None,
        "finished_at": None, "projected_seq": 1,
    }  # fmt: skip
    return Summary(**(given | values))  # type: ignore[arg-type]


async def test_recent_events_come_newest_first_over_minutes_and_pages(tables: Tables) -> None:
    entries = [entry(NOON + timedelta(seconds=23 * number)) for number in range(12)]
    await tables.writer.record_recent(entries[::2] + entries[1::2])
    seen: list[Event] = []
    cursor = None
    while True:
        page = await tables.models.recent_events(5, cursor)
        seen += page.items
        cursor = page.next
        if cursor is None:
            break
        assert len(page.items) == 5
    assert seen == [each.event for each in reversed(entries)]


async def test_events_of_one_moment_go_by_fence_and_number(tables: Tables) -> None:
    one, other = new_id(), new_id()
    ended = entry(NOON, 9, 7, one)
    acquired, started = entry(NOON, 2, 8, other), entry(NOON, 3, 8, other)
    await tables.writer.record_recent([ended, acquired, started])
    page = await tables.models.recent_events(10)
    assert page.items == [started.event, acquired.event, ended.event]


async def test_summaries_come_last_submitted_first_and_can_be_filtered(tables: Tables) -> None:
    quoted = "it's @partition or 1 eq 1"
    jobs = [
        summary(NOON + timedelta(days=number), status="Queued" if number % 2 else "Failed", lock=quoted)
        for number in range(6)
    ] + [summary(NOON - timedelta(days=9), kind="checksum-file")]
    for job in jobs:
        await tables.writer.record_summary(job, Watermark(1, "h"), None)
    newest = sorted(jobs, key=lambda job: job.submitted_at, reverse=True)
    assert (await tables.models.summaries(100)).items == newest
    assert (await tables.models.summaries(100, lock=quoted)).items == newest[:6]
    assert (await tables.models.summaries(100, kind="checksum-file")).items == newest[6:]
    first = await tables.models.summaries(2, status="Failed", lock=quoted)
    second = await tables.models.summaries(2, first.next, status="Failed", lock=quoted)
    assert first.items + second.items == [job for job in newest[:6] if job.status == "Failed"]
    assert second.next is None


async def test_a_watermark_moves_only_from_the_version_that_was_read(tables: Tables) -> None:
    job = summary(NOON)
    await tables.writer.record_summary(job, Watermark(1, "h1"), None)
    with pytest.raises(StaleError):
        await tables.writer.record_summary(job, Watermark(2, "h2"), None)
    mark = await tables.writer.watermark(job.job_id, NOON)
    assert (mark.seq, mark.hash) == (1, "h1")
    await tables.writer.record_summary(job, Watermark(3, "h3", 7), mark.etag)
    with pytest.raises(StaleError):
        await tables.writer.record_summary(job, Watermark(2, "h2"), mark.etag)
    assert (await tables.writer.watermark(job.job_id, NOON)).running_fence == 7
    assert await tables.models.projected_seq(job.job_id) == 3
    await tables.writer.wipe()
    assert await tables.models.projected_seq(job.job_id) == 0
    with pytest.raises(StaleError):
        await tables.writer.record_summary(job, Watermark(4, "h4"), mark.etag)


async def test_the_halves_of_a_tenure_meet_in_any_order(tables: Tables) -> None:
    key = partition("ledger")
    ended = LockRun("ledger", 2**40, ended_at=NOON, outcome="Completed")
    begun = LockRun("ledger", 2**40, "j", 1, "w", "lease", NOON)
    for half in (ended, begun):
        await tables.writer.record_lock_runs(key, [half])
    await tables.writer.record_lock(KnownLock("ledger", key, 2**40))
    (whole,) = (await tables.models.lock_runs("ledger", 5)).items
    assert whole == LockRun("ledger", 2**40, "j", 1, "w", "lease", NOON, NOON, "Completed")


async def test_tenures_come_latest_first_in_pages(tables: Tables) -> None:
    key = partition("ledger")
    await tables.writer.record_lock_runs(key, [LockRun("ledger", fence) for fence in range(1, 8)])
    await tables.writer.record_lock(KnownLock("ledger", key, 7))
    first = await tables.models.lock_runs("ledger", 4)
    second = await tables.models.lock_runs("ledger", 4, first.next)
    assert [lock_run.fence for lock_run in first.items + second.items] == [7, 6, 5, 4, 3, 2, 1]
    assert second.next is None
    assert (await tables.models.lock_runs("never used", 4)).items == []


async def test_a_locks_last_fence_never_falls(tables: Tables) -> None:
    key = partition("ledger")
    for fence in (0, 5, 3, 7, 6):
        await tables.writer.record_lock(KnownLock("ledger", key, fence))
    assert (await tables.models.locks(5)).items == [KnownLock("ledger", key, 7)]


async def test_a_locks_last_fence_is_the_highest_of_all_writers_also_after_the_tables_were_emptied(
    tables: Tables,
) -> None:
    other = ReadModelWriter(tables.storage)
    key = partition("ledger")
    for writer, fence in ((tables.writer, 1), (other, 2), (tables.writer, 3), (tables.writer, 4), (other, 3)):
        await writer.record_lock(KnownLock("ledger", key, fence))
    assert (await tables.models.locks(5)).items == [KnownLock("ledger", key, 4)]
    await other.wipe()
    await tables.writer.record_lock(KnownLock("ledger", key, 5))
    assert (await tables.models.locks(5)).items == [KnownLock("ledger", key, 5)]


async def test_locks_come_in_pages(tables: Tables) -> None:
    names = ["alpha", "beta", "Gamma", "\u0394elta", "it's / \\ # ?"]
    for name in names:
        await tables.writer.record_lock(KnownLock(name, partition(name), 1))
    first = await tables.models.lock_names(3)
    second = await tables.models.lock_names(3, first.next)
    assert sorted(first.items + second.items) == sorted(names)
    assert second.next is None


async def test_kinds_and_workers_of_any_name_and_size(tables: Tables) -> None:
    kind = Kind(kind="ten-steps", description="\u2603", parameters={"text": "y" * 70_000}, published_at=NOON)
    await tables.writer.publish_kind(kind)
    await tables.writer.publish_kind(kind)
    assert await tables.models.kinds() == [kind]
    workers = [Worker(worker=name, seen_at=NOON) for name in ("host/1", "host_1", "host#1", "100%")]
    for worker in workers:
        await tables.writer.record_heartbeat(worker)
    assert sorted(found.worker for found in await tables.models.workers()) == sorted(
        worker.worker for worker in workers
    )


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "\u2603", "A" * 5_000, "W10", "WyJhIl0", "bnVsbA", "WyInIG9yICcnIGVxICciLCAiYSJd", "W1tbW1tb"],
)
async def test_a_cursor_that_was_not_given_is_refused(tables: Tables, cursor: str) -> None:
    for ask in (tables.models.recent_events, tables.models.summaries):
        with pytest.raises(CursorError):
            await ask(5, cursor)
    with pytest.raises(ValueError, match="cursor"):
        await tables.models.lock_runs("ledger", 5, cursor)


async def test_a_tenure_keeps_every_run_it_was_stored_for_and_is_marked_by_one_only(
    tables: Tables,
) -> None:
    key = partition("ledger")
    await tables.writer.record_lock_runs(key, [LockRun("ledger", fence) for fence in (1, 2, 3, 6, 9)])
    job, other = new_id(), new_id()
    for run in (LockRun("ledger", 3, job, 1, "w", begun_in="x"), LockRun("ledger", 3, job, 1, ended_in="y")):
        await tables.writer.record_lock_runs(key, [run])
    (lock_run,) = [found for found in await tables.writer.lock_runs_around(key, 3) if found.fence == 3]
    assert (lock_run.worker, lock_run.begun_in, lock_run.ended_in, len(lock_run.runs)) == ("w", "x", "y", 1)
    await tables.writer.record_lock_runs(key, [LockRun("ledger", 3, other, 1)])
    with pytest.raises(StaleError):
        await tables.writer.mark_overlap(key, lock_run, "late")
    around = await tables.writer.lock_runs_around(key, 4)
    assert [found.fence for found in around] == [2, 3, 6]
    assert len(around[1].runs) == 2
    await tables.writer.mark_overlap(key, around[1], "mine")
    with pytest.raises(StaleError):
        await tables.writer.mark_overlap(key, around[1], "another's")
    marked = (await tables.writer.lock_runs_around(key, 3))[2]
    assert (marked.overlap, marked.worker, len(marked.runs)) == ("mine", "w", 2)
