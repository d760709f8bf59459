"""A job's row in the lists says what the journal says of it, whichever event a message names."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from tests.unit.audit_projector.doubles import LOCK, World, content

from contracts.jobs import JobError, JobSummary
from contracts.lock_names import partition
from contracts.statuses import JobStatus
from coordination.clock import VirtualClock
from coordination.outcomes import Cancelled, Completed, Failed, Interrupted, RunOutcome, TimedOut
from read_models.documents import KnownLock, LockRun

TRACE = "0af7651916cd43dd8448eb211c80319c"

#: When the worlds begin; every start, step and end takes a second.
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)

Life = Callable[[World, str], Awaitable[None]]


@pytest.fixture
def world() -> World:
    return World(clock=VirtualClock(BEGAN))


async def start(world: World, job_id: str) -> None:
    await world.start()


async def step(world: World, job_id: str) -> None:
    await world.step("load")


async def save_state(world: World, job_id: str) -> None:
    await world.save_state("{}")


async def cancel(world: World, job_id: str) -> None:
    await world.cancel(job_id)


def end(outcome: RunOutcome) -> Life:
    async def ends(world: World, job_id: str) -> None:
        await world.end(outcome)

    return ends


INTERRUPT, DIE = end(Interrupted("shutdown")), end(Interrupted("killed", died=True))

LIVES: dict[str, list[Life]] = {
    "completed": [start, step, save_state, end(Completed('"done"'))],
    "failed": [start, step, end(Failed("ValueError", "that was wrong"))],
    "timed out": [start, end(TimedOut("too long"))],
    "cancelled in line": [cancel],
    "cancelled while it ran": [start, cancel, end(Cancelled())],
    "cancelled after an interruption": [start, INTERRUPT, cancel],
    "interrupted, then completed": [start, step, INTERRUPT, start, save_state, end(Completed())],
    "lost, then completed": [start, start, step, end(Completed())],
    "killed for good": [start, DIE, start, DIE, start, DIE],
}


async def tell(world: World, job_id: str, heard: int) -> int:
    """Project what the next message names; returns the number of its last event."""
    last = (await world.job(job_id)).seq
    assert last > heard
    await world.project(job_id, last, first=heard + 1)
    return last


@pytest.mark.parametrize("life", LIVES.values(), ids=LIVES)
async def test_after_every_message_the_read_models_say_what_the_journal_says(
    world: World, life: list[Life]
) -> None:
    job_id = await world.submit()
    heard = await tell(world, job_id, 0)
    for happens in life:
        await happens(world, job_id)
        heard = await tell(world, job_id, heard)
        expected = World(world.journal, world.register, world.notifier, world.clock)
        await expected.project(job_id)
        assert content(world.models) == content(expected.models)
    assert world.models.summaries[job_id][1].seq == heard
    assert await world.active() == set()


async def test_an_interruption_alone_in_its_message_is_shown_and_counted(world: World) -> None:
    job_id = await world.submit()
    heard = await tell(world, job_id, 0)
    for interruptions in (1, 2):
        await world.start()
        heard = await tell(world, job_id, heard)
        summary, _ = world.models.summaries[job_id]
        assert (summary.status, summary.attempt) == ("Running", interruptions)
        await world.end(Interrupted("shutdown"))
        assert await tell(world, job_id, heard) == heard + 1
        heard += 1
        summary, _ = world.models.summaries[job_id]
        assert (summary.status, summary.interruptions) == ("Queued", interruptions)


async def test_a_summary_says_all_that_is_known_of_a_job(world: World) -> None:
    job_id = await world.submit("close the year", 2, f"00-{TRACE}-b7ad6b7169203331-01")
    await world.start("worker-1")
    await world.end(Interrupted("shutdown"))
    await world.start("worker-2")
    await world.end(Failed("ValueError", "that was wrong"))
    await world.project(job_id)
    assert world.models.summaries[job_id][0] == JobSummary(
        job_id=job_id,
        kind="ten-steps",
        name="close the year",
        lock=LOCK,
        status=JobStatus.FAILED,
        priority=2,
        properties={},
        attempt=2,
        interruptions=1,
        fence=2,
        worker="worker-2",
        actor="test",
        trace_id=TRACE,
        error=JobError(type="ValueError", message="that was wrong"),
        submitted_at=BEGAN,
        queued_at=BEGAN + timedelta(seconds=2),
        started_at=BEGAN + timedelta(seconds=1),
        finished_at=BEGAN + timedelta(seconds=4),
    )


async def test_a_request_to_cancel_alone_in_its_message_is_shown(world: World) -> None:
    job_id = await world.submit()
    await world.start()
    heard = await tell(world, job_id, 0)
    assert not world.models.summaries[job_id][0].cancel_requested
    await world.cancel(job_id)
    assert await tell(world, job_id, heard) == heard + 1
    summary, _ = world.models.summaries[job_id]
    assert (summary.status, summary.cancel_requested) == ("Running", True)


async def test_a_job_that_waits_has_neither_start_nor_end(world: World) -> None:
    job_id = await world.submit()
    await world.project(job_id)
    summary, mark = world.models.summaries[job_id]
    assert (summary.status, summary.started_at, summary.finished_at) == ("Queued", None, None)
    assert (summary.trace_id, summary.worker, summary.fence) == (None, None, None)
    assert (summary.queued_at, summary.cancel_requested) == (BEGAN, False)
    assert (mark.seq, mark.running_fence) == (1, 0)
    assert world.models.known_locks == {partition(LOCK): KnownLock(LOCK, partition(LOCK), 0)}


@pytest.mark.parametrize("one_by_one", [False, True])
async def test_a_lock_run_says_who_had_the_lock_from_when_to_when(world: World, *, one_by_one: bool) -> None:
    job_id = await world.submit("close the year")
    await world.start("worker-1")
    if one_by_one:
        await world.project(job_id)
        assert world.models.summaries[job_id][1].running_fence == 1
    await world.end(Completed())
    await world.project(job_id)
    (run,) = world.models.runs.values()
    assert run == LockRun(
        lock=LOCK,
        fence=1,
        job_id=job_id,
        attempt=1,
        worker="worker-1",
        tenure="lease-of-worker-1",
        began_at=BEGAN + timedelta(seconds=1),
        ended_at=BEGAN + timedelta(seconds=2),
        outcome="Completed",
        begun_in=run.begun_in,
        ended_in=run.ended_in,
        kind="ten-steps",
        name="close the year",
        queued_at=BEGAN,
        last_event_at=BEGAN + timedelta(seconds=1),
        ended_by="worker-1",
    )
    assert run.begun_in and run.ended_in and run.begun_in != run.ended_in  # noqa: PT018
    assert world.models.known_locks == {partition(LOCK): KnownLock(LOCK, partition(LOCK), 1)}


async def test_the_audit_trail_keeps_each_events_hash_and_the_one_before(world: World) -> None:
    job_id = await world.submit()
    await world.start()
    await world.project(job_id)
    entries = [entry for _, entry in sorted(world.models.trail.items())]
    assert [entry.event.seq for entry in entries] == [1, 2, 3]
    assert [entry.previous_hash for entry in entries] == ["", *(entry.hash for entry in entries[:-1])]
    assert entries[-1].hash == (await world.job(job_id)).event_hash
    assert world.models.summaries[job_id][1].hash == entries[-1].hash
    assert world.models.recent == {entry.event.event_id: entry for entry in entries}
