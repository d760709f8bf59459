"""A worker that cannot run what it took leaves it to others, and takes nothing more."""

import asyncio

import pytest
from tests.unit.coordination.small_world import Script, World

from contracts.statuses import EventStatus, JobStatus
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
