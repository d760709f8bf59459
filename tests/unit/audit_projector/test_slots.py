"""Runs in different slots of a lock: they may overlap, and those of one slot may not."""

from datetime import timedelta

from tests.unit.audit_projector.doubles import LOCK, World

from coordination.clients.limits import LimitSetter
from coordination.outcomes import Completed, Interrupted
from coordination.slot import Slot
from read_models.documents import LockRun


async def world_with_two_slots() -> World:
    world = World()
    await LimitSetter(world.journal, world.notifier, world.clock).set(LOCK, 2, "ann")
    return world


async def test_runs_in_two_slots_may_overlap() -> None:
    world = await world_with_two_slots()
    jobs = [await world.submit() for _ in range(2)]
    await world.start("worker-1")
    first = world.held
    await world.clock.advance(20)
    await world.start("worker-2", slot=1)
    await world.clock.advance(20)
    second, world.held = world.held, first
    await world.end(Completed())
    world.held = second
    await world.end(Completed())
    for job_id in jobs:
        await world.project(job_id)
    assert world.violations == []
    runs = {key: (run.job_id, run.slot) for key, run in world.models.runs.items()}
    partition = Slot(LOCK).partition
    assert runs == {(partition, 1): (jobs[0], None), (f"{partition}-01", 1): (jobs[1], 1)}


async def test_runs_of_one_slot_that_overlap_are_found() -> None:
    world = await world_with_two_slots()
    jobs = [await world.submit() for _ in range(3)]
    await world.start()
    for job_id in jobs[1:]:
        await world.start("worker-2", slot=1)
        await world.end(Completed())
        await world.project(job_id)
    assert world.violations == []
    # The clock of the worker that ended the first run of slot 1 was ahead.
    key = f"{Slot(LOCK).partition}-01", 1
    run = world.models.runs[key]
    assert run.ended_at is not None
    late = run.ended_at + timedelta(seconds=60)
    forged = LockRun(LOCK, 1, run.job_id, run.attempt, ended_at=late, ended_in="another", slot=1)
    await world.models.record_lock_runs(key[0], [forged])
    await world.projection.project(LOCK, jobs[2], 1_000, afresh=True)
    [violation] = world.violations
    assert (violation.job_id, violation.fence) == (jobs[1], 1)


async def test_a_job_that_runs_again_in_another_slot_is_not_still_running_in_the_first() -> None:
    world = await world_with_two_slots()
    job_id = await world.submit()
    await world.start(slot=1)
    await world.end(Interrupted("the worker is stopping"))
    await world.start("worker-2")
    await world.end(Completed())
    await world.project(job_id)
    assert world.violations == []
    assert sorted((run.slot or 0, run.fence) for run in world.models.runs.values()) == [(0, 1), (1, 1)]


async def test_the_last_fence_of_a_lock_is_that_of_slot_0() -> None:
    world = await world_with_two_slots()
    jobs = [await world.submit() for _ in range(4)]
    await world.start()
    for _ in range(3):
        await world.start("worker-2", slot=1)
        await world.end(Completed())
    for job_id in jobs:
        await world.project(job_id)
    [known] = world.models.known_locks.values()
    assert known.last_fence == 1
