"""The sweeper over the in-memory ports."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta

import pytest
from tests.unit.coordination.small_world import Script, World
from tests.unit.coordination.wrong_clock import WrongClock

from contracts import lock_names
from coordination.holder.dispatcher import LockDispatcher
from coordination.maintenance.sweeper import Sweeper
from coordination.ports import Registration, UnknownOutcomeError
from coordination.testing.memory import InMemoryLeases


class Projections:
    """Read models that have heard of nothing until told."""

    def __init__(self) -> None:
        self.seqs: dict[str, int] = {}

    async def of(self, jobs: Mapping[str, datetime]) -> dict[str, int]:
        return {job_id: self.seqs.get(job_id, 0) for job_id in jobs}


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World(seed=1, workers=2)
    yield made
    await made.close()


def sweeper(world: World, projections: Projections) -> Sweeper:
    return Sweeper(world.leases, world.journal, world.register, world.notifier, world.clock, projections.of)


def lose_wake_ups(world: World) -> None:
    world.notifier.take_wake_ups()


async def test_a_job_whose_wake_up_was_lost_is_notified_of_once_per_lock(world: World) -> None:
    first, second = await world.submit(traceparent="its-trace"), await world.submit()
    lose_wake_ups(world)
    sweeping = sweeper(world, Projections())
    assert (await sweeping.sweep()).notified == 0  # its wake-up may still be on the way
    await world.clock.advance(6)
    assert (await sweeping.sweep()).notified == 1
    assert [
        (wake_up.lock_name, wake_up.job_id, wake_up.traceparent) for wake_up in world.notifier.wake_ups
    ] == [("L", first, "its-trace")]
    await world.run_until_done()
    assert {job.job_id for job in world.jobs()} == {first, second}
    world.check()


async def test_a_running_job_is_left_alone_while_its_lease_is_held(world: World) -> None:
    await world.submit(script=Script(steps=100))
    world.deliver()
    await world.clock.advance(30)
    assert (await sweeper(world, Projections()).sweep()).notified == 0


async def test_a_job_whose_holder_vanished_is_notified_of_once_its_lease_has_run_out(world: World) -> None:
    job_id = await world.submit(script=Script(steps=100), traceparent="its-trace")
    world.deliver()
    await world.clock.advance(2.5)
    holder: LockDispatcher = next(worker for worker in world.workers if worker.running)
    for service in holder._sessions.values():
        assert service.task is not None
        assert service.tenure is not None
        service.tenure.keeper.release = never  # type: ignore[method-assign]
        service.task.cancel()
    sweeping = sweeper(world, Projections())
    assert (await sweeping.sweep()).notified == 0
    await world.clock.advance(16)
    assert (await sweeping.sweep()).notified == 1
    # The wake-up is for the job that was cut off, and part of its trace.
    assert [(wake_up.job_id, wake_up.traceparent) for wake_up in world.notifier.wake_ups] == [
        (job_id, "its-trace")
    ]


async def never() -> None:
    """Stand for a release that a dead process does not send."""


async def test_events_the_read_models_never_heard_of_are_told_again(world: World) -> None:
    job_id = await world.submit(script=Script(steps=1))
    await world.run_until_done()
    world.notifier.take_announcements()
    projections = Projections()
    projections.seqs[job_id] = 2
    await world.clock.advance(6)
    sweeping = sweeper(world, projections)
    assert (await sweeping.sweep()).announced == 1
    assert [(told.first, told.last) for told in world.notifier.take_announcements()] == [(3, 5)]
    projections.seqs[job_id] = 5
    assert (await sweeping.sweep()).announced == 0
    await world.clock.advance(6)
    assert (await sweeping.sweep()).announced == 0
    assert (await sweeping.sweep()).active == 0  # projected to the end, so it is active no more


async def passes(number: int, sweeping: Sweeper, world: World) -> None:
    for _ in range(number):
        await sweeping.sweep()
        await world.clock.advance(3)


class Comparisons(Projections):
    """Read models that note which jobs were compared with them."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    async def of(self, jobs: Mapping[str, datetime]) -> dict[str, int]:
        self.asked += jobs
        return await super().of(jobs)


async def test_a_job_that_goes_on_unheard_of_is_told_of_within_the_longest_look(world: World) -> None:
    job_id = await world.submit(script=Script(steps=1))
    models = Comparisons()
    models.seqs[job_id] = 1
    sweeping = sweeper(world, models)
    await passes(40, sweeping, world)
    await world.run_until_done()
    world.notifier.take_announcements()
    began = world.clock.boot()
    while not (await sweeping.sweep()).announced:
        await world.clock.advance(3)
    assert world.clock.boot() - began <= sweeping.pace.longest_look + 3


