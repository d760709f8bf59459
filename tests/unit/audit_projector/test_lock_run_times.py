"""What a lock run says of its waiting, its last sign of life and its end: alike, however it was projected."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.unit.audit_projector.doubles import World

from coordination.clock import VirtualClock
from coordination.outcomes import Completed, Interrupted
from read_models.documents import LockRun

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


def new_world() -> World:
    return World(clock=VirtualClock(BEGAN))


async def lived(world: World, *, one_by_one: bool) -> list[LockRun]:
    """Return the runs of a job: lost by its worker, then without its runner, then stopped, then completed."""

    async def project() -> None:
        if one_by_one:
            await world.project(job_id)

    job_id = await world.submit()
    await project()
    await world.start("worker-1")
    await project()
    await world.step("load")
    await project()
    await world.start("worker-2")
    await project()
    await world.end(Interrupted("killed by signal 9", died=True))
    await project()
    await world.start("worker-2")
    await project()
    await world.save_state("half")
    await world.end(Interrupted("shutdown"))
    await project()
    await world.start("worker-1")
    await project()
    await world.end(Completed())
    await world.project(job_id)
    return [run for _, run in sorted(world.models.runs.items())]


@pytest.mark.parametrize("one_by_one", [False, True])
async def test_a_lock_run_says_since_when_its_job_waited(*, one_by_one: bool) -> None:
    runs = await lived(new_world(), one_by_one=one_by_one)
    assert [run.queued_at for run in runs] == [after(0), after(3), after(4), after(7)]


@pytest.mark.parametrize("one_by_one", [False, True])
async def test_a_lock_run_keeps_the_last_event_before_the_one_that_ended_it(*, one_by_one: bool) -> None:
    runs = await lived(new_world(), one_by_one=one_by_one)
    assert [run.last_event_at for run in runs] == [after(2), after(3), after(6), after(8)]


@pytest.mark.parametrize("one_by_one", [False, True])
async def test_a_lock_run_says_which_worker_ended_it_and_whether_its_runner_died(*, one_by_one: bool) -> None:
    runs = await lived(new_world(), one_by_one=one_by_one)
    assert [run.worker for run in runs] == ["worker-1", "worker-2", "worker-2", "worker-1"]
    assert [run.ended_by for run in runs] == ["worker-2", "worker-2", "worker-2", "worker-1"]
    assert [run.runner_died for run in runs] == [False, True, False, None]


async def test_another_projector_that_goes_on_from_the_watermark_derives_the_same() -> None:
    world = new_world()
    job_id = await world.submit()
    await world.project(job_id)
    await world.start("worker-1")
    await world.another_projection().project("ledger", job_id, 1_000)
    await world.step("load")
    await world.another_projection().project("ledger", job_id, 1_000)
    await world.start("worker-2")
    await world.another_projection().project("ledger", job_id, 1_000)
    lost, running = (run for _, run in sorted(world.models.runs.items()))
    assert (lost.queued_at, lost.last_event_at) == (after(0), after(2))
    assert (running.queued_at, running.last_event_at) == (after(3), None)


async def test_a_lock_tells_when_its_last_run_began() -> None:
    world = new_world()
    await lived(world, one_by_one=True)
    (lock,) = world.models.known_locks.values()
    assert (lock.last_fence, lock.used_at) == (4, after(8))
    job_id = await world.submit()
    await world.project(job_id)
    (lock,) = world.models.known_locks.values()
    assert (lock.last_fence, lock.used_at) == (4, after(8))
