"""What the projection makes of a job's events, however often and in whatever order it hears of them."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.audit_projector.doubles import LOCK, FailsNow, World, content

from audit_projector.observations import TrailBroken
from contracts.jobs import JobSummary
from contracts.lock_names import partition
from coordination.journal.rows import JobRow, event_key
from coordination.outcomes import Completed, Failed, Interrupted
from coordination.ports import UnknownOutcomeError
from coordination.testing.memory import InMemoryJournal
from read_models.documents import Watermark
from read_models.memory import InMemoryReadModels


@pytest.fixture
def world() -> World:
    return World()


async def lived(world: World) -> tuple[str, str]:
    """Return two jobs that have been through most of what can happen."""
    first, second = await world.submit(), await world.submit()
    await world.start("worker-1")
    await world.step("load")
    await world.start("worker-2")  # worker-1 was lost
    await world.step("count")
    await world.end(Interrupted("shutdown"))
    await world.start("worker-1")
    await world.end(Completed('"done"'))
    await world.start("worker-1")
    await world.end(Failed("ValueError", "that was wrong"))
    return first, second


async def test_everything_the_journal_says_is_projected(world: World) -> None:
    first, second = await lived(world)
    for job_id in (first, second):
        await world.project(job_id)
    assert not world.violations
    assert world.trail(first) == [
        "Submitted", "LeaseAcquired", "Started", "Step", "Interrupted", "LeaseAcquired", "Started", "Step",
        "Interrupted", "LeaseAcquired", "Started", "Completed",
    ]  # fmt: skip
    assert {entry.event.event_id for entry in world.models.recent.values()} == {
        entry.event.event_id for entry in world.models.trail.values()
    }
    lock_runs = [
        (fence, lock_run.job_id, lock_run.worker, lock_run.outcome)
        for (_, fence), lock_run in sorted(world.models.runs.items())
    ]
    assert lock_runs == [
        (1, first, "worker-1", "Interrupted"),
        (2, first, "worker-2", "Interrupted"),
        (3, first, "worker-1", "Completed"),
        (4, second, "worker-1", "Failed"),
    ]
    assert all(
        lock_run.began_at is not None
        and lock_run.ended_at is not None
        and lock_run.began_at < lock_run.ended_at
        for lock_run in world.models.runs.values()
    )
    summary = world.models.summaries[second][0]
    assert (summary.status, summary.fence) == ("Failed", 4)
    assert summary.error is not None
    assert summary.error.type == "ValueError"
    assert world.models.known_locks[partition(LOCK)].last_fence == 4


async def test_a_job_is_active_until_its_last_event_is_projected(world: World) -> None:
    job_id = await world.submit()
    await world.start()
    await world.project(job_id)
    assert await world.active() == {job_id}
    await world.end(Completed())
    await world.project(job_id)
    assert await world.active() == set()


async def test_a_job_whose_projector_died_before_retiring_it_is_retired_later(world: World) -> None:
    job_id = await world.submit()
    await world.cancel(job_id)
    retire, world.register.retire = world.register.retire, _never  # type: ignore[method-assign]
    with pytest.raises(UnknownOutcomeError):
        await world.project(job_id)
    world.register.retire = retire  # type: ignore[method-assign]
    assert await world.active() == {job_id}
    await world.project(job_id, up_to=1)
    assert await world.active() == set()


async def _never(*_: Any, **__: Any) -> None:
    raise UnknownOutcomeError


async def test_a_message_that_is_not_news_costs_no_write(world: World) -> None:
    job_id = await world.submit()
    assert await world.project(job_id) == 1
    before = content(world.models)
    assert await world.project(job_id, up_to=1) == 0
    assert content(world.models) == before


async def test_a_message_about_events_that_are_not_in_the_journal_is_not_believed(world: World) -> None:
    job_id = await world.submit()
    assert await world.projection.project(LOCK, "00000000-0000-0000-0000-000000000000", 3) == 0
    assert await world.projection.project("other", job_id, 3) == 0
    assert not world.models.trail
    await world.project(job_id, up_to=99)
    assert world.trail(job_id) == ["Submitted"]


async def test_a_gap_is_filled_from_the_journal(world: World) -> None:
    job_id = await world.submit()
    await world.project(job_id, up_to=1)
    await world.start()
    await world.step("load")
    await world.project(job_id, up_to=4)
    assert world.trail(job_id) == ["Submitted", "LeaseAcquired", "Started", "Step"]


async def test_a_job_that_failed_after_its_interruption_ended_its_tenure_with_the_interruption(
    world: World,
) -> None:
    job_id = await world.submit()
    for _ in range(3):
        await world.start()
        await world.end(Interrupted("killed", died=True))
    await world.project(job_id)
    assert world.trail(job_id)[-2:] == ["Interrupted", "Failed"]
    assert [lock_run.outcome for lock_run in world.models.runs.values()] == ["Interrupted"] * 3
    assert not world.violations


async def test_cancelling_a_job_that_waits_again_does_not_change_its_tenure(world: World) -> None:
    job_id = await world.submit()
    await world.start()
    await world.end(Interrupted("shutdown"))
    await world.project(job_id)
    await world.cancel(job_id)
    await world.project(job_id)
    (lock_run,) = world.models.runs.values()
    assert lock_run.outcome == "Interrupted"
    assert world.models.summaries[job_id][0].status == "Cancelled"
    assert not world.violations


async def test_an_event_that_was_altered_is_marked_and_told(world: World) -> None:
    job_id = await world.submit()
    await world.start()
    await world.step("load")
    rows = world.journal.partitions[partition(LOCK)]
    altered = rows[event_key(job_id, 3)]
    rows[event_key(job_id, 3)] = replace(altered, values={**altered.values, "worker": "somebody else"})
    await world.project(job_id)
    broken = [entry.event.seq for entry in world.models.trail.values() if entry.is_broken]
    assert broken == [3]
    assert [seen.event.seq for seen in world.observed if isinstance(seen, TrailBroken)] == [3]


async def test_an_event_that_was_removed_is_noticed(world: World) -> None:
    job_id = await world.submit()
    await world.start()
    await world.project(job_id, up_to=1)
    del world.journal.partitions[partition(LOCK)][event_key(job_id, 2)]
    world.models = InMemoryReadModels()
    await world.project(job_id)
    assert [entry.event.seq for entry in world.models.trail.values() if entry.is_broken] == [3]


async def test_a_healthy_trail_is_not_called_broken(world: World) -> None:
    for job_id in await lived(world):
        for up_to in range(1, 20):
            await world.project(job_id, up_to=up_to)
    assert [entry.is_broken for entry in world.models.trail.values()] == [False] * (12 + 4)
    assert not [seen for seen in world.observed if isinstance(seen, TrailBroken)]


async def test_an_id_that_was_given_up_is_no_job(world: World) -> None:
    job_id = await world.submit()
    rows = world.journal.partitions[partition(LOCK)]
    row = rows[f"job|{job_id}"]
    rows[f"job|{job_id}"] = replace(row, values={**row.values, "status": JobRow.TOMBSTONE})
    assert await world.project(job_id) == 0


async def test_projecting_afresh_writes_again_what_was_lost(world: World) -> None:
    jobs = await lived(world)
    for job_id in jobs:
        await world.project(job_id)
    for rows in (world.models.trail, world.models.recent, world.models.runs, world.models.known_locks):
        rows.clear()
    for job_id in jobs:
        assert await world.project(job_id) == 0
        assert await world.projection.project(LOCK, job_id, 0, afresh=True) > 0
    other = World(world.journal, world.register, world.notifier, world.clock)
    for job_id in jobs:
        await other.project(job_id)
    assert content(world.models) == content(other.models)


#: Which job a message is about, and which projector gets it; the first and the last event it names.
HINTS = st.tuples(st.integers(0, 1), st.integers(0, 1), st.integers(0, 9), st.integers(1, 14))


@settings(max_examples=60, deadline=None)
@given(
    hints=st.lists(HINTS, max_size=14),
    failures=st.sets(st.integers(1, 60), max_size=12),
    at_once=st.integers(1, 4),
    last_first=st.integers(0, 9),
)
def test_any_order_any_repetition_any_failure_and_any_number_of_projectors_lead_to_the_same(
    hints: list[tuple[int, int, int, int]], failures: set[int], at_once: int, last_first: int
) -> None:
    asyncio.run(_converges(World(models=InMemoryReadModels(FailsNow(*failures))), hints, at_once, last_first))


async def _converges(
    world: World, hints: list[tuple[int, int, int, int]], at_once: int, last_first: int
) -> None:
    jobs = [await world.submit(), await world.submit()]
    projectors = [world.projection, world.another_projection()]
    limit = asyncio.Semaphore(at_once)

    async def hear(job_id: str, by: int, first: int, up_to: int) -> None:
        async with limit:
            while True:
                with suppress(UnknownOutcomeError):
                    await projectors[by].project(LOCK, job_id, up_to, first=first)
                    return

    async with asyncio.TaskGroup() as listeners:
        for index, (which, by, first, up_to) in enumerate(hints):
            listeners.create_task(hear(jobs[which], by, first, up_to))
            await asyncio.sleep(0)
            if index in {2, 9}:
                await world.start()
            if index in {4, 10}:
                await world.step(f"step {index}")
            if index == 6:
                await world.end(Completed())
        for job_id in jobs:
            listeners.create_task(hear(job_id, 0, last_first, (await world.job(job_id)).seq))
    expected = World(world.journal, world.register, world.notifier, world.clock)
    for job_id in jobs:
        await expected.project(job_id)
    assert content(world.models) == content(expected.models)
    assert not world.violations
    assert not expected.violations


class GatedModels(InMemoryReadModels):
    """Read models that hold every write of a summary up until a test lets it through."""

    def __init__(self) -> None:
        super().__init__()
        self.arrived: asyncio.Queue[asyncio.Event] = asyncio.Queue()

    async def record_summary(self, summary: JobSummary, mark: Watermark, etag: str | None) -> str:
        gate = asyncio.Event()
        self.arrived.put_nowait(gate)
        await gate.wait()
        return await super().record_summary(summary, mark, etag)


async def test_a_projector_that_was_overtaken_by_a_slower_one_tries_again(world: World) -> None:
    models = world.models = GatedModels()
    job_id = await world.submit()
    slow = asyncio.create_task(world.project(job_id))
    slow_gate = await models.arrived.get()
    await world.start()
    quick = asyncio.create_task(world.project(job_id))
    quick_gate = await models.arrived.get()
    slow_gate.set()
    await slow
    quick_gate.set()
    (await models.arrived.get()).set()
    await quick
    summary, mark = models.summaries[job_id]
    assert (summary.status, mark.seq) == ("Running", 3)


async def test_a_summary_is_never_older_than_its_watermark() -> None:
    world = World()

    async def start_once_the_job_is_read(moment: str, name: str) -> None:
        if (moment, name) == ("after", "journal.read") and projecting and not world.held:
            await world.start()

    projecting = False
    world.journal = InMemoryJournal(start_once_the_job_is_read)
    job_id = await world.submit()
    projecting = True
    await world.project(job_id)
    summary, mark = world.models.summaries[job_id]
    assert (summary.status, mark.seq) == ("Running", 3)
