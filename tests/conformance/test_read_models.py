"""What every implementation of the read models does: order, pages, cursors, versions."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.conformance.documents import NOON, entry, summary
from tests.conformance.stores import Models

from contracts.identifiers import new_id
from contracts.jobs import Event
from contracts.lock_names import partition
from coordination.slot import Slot
from read_models.cursors import CursorError
from read_models.documents import KnownLock, LockRun, StaleError, Watermark
from read_models.filters import JobFilter


async def test_recent_events_come_newest_first_over_minutes_and_pages(tables: Models) -> None:
    entries = [entry(NOON + timedelta(seconds=23 * number)) for number in range(12)]
    await tables.writer.record_recent(entries[::2] + entries[1::2])
    seen: list[Event] = []
    cursor = None
    while True:
        page = await tables.models.events(5, cursor)
        seen += page.items
        cursor = page.next
        if cursor is None:
            break
        assert len(page.items) == 5
    assert seen == [each.event for each in reversed(entries)]


async def test_events_of_one_moment_go_by_fence_and_number(tables: Models) -> None:
    one, other = new_id(), new_id()
    ended = entry(NOON, 9, 7, one)
    acquired, started = entry(NOON, 2, 8, other), entry(NOON, 3, 8, other)
    await tables.writer.record_recent([ended, acquired, started])
    page = await tables.models.events(10)
    assert page.items == [started.event, acquired.event, ended.event]


async def test_a_watermark_moves_only_from_the_version_that_was_read(tables: Models) -> None:
    job = summary(NOON)
    await tables.writer.record_summary(job, Watermark(1, "h1"), None)
    with pytest.raises(StaleError):
        await tables.writer.record_summary(job, Watermark(2, "h2"), None)
    mark = await tables.writer.watermark(job.job_id, NOON)
    assert (mark.seq, mark.hash) == (1, "h1")
    times: dict[str, Any] = {"queued_at": NOON, "last_event_at": NOON + timedelta(microseconds=1)}
    await tables.writer.record_summary(job, Watermark(3, "h3", 7, **times), mark.etag)
    with pytest.raises(StaleError):
        await tables.writer.record_summary(job, Watermark(2, "h2"), mark.etag)
    moved = await tables.writer.watermark(job.job_id, NOON)
    assert moved == Watermark(3, "h3", 7, moved.etag, **times)
    over = Watermark(4, "h4", 0, queued_at=NOON)
    await tables.writer.record_summary(job, over, moved.etag)
    moved = await tables.writer.watermark(job.job_id, NOON)
    assert moved == replace(over, etag=moved.etag)
    assert await tables.models.projected_seqs({job.job_id: NOON}) == {job.job_id: 4}
    await tables.writer.wipe()
    assert await tables.models.projected_seqs({job.job_id: NOON}) == {}
    with pytest.raises(StaleError):
        await tables.writer.record_summary(job, Watermark(4, "h4"), mark.etag)


async def test_the_runs_of_a_lock_come_latest_first_in_pages(tables: Models) -> None:
    key = partition("ledger")
    await tables.writer.record_lock_runs(key, [LockRun("ledger", fence) for fence in range(1, 8)])
    await tables.writer.record_lock(KnownLock("ledger", key, 7))
    first = await tables.models.lock_runs("ledger", 4)
    second = await tables.models.lock_runs("ledger", 4, first.next)
    assert [lock_run.fence for lock_run in first.items + second.items] == [7, 6, 5, 4, 3, 2, 1]
    assert second.next is None
    assert (await tables.models.lock_runs("never used", 4)).items == []


async def test_a_locks_last_fence_never_falls(tables: Models) -> None:
    key = partition("ledger")
    for fence in (0, 5, 3, 7, 6):
        await tables.writer.record_lock(KnownLock("ledger", key, fence))
    assert (await tables.models.locks(5)).items == [KnownLock("ledger", key, 7)]


async def test_a_locks_last_fence_is_the_highest_of_all_writers_also_after_the_tables_were_emptied(
    tables: Models,
) -> None:
    other = tables.another_writer()
    key = partition("ledger")
    for writer, fence in ((tables.writer, 1), (other, 2), (tables.writer, 3), (tables.writer, 4), (other, 3)):
        await writer.record_lock(KnownLock("ledger", key, fence))
    assert (await tables.models.locks(5)).items == [KnownLock("ledger", key, 4)]
    await other.wipe()
    await tables.writer.record_lock(KnownLock("ledger", key, 5))
    assert (await tables.models.locks(5)).items == [KnownLock("ledger", key, 5)]


async def test_locks_come_in_pages(tables: Models) -> None:
    names = ["alpha", "beta", "Gamma", "\u0394elta", "it's / \\ # ?"]
    for name in names:
        await tables.writer.record_lock(KnownLock(name, partition(name), 1))
    first = await tables.models.locks(3)
    second = await tables.models.locks(3, first.next)
    assert sorted(known.lock for known in first.items + second.items) == sorted(names)
    assert second.next is None


async def test_locks_are_found_by_the_start_of_their_names(tables: Models) -> None:
    names = ["tenant:1/import", "Tenant:42", "tenantry", "other tenant", "tenant", "\u2603/a", "\u2603b"]
    for name in names:
        await tables.writer.record_lock(KnownLock(name, partition(name), 1))
    for prefix in ("tenant", "TENANT:", "tenant:4", "\u2603", "\u2603/", "nothing", "'", "/"):
        wanted = {name for name in names if name.lower().startswith(prefix.lower())}
        found: list[str] = []
        cursor = None
        while True:
            page = await tables.models.locks(2, cursor, prefix)
            found += [known.lock for known in page.items]
            cursor = page.next
            if cursor is None:
                break
        assert (set(found), len(found)) == (wanted, len(wanted)), prefix


async def test_runs_are_read_from_one_fence_to_another(tables: Models) -> None:
    runs = [LockRun("ledger", fence) for fence in (1, 2, 3, 5, 8)]
    await tables.writer.record_lock_runs(partition("ledger"), runs)
    await tables.writer.record_lock_runs(partition("other"), [LockRun("other", 4)])
    for first, last, fences in ((2, 5, [2, 3, 5]), (1, 1, [1]), (4, 4, []), (6, 1_000, [8]), (0, 1, [1])):
        found = await tables.models.lock_runs_between("ledger", first, last)
        assert [run.fence for run in found] == fences


async def test_runs_of_another_slot_are_read_by_its_number(tables: Models) -> None:
    for slot in (0, 1, 12):
        runs = [LockRun("ledger", fence, slot=slot or None) for fence in (1, slot + 2)]
        await tables.writer.record_lock_runs(Slot("ledger", slot).lease_name, runs)
    for slot, fences in ((0, [1, 2]), (1, [1, 3]), (12, [1, 14]), (2, [])):
        found = await tables.models.lock_runs_between("ledger", 1, 20, slot)
        assert [(run.fence, run.slot) for run in found] == [(fence, slot or None) for fence in fences]


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "\u2603", "A" * 5_000, "W10", "WyJhIl0", "bnVsbA", "WyInIG9yICcnIGVxICciLCAiYSJd", "W1tbW1tb"],
)
async def test_a_cursor_that_was_not_given_is_refused(tables: Models, cursor: str) -> None:
    with pytest.raises(CursorError):
        await tables.models.jobs(JobFilter(), 5, cursor)
    with pytest.raises(CursorError):
        await tables.models.events(5, cursor)
    with pytest.raises(ValueError, match="cursor"):
        await tables.models.lock_runs("ledger", 5, cursor)
