"""A long history, as a projector would have left it, for pages that must not care how long it is."""

import asyncio
from collections.abc import Awaitable, Iterable
from datetime import UTC, datetime, timedelta

from azure_storage.connection import StorageConnection
from azure_storage.journal import TableJournal
from azure_storage.read_models import TableReadModelWriter
from contracts import lock_names
from contracts.jobs import Event, JobError, JobSummary
from contracts.statuses import EventStatus, JobStatus
from coordination.journal.rows import LockRow, lock_key
from coordination.ports import Insert, Transaction
from read_models.documents import KnownLock, LockRun, TrailEntry, Watermark

#: Jobs of a short history and of a long one.
SHORT, LONG = 100, 5_000

#: The lock of every other job.
LOCK = "ledger-2026"

OP_ID = "the last run's end"

#: Writes at the same time.
_AT_ONCE = 64

#: Of so many jobs, one fails.
_FAILS = 10

#: Old jobs that were submitted in one minute.
_A_MINUTE = 25


async def write(storage: StorageConnection, jobs: int, *, recent: int = 20) -> list[JobSummary]:
    """Write jobs that have ended, the newest first; `recent` of them within the last hour. Return them."""
    writer = TableReadModelWriter(storage)
    await writer.prepare()
    summaries = [_summary(number, _moment(number, recent)) for number in range(jobs)]
    entries = [entry for summary in summaries for entry in _entries(summary)]
    of_lock = [summary for summary in summaries if summary.lock == LOCK]
    runs = [_run(summary, fence) for fence, summary in enumerate(reversed(of_lock), 1)]
    partition = lock_names.partition(LOCK)
    await _all(writer.record_summary(summary, Watermark(3, "h"), None) for summary in summaries)
    await writer.record_recent(sorted(entries, key=lambda entry: entry.event.timestamp_utc))
    await writer.record_lock_runs(partition, runs)
    await writer.record_lock(KnownLock(LOCK, partition, len(runs)))
    await _free_lock(storage, runs[-1])
    return summaries


async def _free_lock(storage: StorageConnection, last: LockRun) -> None:
    """Write the lock's row as the end of its last run leaves it."""
    assert last.began_at is not None
    assert last.ended_at is not None
    row = LockRow(
        LOCK,
        fence=last.fence,
        tenure=str(last.tenure),
        worker=str(last.worker),
        started_at=last.began_at.isoformat(),
        freed_at=last.ended_at.isoformat(),
        freed_by=last.outcome or "",
        op_id=OP_ID,
    )
    await TableJournal(storage).commit(
        lock_names.partition(LOCK), Transaction(OP_ID, [Insert(lock_key(), row.values())]), timeout=60
    )


def _moment(number: int, recent: int) -> datetime:
    now = datetime.now(UTC)
    if number < recent:
        return now - timedelta(minutes=1 + number)
    # What a long history has more is older than any period that a page shows.
    ago = timedelta(hours=2) if number < SHORT else timedelta(days=30)
    return now - ago - number * timedelta(minutes=1) / _A_MINUTE


def _summary(number: int, submitted_at: datetime) -> JobSummary:
    fails = number % _FAILS == 0
    return JobSummary(
        job_id=f"01970000-0000-7000-8000-{number:012d}",
        kind="close-month",
        name=f"Close month {number}",
        lock=LOCK if number % 2 else f"lock-{number % 50:03d}",
        status=JobStatus.FAILED if fails else JobStatus.COMPLETED,
        priority=5,
        properties={},
        attempt=1,
        interruptions=0,
        fence=number + 1,
        worker="worker-1",
        actor="api",
        error=JobError(type="ValueError", message="no such month") if fails else None,
        trace_id=None,
        submitted_at=submitted_at,
        queued_at=submitted_at,
        started_at=submitted_at + timedelta(seconds=2),
        finished_at=submitted_at + timedelta(seconds=22),
    )


def _entries(summary: JobSummary) -> Iterable[TrailEntry]:
    ended = EventStatus.FAILED if summary.status is JobStatus.FAILED else EventStatus.COMPLETED
    moments = (
        (EventStatus.SUBMITTED, summary.submitted_at),
        (EventStatus.STARTED, summary.started_at),
        (ended, summary.finished_at),
    )
    for seq, (status, moment) in enumerate(moments, 1):
        assert moment is not None
        event = Event(
            job_id=summary.job_id,
            seq=seq,
            event_id=f"{summary.job_id}-{seq:06d}",
            status=status,
            message=f"{status} of {summary.name}",
            timestamp_utc=moment,
            attempt=min(seq - 1, 1),
            fence=summary.fence if seq > 1 else None,
            worker=summary.worker if seq > 1 else None,
            lock=summary.lock,
            actor=summary.actor,
            trace_id=None,
            data={},
        )
        yield TrailEntry(event, f"hash {seq}", f"hash {seq - 1}")


def _run(summary: JobSummary, fence: int) -> LockRun:
    return LockRun(
        lock=summary.lock,
        fence=fence,
        job_id=summary.job_id,
        attempt=1,
        worker=summary.worker,
        tenure=f"tenure {fence}",
        began_at=summary.started_at,
        ended_at=summary.finished_at,
        outcome=summary.status.value,
        begun_in=f"begun {fence}",
        ended_in=f"ended {fence}",
        kind=summary.kind,
        name=summary.name,
    )


async def _all(writes: Iterable[Awaitable[object]]) -> None:
    turns = asyncio.Semaphore(_AT_ONCE)

    async def one(write: Awaitable[object]) -> None:
        async with turns:
            await write

    await asyncio.gather(*(one(write) for write in writes))