async def test_where_events_of_one_job_were_lost_all_others_are_looked_at(world: World) -> None:
    waiting = await world.submit("waiting")
    models = Comparisons()
    models.seqs[waiting] = 1
    sweeping = sweeper(world, models)
    await passes(40, sweeping, world)
    lost = await world.submit("lost")
    await world.clock.advance(6)
    models.asked.clear()
    assert (await sweeping.sweep()).announced == 1
    assert models.asked == [lost]
    await sweeping.sweep()
    assert models.asked[0] == lost
    assert sorted(models.asked[1:]) == sorted([waiting, lost])


async def test_an_id_whose_submission_never_arrived_is_closed_after_a_day(world: World) -> None:
    job_id = "018f6c3e-7b1a-7c4e-9d3a-0123456789ab"
    await world.register.add(Registration(job_id, "L", "l-x", "hash", world.clock.now()))
    sweeping = sweeper(world, Projections())
    assert (await sweeping.sweep()).abandoned == 0
    await world.clock.advance(86_401)
    assert (await sweeping.sweep()).abandoned == 1
    assert (await sweeping.sweep()).active == 0


async def test_many_locks_on_a_slow_storage_are_looked_at_side_by_side(world: World) -> None:
    for number in range(40):
        await world.submit(f"lock {number}")
    lose_wake_ups(world)
    await world.clock.advance(6)

    async def take_a_while(when: str, name: str) -> None:
        if when == "before" and name == "journal.read_range":
            await world.clock.sleep(0.5)

    world.journal.calls.fault = take_a_while
    sweeping = Sweeper(
        world.leases, world.journal, world.register, world.notifier, world.clock, Projections().of
    )
    pass_ = asyncio.create_task(sweeping.sweep())
    await world.clock.advance(5)
    assert pass_.done()
    assert (await pass_).notified == 40


async def test_comparing_many_jobs_delays_no_wake_up_for_long(world: World) -> None:
    jobs = [await world.submit(f"lock {number:03d}") for number in range(100)]
    jobs.sort(key=lambda job_id: (world.register._registered[job_id].partition, job_id))
    asked: list[str] = []

    async def projected_seqs(jobs: Mapping[str, datetime]) -> dict[str, int]:
        asked.extend(jobs)
        await world.clock.sleep(1)
        return {}

    sweeping = Sweeper(
        world.leases, world.journal, world.register, world.notifier, world.clock, projected_seqs
    )
    await world.clock.advance(6)
    for _ in range(12):
        pass_ = asyncio.create_task(sweeping.sweep())
        await world.clock.advance(4)
        assert pass_.done()
    # Each pass goes on where the last has stopped, until all have been compared, and then from the first.
    assert len(asked) > 200
    assert all(job_id == jobs[number % 100] for number, job_id in enumerate(asked))


@pytest.mark.parametrize("hours", [-1, 1])
async def test_lost_wake_ups_and_events_are_made_good_though_the_sweeper_has_the_time_wrong(
    world: World, hours: int
) -> None:
    ended = await world.submit(script=Script(steps=1))
    await world.run_until_done()
    world.notifier.take_announcements()
    waiting = await world.submit()
    lose_wake_ups(world)
    clock = WrongClock(world.clock, timedelta(hours=hours))
    sweeping = Sweeper(world.leases, world.journal, world.register, world.notifier, clock, Projections().of)
    notified = announced = 0
    for _ in range(3):
        swept = await sweeping.sweep()
        notified, announced = notified + swept.notified, announced + swept.announced
        await world.clock.advance(3)
    assert notified == 1
    assert announced == 2
    assert {told.job_id for told in world.notifier.take_announcements()} == {ended, waiting}


async def test_a_failure_ends_the_pass_but_no_wake_up_under_way(world: World) -> None:
    await world.submit("fine")
    await world.submit("failing")
    lose_wake_ups(world)
    await world.clock.advance(6)
    failing = lock_names.partition("failing")

    class Failing(InMemoryLeases):
        async def is_free(self, name: str, timeout: float) -> bool:
            if name == failing:
                raise UnknownOutcomeError
            await world.clock.sleep(1)
            return await super().is_free(name, timeout)

    sweeping = Sweeper(
        Failing(world.clock), world.journal, world.register, world.notifier, world.clock, Projections().of
    )
    pass_ = asyncio.create_task(sweeping.sweep())
    await world.clock.advance(2)
    with pytest.raises(UnknownOutcomeError):
        await pass_
    assert [wake_up.lock_name for wake_up in world.notifier.wake_ups] == ["fine"]
