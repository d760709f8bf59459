"""A worker that cannot run what it took leaves it to others, and takes nothing more."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from tests.unit.coordination.setting import Setting
from tests.unit.coordination.small_world import Script, World

from contracts.statuses import EventStatus, JobStatus
from coordination.holder.dispatcher import LockDispatcher, NoCapacityError
from coordination.holder.lock_server import WakeUpOutcome
from coordination.holder.policy import HolderSettings, WorkerPolicy
from coordination.holder.runs import Run
from coordination.outcomes import Interrupted, Outcome
from coordination.ports import WakeUp
from coordination.slot import Slot
from coordination.times import LeaseTimes


class Runners:
    """Runners that are gone as soon as one is wanted, and cannot be replaced."""

    def __init__(self, world: World, places: int = 2) -> None:
        self.world = world
        self.places = places

    async def execute(self, run: Run) -> Outcome:
        self.places = 0
        await self.world.clock.sleep(1)
        return Interrupted("no runner")


def broken_worker(world: World, runners: Runners) -> LockDispatcher:
    return LockDispatcher(
        world.ports,
        HolderSettings("broken", LeaseTimes.of(15)),
        WorkerPolicy(capacity=2),
        runners,
        knows=lambda kind: True,
        observe=world.observed.append,
        places=lambda: runners.places,
    )


async def test_a_job_for_which_no_runner_can_be_had_is_interrupted_and_runs_elsewhere() -> None:
    world = World(seed=1, workers=0)
    broken = broken_worker(world, Runners(world))
    world.workers = [broken]
    job_id = await world.submit(script=Script(steps=1))
    world.deliver()
    await world.clock.advance(5)
    (wake_up,) = world.notifier.take_wake_ups()
    assert wake_up.released  # so that whoever watches the lock tries at once
    assert not broken.has_capacity
    with pytest.raises(NoCapacityError):
        await broken.answer(wake_up)
    other = world.make_worker("other")
    await other.answer(wake_up)
    await world.clock.advance(5)
    assert [job.status for job in world.jobs()] == [JobStatus.COMPLETED]
    trail = [(event.status, event.worker) for event in world.events(job_id)]
    assert (EventStatus.INTERRUPTED, "broken") in trail
    assert world.jobs()[0].deaths == 0
    await world.close()


async def test_a_lock_whose_wake_up_was_answered_too_early_is_passed_on_untouched() -> None:
    world = World(seed=1, workers=0)
    runners = Runners(world, places=1)
    world.workers = [broken_worker(world, runners)]
    await world.submit()
    (wake_up,) = world.notifier.take_wake_ups()
    answering = asyncio.ensure_future(world.workers[0].answer(wake_up))
    await asyncio.sleep(0)
    runners.places = 0
    await world.clock.advance(5)
    await answering
    assert [job.attempt for job in world.jobs()] == [0]
    assert world.notifier.take_wake_ups() == [WakeUp(wake_up.lock_name, released=True)]
    await world.close()


@pytest.fixture
async def setting() -> AsyncIterator[Setting]:
    made = Setting()
    yield made
    await made.close()


@pytest.mark.parametrize(("capacity", "places"), [(2, 5), (5, 2), (2, 2)])
async def test_a_worker_serves_as_many_locks_as_it_may_and_has_places_for(
    setting: Setting, capacity: int, places: int
) -> None:
    worker = setting.worker(places=lambda: places, capacity=capacity)
    for lock in ("L", "M", "N"):
        await setting.submit(lock)
    for lock in ("L", "M"):
        assert worker.has_capacity
        assert await setting.notify(worker, WakeUp(lock)) is WakeUpOutcome.TAKEN
    assert not worker.has_capacity
    with pytest.raises(NoCapacityError):
        await worker.answer(WakeUp("N"))
    assert len(setting.network.sent("leases.acquire")) == 2
    # What is served already needs no room.
    assert await setting.notify(worker, WakeUp("M")) is WakeUpOutcome.KNOWN


async def test_a_worker_has_places_for_all_that_it_may_serve_unless_told_otherwise(setting: Setting) -> None:
    worker = setting.worker(capacity=1)
    assert worker.has_capacity
    await setting.submit()
    await setting.notify(worker)
    assert not worker.has_capacity
    assert not worker.has_too_many


async def test_a_lock_that_is_tried_for_takes_room(setting: Setting) -> None:
    worker = setting.worker(capacity=1)
    setting.network.before("leases.acquire", 1.0)
    answering = asyncio.ensure_future(worker.answer(WakeUp("L")))
    await setting.clock.advance(0.5)
    assert worker.is_serving("L")
    assert worker.running == {}
    await worker.look("L", "job")  # nothing runs that could be looked at
    assert not worker.has_capacity
    await setting.clock.advance(0.5)
    assert await answering is WakeUpOutcome.EMPTY
    assert worker.has_capacity


async def test_a_worker_has_too_many_locks_only_when_it_serves_more_than_it_has_places(
    setting: Setting,
) -> None:
    places = 2
    worker = setting.worker(places=lambda: places)
    jobs = [await setting.submit(lock) for lock in ("L", "M")]
    for lock in ("L", "M"):
        await setting.notify(worker, WakeUp(lock))
    assert not worker.has_too_many
    assert worker.accepts(setting.job(jobs[0]), Slot("L")) is True
    places = 1
    assert worker.has_too_many
    assert worker.accepts(setting.job(jobs[0]), Slot("L")) is False


async def test_room_is_waited_for_until_a_lock_is_given_back(setting: Setting) -> None:
    worker = setting.worker(capacity=1)
    await setting.submit()
    filling = asyncio.ensure_future(worker.until_capacity(is_free=False))
    await setting.clock.settle()
    assert not filling.done()
    await setting.notify(worker)
    assert filling.done()
    freeing = asyncio.ensure_future(worker.until_capacity(is_free=True))
    await setting.clock.settle()
    assert not freeing.done()
    await setting.end()
    assert freeing.done()


async def test_waiting_until_there_is_no_room_ends_when_the_worker_stops(setting: Setting) -> None:
    worker = setting.worker()
    filling = asyncio.ensure_future(worker.until_capacity(is_free=False))
    await setting.clock.settle()
    assert not filling.done()
    await worker.stop(0.0)
    await setting.clock.settle()
    assert filling.done()


async def test_room_is_had_again_when_places_are() -> None:
    world = World(seed=1, workers=0)
    runners = Runners(world, places=0)
    worker = broken_worker(world, runners)
    async with asyncio.timeout(5):
        await worker.until_capacity(is_free=False)
        waiting = asyncio.ensure_future(worker.until_capacity(is_free=True))
        await asyncio.sleep(0)
        assert not waiting.done()
        runners.places = 2
        worker.capacity_changed()
        await waiting
    await world.close()
