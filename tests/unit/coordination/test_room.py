"""A worker that cannot run what it took leaves it to others, and takes nothing more."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from tests.unit.coordination.setting import Setting
from tests.unit.coordination.small_world import Script, World

from contracts.statuses import EventStatus, JobStatus
from coordination.door import Answer
from coordination.doorkeeper import Doorkeeper, NoRoomError
from coordination.house import House, Rules
from coordination.outcomes import Interrupted, Outcome
from coordination.ports import Ring
from coordination.runs import Run
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


def broken_worker(world: World, runners: Runners) -> Doorkeeper:
    return Doorkeeper(
        world.ports,
        Rules("broken", LeaseTimes.of(15)),
        House(capacity=2),
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
    (ring,) = world.bell.take_rings()
    assert ring.released  # so that whoever watches the lock tries at once
    assert not broken.has_room
    with pytest.raises(NoRoomError):
        await broken.answer(ring)
    other = world.make_worker("other")
    await other.answer(ring)
    await world.clock.advance(5)
    assert [job.status for job in world.jobs()] == [JobStatus.COMPLETED]
    trail = [(event.status, event.worker) for event in world.events(job_id)]
    assert (EventStatus.INTERRUPTED, "broken") in trail
    assert world.jobs()[0].deaths == 0
    await world.close()


async def test_a_lock_whose_bell_was_answered_too_early_is_passed_on_untouched() -> None:
    world = World(seed=1, workers=0)
    runners = Runners(world, places=1)
    world.workers = [broken_worker(world, runners)]
    await world.submit()
    (ring,) = world.bell.take_rings()
    answering = asyncio.ensure_future(world.workers[0].answer(ring))
    await asyncio.sleep(0)
    runners.places = 0
    await world.clock.advance(5)
    await answering
    assert [job.attempt for job in world.jobs()] == [0]
    assert world.bell.take_rings() == [Ring(ring.lock_name, released=True)]
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
        assert worker.has_room
        assert await setting.ring(worker, Ring(lock)) is Answer.TAKEN
    assert not worker.has_room
    with pytest.raises(NoRoomError):
        await worker.answer(Ring("N"))
    assert len(setting.network.sent("leases.acquire")) == 2
    # What is served already needs no room.
    assert await setting.ring(worker, Ring("M")) is Answer.KNOWN


async def test_a_worker_has_places_for_all_that_it_may_serve_unless_told_otherwise(setting: Setting) -> None:
    worker = setting.worker(capacity=1)
    assert worker.has_room
    await setting.submit()
    await setting.ring(worker)
    assert not worker.has_room
    assert not worker.has_too_many


async def test_a_lock_that_is_tried_for_takes_room(setting: Setting) -> None:
    worker = setting.worker(capacity=1)
    setting.network.before("leases.acquire", 1.0)
    answering = asyncio.ensure_future(worker.answer(Ring("L")))
    await setting.clock.advance(0.5)
    assert worker.is_serving("L")
    assert worker.running == {}
    await worker.look("L", "job")  # nothing runs that could be looked at
    assert not worker.has_room
    await setting.clock.advance(0.5)
    assert await answering is Answer.EMPTY
    assert worker.has_room


async def test_a_worker_has_too_many_locks_only_when_it_serves_more_than_it_has_places(
    setting: Setting,
) -> None:
    places = 2
    worker = setting.worker(places=lambda: places)
    jobs = [await setting.submit(lock) for lock in ("L", "M")]
    for lock in ("L", "M"):
        await setting.ring(worker, Ring(lock))
    assert not worker.has_too_many
    assert worker.accepts(setting.job(jobs[0])) is True
    places = 1
    assert worker.has_too_many
    assert worker.accepts(setting.job(jobs[0])) is False


async def test_room_is_waited_for_until_a_lock_is_given_back(setting: Setting) -> None:
    worker = setting.worker(capacity=1)
    await setting.submit()
    filling = asyncio.ensure_future(worker.until_room(is_free=False))
    await setting.clock.settle()
    assert not filling.done()
    await setting.ring(worker)
    assert filling.done()
    freeing = asyncio.ensure_future(worker.until_room(is_free=True))
    await setting.clock.settle()
    assert not freeing.done()
    await setting.end()
    assert freeing.done()


async def test_waiting_until_there_is_no_room_ends_when_the_worker_stops(setting: Setting) -> None:
    worker = setting.worker()
    filling = asyncio.ensure_future(worker.until_room(is_free=False))
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
        await worker.until_room(is_free=False)
        waiting = asyncio.ensure_future(worker.until_room(is_free=True))
        await asyncio.sleep(0)
        assert not waiting.done()
        runners.places = 2
        worker.room_changed()
        await waiting
    await world.close()
