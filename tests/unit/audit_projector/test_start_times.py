"""Jobs with start times: what lists say of them, and how they leave the active ones."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from tests.unit.audit_projector.doubles import World

from contracts.lock_names import partition
from coordination.clock import VirtualClock
from coordination.maintenance.pauses import Pace
from coordination.maintenance.start_times import StartTimes
from coordination.outcomes import Completed
from coordination.ports import ActiveJob


@pytest.fixture
def world() -> World:
    return World(clock=VirtualClock())


async def later(world: World) -> AsyncIterator[ActiveJob]:
    async for job in world.register.active(world.clock.now() + timedelta(days=400)):
        yield job


async def test_a_delayed_job_waits_from_its_start_time_on_and_leaves_when_it_has_run(world: World) -> None:
    start_at = world.clock.now() + timedelta(seconds=60)
    job_id = await world.submit(start_at=start_at)
    await world.project(job_id)
    shown, _ = world.models.summaries[job_id]
    assert (shown.start_at, shown.queued_at, shown.next_attempt_at) == (start_at, start_at, None)

    await world.clock.advance(60)
    starts = StartTimes(world.journal, world.register, world.notifier, world.clock, Pace())
    await starts.put_lock_in_line(partition((await world.job(job_id)).lock_name))
    await world.start()
    await world.end(Completed())
    await world.project(job_id)
    shown, _ = world.models.summaries[job_id]
    assert (shown.status, shown.start_at, shown.queued_at) == ("Completed", start_at, start_at)
    (run,) = world.models.runs.values()
    assert (run.queued_at, run.began_at) == (start_at, start_at + timedelta(seconds=1))
    assert [job async for job in later(world)] == []


@pytest.mark.parametrize("is_postponed", [False, True])
async def test_one_that_was_cancelled_before_its_start_time_is_active_no_more(
    world: World, is_postponed: bool
) -> None:
    job_id = await world.submit(start_at=world.clock.now() + timedelta(seconds=3600))
    await world.project(job_id)
    if is_postponed:
        (job,) = [job async for job in later(world)]
        await world.register.postpone(job)
    await world.cancel(job_id)
    await world.project(job_id)
    assert [job async for job in later(world)] == []
