"""What somebody said, or wrote, in the very moment in which nobody seemed to listen."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest
from tests.unit.coordination.small_world import Script, World

from contracts import lock_names
from coordination.clients.cancellation import Canceller
from coordination.clients.job_writer import JobWriter
from coordination.holder.lock_server import WakeUpOutcome
from coordination.holder.policy import HolderSettings, Ports
from coordination.holder.tenure import Tenure
from coordination.outcomes import StopReason
from coordination.ports import UnknownOutcomeError, WakeUp
from coordination.slot import Slot
from coordination.times import LeaseTimes

PARTITION = lock_names.partition("L")
Make = Callable[[int], World]


@dataclass
class HeldUp:
    """Holds up the answer to one call, from when it is armed until it may go on."""

    call: str
    is_meant: Callable[[], bool]
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    goes_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, when: str, call: str) -> None:
        await asyncio.sleep(0)
        if (when, call) == ("after", self.call) and not self.reached.is_set() and self.is_meant():
            self.reached.set()
            await self.goes_on.wait()


@pytest.fixture
async def make_world() -> AsyncIterator[Make]:
    made: list[World] = []

    def make(workers: int) -> World:
        made.append(World(1, workers))
        return made[-1]

    yield make
    for world in made:
        await world.close()


async def until(world: World, is_true: Callable[[], bool]) -> None:
    for _ in range(200):
        if is_true():
            return
        await world.clock.advance(0.5)
    raise AssertionError("never came to be")


async def test_a_wake_up_heard_while_the_last_look_is_under_way_makes_the_worker_look_again(
    make_world: Make,
) -> None:
    world = make_world(1)
    held_up = HeldUp(
        "journal.read_range", lambda: world.all_done() and world.leases.holder(PARTITION) is None
    )
    world.journal.calls.fault = held_up
    await world.submit()
    world.deliver()
    await until(world, held_up.reached.is_set)

    late = await world.submit()
    [wake_up] = world.notifier.take_wake_ups()
    assert await world.workers[0].answer(wake_up) is WakeUpOutcome.KNOWN
    held_up.goes_on.set()

    # No sweeper, and no other wake-up.
    await until(world, lambda: bool(world.events(late)) and world.all_done())


async def test_a_wake_up_heard_while_a_watch_finds_the_line_empty_keeps_the_watch(make_world: Make) -> None:
    world = make_world(1)
    await world.leases.acquire(PARTITION, 60, "somebody", 1)
    held_up = HeldUp("journal.read_range", lambda: True)
    world.journal.calls.fault = held_up
    assert await world.workers[0].answer(WakeUp("L")) is WakeUpOutcome.HELD
    await renewed_until(world, held_up.reached.is_set)

    await world.submit()
    [wake_up] = world.notifier.take_wake_ups()
    assert await world.workers[0].answer(wake_up) is WakeUpOutcome.KNOWN
    held_up.goes_on.set()
    await world.clock.advance(1)
    await world.leases.release(PARTITION, "somebody", 1)

    await until(world, world.all_done)


async def renewed_until(world: World, is_true: Callable[[], bool]) -> None:
    for _ in range(200):
        if is_true():
            return
        await world.leases.renew(PARTITION, "somebody", 1)
        await world.clock.advance(0.5)
    raise AssertionError("never came to be")


@pytest.mark.parametrize("lost", ["take-over", "step"])
async def test_a_cancellation_between_a_lost_answer_and_its_repetition_is_noticed(
    make_world: Make, lost: str
) -> None:
    world = make_world(1)
    job_id = await world.submit(script=Script())
    registration = await world.register.find(job_id)
    assert registration is not None
    commits = 0
    meant = {"take-over": 1, "step": 2}[lost]

    async def lose(when: str, call: str) -> None:
        nonlocal commits
        if (when, call) != ("after", "journal.commit"):
            return
        commits += 1
        if commits == meant:
            await Canceller(JobWriter(world.journal, world.notifier, world.clock)).cancel(registration, "ann")
            raise UnknownOutcomeError

    world.journal.calls.fault = lose
    ports = Ports(world.leases, world.journal, world.notifier, world.clock)
    tenure = Tenure(Slot("L"), ports, HolderSettings("w", LeaseTimes.of(15)), world.observed.append)
    await tenure.keeper.acquire()
    starting = asyncio.ensure_future(tenure.take_over(lambda _: True))
    await world.clock.advance(1)
    run = await starting
    assert run is not None
    if lost == "step":
        saving = asyncio.ensure_future(run.save_state("1"))
        await world.clock.advance(1)
        await saving
    [job] = world.jobs()
    assert job.cancel_requested
    await tenure.look()
    assert run.stop.reason is StopReason.CANCELLED
