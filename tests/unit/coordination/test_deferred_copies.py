"""Deferred copies of wake-ups: as long as a lock is held, one comes back, also when no watch is left."""

import asyncio
import random
from collections.abc import AsyncIterator

import pytest
from tests.unit.coordination.setting import TIMES, Setting

from coordination.holder.lock_server import WakeUpOutcome
from coordination.observations import WakeUpDeferred
from coordination.ports import UnknownOutcomeError, WakeUp

DEFERRAL = 5.0
COPY = WakeUp("L", is_deferred_copy=True)


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Setting]:
    monkeypatch.setattr(random, "uniform", lambda low, high: high)
    made = Setting()
    yield made
    await made.close()


async def test_the_first_notify_of_a_held_lock_is_deferred_and_those_that_follow_are_not(
    world: Setting,
) -> None:
    await world.hold_elsewhere()
    worker = world.worker()
    assert await world.notify(worker, WakeUp("L", "job", traceparent="trace")) is WakeUpOutcome.HELD
    assert world.notifier.take_deferred() == [COPY]
    assert world.seen(WakeUpDeferred) == [WakeUpDeferred("L")]
    await world.clock.advance(DEFERRAL)
    assert await world.notify(worker) is WakeUpOutcome.KNOWN
    assert world.notifier.take_deferred() == []


async def test_a_copy_that_meets_a_held_lock_again_is_deferred_again(world: Setting) -> None:
    await world.submit()
    await world.hold_elsewhere()
    worker = world.worker()
    await world.notify(worker)
    for _ in range(4):
        assert world.notifier.take_deferred() == [COPY]
        await world.clock.advance(DEFERRAL)
        assert worker.is_watching("L")
        assert await world.notify(worker, COPY) is WakeUpOutcome.HELD
    assert len(world.seen(WakeUpDeferred)) == 5


async def test_a_copy_that_meets_a_held_lock_elsewhere_is_deferred_again_and_begins_a_watch(
    world: Setting,
) -> None:
    await world.hold_elsewhere()
    other = world.worker("other")
    assert await world.notify(other, COPY) is WakeUpOutcome.HELD
    assert world.notifier.deferred == [COPY]
    assert other.is_watching("L")


async def test_a_copy_that_meets_a_free_lock_is_worth_a_try_also_where_it_is_watched(world: Setting) -> None:
    await world.submit()
    await world.hold_elsewhere()
    worker = world.worker()
    await world.notify(worker)
    world.notifier.take_deferred()
    await world.release_elsewhere()
    assert await world.notify(worker, COPY) is WakeUpOutcome.TAKEN
    assert world.notifier.deferred == []


async def test_a_notify_of_which_the_lease_store_is_silent_is_deferred_and_watched(world: Setting) -> None:
    worker = world.worker()
    world.network.before("leases.acquire", *[UnknownOutcomeError()] * 100)
    world.network.before("leases.release", *[UnknownOutcomeError()] * 100)
    answering = asyncio.ensure_future(worker.answer(WakeUp("L")))
    await world.clock.advance(TIMES.soft + TIMES.duration)
    assert await answering is WakeUpOutcome.UNKNOWN
    assert world.notifier.deferred == [COPY]
    assert worker.is_watching("L")


async def test_a_notify_of_a_lock_that_is_served_here_is_a_hint_and_a_copy_is_deferred_again(
    world: Setting,
) -> None:
    await world.submit()
    worker = world.worker()
    await world.notify(worker)
    second = await world.submit()
    assert await world.notify(worker) is WakeUpOutcome.KNOWN
    assert world.notifier.deferred == []
    assert await world.notify(worker, COPY) is WakeUpOutcome.KNOWN
    assert world.notifier.deferred == [COPY]
    await world.end()
    assert world.runs.jobs[1:] == [second]
    assert len(world.network.sent("leases.acquire")) == 1


@pytest.mark.parametrize("wake_up", [WakeUp("L"), COPY])
async def test_each_notify_of_a_lock_that_is_served_here_is_a_hint(world: Setting, wake_up: WakeUp) -> None:
    await world.submit()
    worker = world.worker()
    await world.notify(worker)
    second = await world.submit()
    await world.notify(worker, wake_up)
    await world.end()
    assert world.runs.jobs[1:] == [second]
    assert len(world.network.sent("leases.acquire")) == 1


@pytest.mark.parametrize(("seconds", "is_sent"), [(0.0, False), (3.875, False), (4.0, True), (5.0, True)])
async def test_there_is_one_copy_on_its_way_at_a_time(world: Setting, seconds: float, is_sent: bool) -> None:
    """Copies of several workers come together in time; but one that comes a little early is not dropped."""
    await world.hold_elsewhere()
    worker = world.worker(deferral=DEFERRAL)
    await world.notify(worker)
    world.notifier.take_deferred()
    await world.clock.advance(seconds)
    await world.notify(worker, COPY)
    assert world.notifier.deferred == [COPY] * is_sent
    assert len(world.seen(WakeUpDeferred)) == 1 + is_sent


async def test_copies_of_different_locks_have_nothing_to_do_with_each_other(world: Setting) -> None:
    worker = world.worker()
    for lock in ("L", "M"):
        await world.hold_elsewhere(lock)
        await world.notify(worker, WakeUp(lock))
    assert world.notifier.take_deferred() == [COPY, WakeUp("M", is_deferred_copy=True)]
    await world.clock.advance(1)
    for lock in ("L", "M"):
        await world.notify(worker, WakeUp(lock, is_deferred_copy=True))
    assert world.notifier.deferred == []


async def test_a_wake_up_whose_copy_the_broker_did_not_confirm_comes_again(world: Setting) -> None:
    await world.hold_elsewhere()
    worker = world.worker()
    world.network.before("notifier.defer", UnknownOutcomeError())
    with pytest.raises(UnknownOutcomeError):
        await worker.answer(WakeUp("L"))
    assert world.notifier.deferred == []
    assert await world.notify(worker) is WakeUpOutcome.HELD
    assert world.notifier.deferred == [COPY]


async def test_copies_of_long_ago_are_forgotten(world: Setting) -> None:
    worker = world.worker()
    for number in range(20):
        await world.hold_elsewhere(f"lock {number}")
        await world.notify(worker, WakeUp(f"lock {number}", is_deferred_copy=True))
        await world.clock.advance(DEFERRAL / 2)
    assert len(worker._copies) <= 2
