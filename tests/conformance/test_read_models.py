"""What every implementation of the read models does: order, pages, filters, cursors, versions."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.conformance.stores import Models

from contracts.identifiers import new_id
from contracts.jobs import Event, JobError, JobSummary
from contracts.lock_names import partition
from contracts.statuses import EventStatus, JobStatus
from read_models.cursors import CursorError
from read_models.documents import KnownLock, LockRun, StaleError, TrailEntry, Watermark
from read_models.filters import JobFilter

EVERY_JOB = JobFilter()
NOON = datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)


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


def summary(moment: datetime, **values: object) -> JobSummary:
    given: dict[str, Any] = {
        "job_id": new_id(), "kind": "ten-steps", "name": "", "lock": "ledger", "status": JobStatus.QUEUED,
        "priority": 5, "properties": {}, "attempt": 0, "interruptions": 0, "fence": None, "worker": None,
        "actor": "test", "error": None, "trace_id": None, "submitted_at": moment, "started_at": None,
        "finished_at": None,
    }  # fmt: skip
    return JobSummary(**(given | values))


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
    await tables.writer.record_summary(job, Watermark(3, "h3", 7), mark.etag)
    with pytest.raises(StaleError):
        await tables.writer.record_summary(job, Watermark(2, "h2"), mark.etag)
    assert (await tables.writer.watermark(job.job_id, NOON)).running_fence == 7
    assert await tables.models.projected_seq(job.job_id) == 3
    await tables.writer.wipe()
    assert await tables.models.projected_seq(job.job_id) == 0
    with pytest.raises(StaleError):
        await tables.writer.record_summary(job, Watermark(4, "h4"), mark.etag)


async def test_the_halves_of_a_tenure_meet_in_any_order(tables: Models) -> None:
    key = partition("ledger")
    ended = LockRun("ledger", 2**40, ended_at=NOON, outcome="Completed")
    begun = LockRun("ledger", 2**40, "j", 1, "w", "lease", NOON)
    for half in (ended, begun):
        await tables.writer.record_lock_runs(key, [half])
    await tables.writer.record_lock(KnownLock("ledger", key, 2**40))
    (whole,) = (await tables.models.lock_runs("ledger", 5)).items
    assert whole == LockRun("ledger", 2**40, "j", 1, "w", "lease", NOON, NOON, "Completed")


async def test_tenures_come_latest_first_in_pages(tables: Models) -> None:
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


async def listed(tables: Models, wanted: JobFilter = EVERY_JOB, limit: int = 3) -> list[JobSummary]:
    """Return all jobs that fit, page by page."""
    found: list[JobSummary] = []
    cursor: str | None = None
    while True:
        page = await tables.models.jobs(wanted, limit, cursor)
        assert len(page.items) <= limit
        found += page.items
        cursor = page.next
        if cursor is None:
            return found


async def stored(tables: Models, *jobs: JobSummary) -> list[JobSummary]:
    """Store jobs, and return them with the last submitted first."""
    for job in jobs:
        await tables.writer.record_summary(job, Watermark(1, "h"), None)
    return sorted(jobs, key=lambda job: job.submitted_at, reverse=True)


async def test_jobs_come_last_submitted_first_over_days_and_pages(tables: Models) -> None:
    hours = [summary(NOON + timedelta(hours=7 * number)) for number in range(7)]
    at_once = [summary(NOON + timedelta(microseconds=number)) for number in (1, 2, 3)]
    jobs = await stored(tables, *hours[::2], *at_once, *hours[1::2])
    assert await listed(tables) == jobs
    assert await listed(tables, limit=100) == jobs


async def test_a_list_repeats_nothing_and_lacks_nothing_while_jobs_are_submitted(tables: Models) -> None:
    jobs = await stored(tables, *(summary(NOON + timedelta(hours=number)) for number in range(4)))
    first = await tables.models.jobs(EVERY_JOB, 2)
    await stored(tables, summary(NOON + timedelta(days=1)))
    second = await tables.models.jobs(EVERY_JOB, 2, first.next)
    assert first.items + second.items == jobs


async def test_a_job_is_listed_with_all_that_is_known_of_it(tables: Models) -> None:
    job = summary(
        NOON, name="a \u2603", properties={"team": "a", "ü/#=": ""}, attempt=2, interruptions=1, fence=2**40,
        worker="w", error=JobError(type="ValueError", message=""), trace_id="t", started_at=NOON,
        finished_at=NOON, status=JobStatus.FAILED,
    )  # fmt: skip
    await stored(tables, job)
    assert await listed(tables) == [job]


FIRST, LAST = (moment.replace(tzinfo=UTC) for moment in (datetime.min, datetime.max))  # noqa: DTZ901
QUOTED = "it's @partition or 1 eq 1"
MANY = frozenset(f"kind-{number}" for number in range(20))


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        (JobFilter(statuses={JobStatus.FAILED}), "b d"),
        (JobFilter(statuses={JobStatus.FAILED, JobStatus.RUNNING}), "b c d"),
        (JobFilter(kinds={"checksum-file"}), "a"),
        (JobFilter(kinds={"checksum-file", "ten-steps"}), "a b c"),
        (JobFilter(kinds=MANY), "d e"),
        (JobFilter(kinds=MANY, statuses={JobStatus.FAILED}), "d"),
        (JobFilter(lock=QUOTED), "c"),
        (JobFilter(worker="w-1"), "b"),
        (JobFilter(worker=""), ""),
        (JobFilter(name_prefix="Year"), "d e"),
        (JobFilter(name_prefix="Year 2026"), "d"),
        (JobFilter(name_prefix="year"), "c"),
        (JobFilter(name_prefix="' or '"), ""),
        (JobFilter(properties={"team": "a"}), "b c"),
        (JobFilter(properties={"team": "a", "it's": "'"}), "c"),
        (JobFilter(properties={"team": ""}), "e"),
        (JobFilter(properties={"Team": "a"}), ""),
        (JobFilter(submitted_from=NOON + timedelta(hours=2)), "c d e"),
        (JobFilter(submitted_from=NOON + timedelta(hours=2, microseconds=1)), "d e"),
        (JobFilter(submitted_before=NOON + timedelta(hours=2)), "a b"),
        (JobFilter(submitted_before=NOON + timedelta(hours=2, microseconds=1)), "a b c"),
        (
            JobFilter(submitted_from=NOON + timedelta(hours=1), submitted_before=NOON + timedelta(hours=4)),
            "b c d",
        ),
        (JobFilter(submitted_from=NOON + timedelta(days=2)), ""),
        (JobFilter(submitted_from=FIRST, submitted_before=LAST), "a b c d e"),
        (JobFilter(submitted_from=LAST), ""),
        (JobFilter(submitted_before=FIRST), ""),
        (JobFilter(statuses={JobStatus.FAILED}, lock="ledger", name_prefix="Year"), "d"),
    ],
)
async def test_a_list_has_the_jobs_that_fit_the_filter(tables: Models, wanted: JobFilter, fits: str) -> None:
    hour = timedelta(hours=1)
    jobs = {
        "a": summary(NOON, kind="checksum-file"),
        "b": summary(NOON + hour, status=JobStatus.FAILED, worker="w-1", properties={"team": "a"}),
        "c": summary(
            NOON + 2 * hour, status=JobStatus.RUNNING, lock=QUOTED, name="year",
            properties={"team": "a", "it's": "'"},
        ),
        "d": summary(NOON + 3 * hour, status=JobStatus.FAILED, kind="kind-7", name="Year 2026"),
        "e": summary(NOON + 4 * hour, kind="kind-19", name="Year 2025", properties={"team": ""}),
    }  # fmt: skip
    await stored(tables, *jobs.values())
    found = await listed(tables, wanted)
    assert found == [job for name, job in reversed(jobs.items()) if name in fits.split()]
    assert found == [job for job in reversed(jobs.values()) if wanted.fits(job)]


async def test_a_page_ends_early_when_almost_nothing_fits_and_its_cursor_goes_on(tables: Models) -> None:
    jobs = await stored(tables, *(summary(NOON + timedelta(hours=number)) for number in range(11)))
    rare = summary(NOON - timedelta(days=1), kind="kind-3")
    await stored(tables, rare)
    first = await tables.hasty.jobs(JobFilter(kinds=MANY), 2)
    assert first.items == []
    assert first.next is not None
    second = await tables.hasty.jobs(JobFilter(kinds=MANY), 2, first.next)
    assert (second.items, second.next) == ([rare], None)
    assert len(jobs) == 11
