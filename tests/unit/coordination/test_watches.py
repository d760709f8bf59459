"""Watches: how often a worker tries for a lock that another holds, and when it no longer does."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from itertools import accumulate

import pytest
from tests.unit.coordination.setting import Setting

from contracts import lock_names
from coordination.holder.dispatcher import LockDispatcher
from coordination.holder.lock_server import WakeUpOutcome
from coordination.journal import rows
from coordination.outcomes import Completed
from coordination.ports import UnknownOutcomeError, WakeUp

PARTITION = lock_names.partition("L")

#: Pauses between tries, drawn as long as they may be.
PAUSES = [1.0, 1.5, 2.25, *[3.0] * 20]


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Setting]:
    monkeypatch.setattr(random, "uniform", lambda low, high: high)
    made = Setting()
    yield made
    await made.close()


async def watch(world: Setting, capacity: int = 2) -> LockDispatcher:
    """Make a worker that watches lock L; its tries are counted from here on."""
    worker = world.worker("watcher", capacity=capacity)
    assert await world.notify(worker) is WakeUpOutcome.HELD
    assert worker.is_watching("L")
    world.network.calls.clear()
    return worker


def tries(world: Setting, began: float) -> list[float]:
    return [at - began for at in world.network.times("leases.acquire")]


@pytest.mark.parametrize("share", [0.5, 1.0])
async def test_a_lock_is_tried_for_with_growing_pauses(
    world: Setting, monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    monkeypatch.setattr(random, "uniform", lambda low, high: low if share == 0.5 else high)
    await world.submit()
    await world.hold_elsewhere()
    began = world.clock.boot()
    await watch(world)
    await world.clock.advance(12 * share)
    assert tries(world, began) == [share * end for end in accumulate(PAUSES[:5])]


async def test_a_lock_that_was_released_is_tried_for_at_once(world: Setting) -> None:
    job_id = await world.submit()
    await world.hold_elsewhere()
    worker = await watch(world)
    await world.clock.advance(0.5)
    await world.release_elsewhere()
    assert await world.notify(worker, WakeUp("L", released=True)) is WakeUpOutcome.KNOWN
    assert world.network.times("leases.acquire") == [world.clock.boot()]
    assert world.runs.jobs == [job_id]
    assert not worker.is_watching("L")


async def test_a_notify_of_new_work_hurries_no_watch(world: Setting) -> None:
    await world.submit()
    await world.hold_elsewhere()
    worker = await watch(world)
    await world.clock.advance(0.5)
    assert await world.notify(worker) is WakeUpOutcome.KNOWN
    assert world.network.calls == []


async def test_a_release_that_comes_to_nothing_leaves_the_watch_as_it_was(world: Setting) -> None:
    await world.submit()
    await world.hold_elsewhere()
    worker = await watch(world)
    began = world.clock.boot()
    await world.clock.advance(0.25)
    await world.notify(worker, WakeUp("L", released=True))
    await world.clock.advance(2)
    assert tries(world, began) == [0.25, 0.25 + 1.5]


async def test_a_watch_ends_when_the_lock_is_got(world: Setting) -> None:
    await world.submit()
    await world.hold_elsewhere()
    worker = await watch(world)
    await world.release_elsewhere()
    await world.clock.advance(1)
    assert "L" in worker.running
    assert not worker.is_watching("L")
    await world.end()
    tried = len(world.network.times("leases.acquire"))
    await world.clock.advance(60)
    assert len(world.network.times("leases.acquire")) == tried


async def test_a_watch_ends_when_there_is_nothing_left_to_do(world: Setting) -> None:
    await world.hold_elsewhere()
    worker = await watch(world)
    await world.release_elsewhere()
    await world.clock.advance(60)
    assert len(world.network.times("leases.acquire")) == 1
    assert not worker.is_watching("L")


async def test_a_watch_ends_when_its_lock_is_served_here(world: Setting) -> None:
    await world.submit()
    await world.hold_elsewhere()
    worker = await watch(world)
    await world.clock.advance(0.5)
    await world.release_elsewhere()
    assert await world.notify(worker, WakeUp("L", is_deferred_copy=True)) is WakeUpOutcome.TAKEN
    await world.clock.advance(0.5)
    assert not worker.is_watching("L")
    assert len(world.network.times("leases.acquire")) == 1


async def test_a_watch_goes_on_while_a_lock_that_another_holds_has_work(world: Setting) -> None:
    await world.submit()
    await world.hold_elsewhere()
    worker = await watch(world)
    await world.clock.advance(sum(PAUSES[:19]))
    assert len(world.network.times("leases.acquire")) == 19
    # One look after each ten tries.
    assert len(world.network.times("journal.read_range")) == 1
    await world.clock.advance(PAUSES[19])
    assert len(world.network.times("journal.read_range")) == 2
    assert worker.is_watching("L")


async def test_a_watch_ends_when_ten_tries_later_its_lock_has_no_work(world: Setting) -> None:
    await world.hold_elsewhere()
    worker = await watch(world)
    await world.clock.advance(sum(PAUSES[:9]) + 2)
    assert worker.is_watching("L")
    await world.clock.advance(1)
    assert not worker.is_watching("L")
    assert len(world.network.times("leases.acquire")) == 10
    # The next ring begins another one.
    assert await world.notify(worker) is WakeUpOutcome.HELD
    assert worker.is_watching("L")


async def notify_during_the_look(world: Setting, worker: LockDispatcher) -> None:
    world.network.after("journal.read_range", lambda: worker.answer(WakeUp("L")))


async def notify_before(world: Setting, worker: LockDispatcher) -> None:
    await worker.answer(WakeUp("L"))


@pytest.mark.parametrize(("wake_up", "goes_on"), [(notify_during_the_look, True), (notify_before, False)])
async def test_a_wake_up_during_the_look_at_a_watched_line_may_be_for_work_that_it_missed(
    world: Setting, wake_up: Callable[[Setting, LockDispatcher], Awaitable[None]], goes_on: bool
) -> None:
    await world.hold_elsewhere()
    worker = await watch(world)
    await wake_up(world, worker)
    await world.clock.advance(sum(PAUSES[:10]))
    assert worker.is_watching("L") is goes_on


async def test_a_watch_goes_on_while_the_journal_is_silent(world: Setting) -> None:
    await world.hold_elsewhere()
    worker = await watch(world)
    world.network.before("journal.read_range", *[UnknownOutcomeError()] * 1000)
    await world.clock.advance(sum(PAUSES[:10]))
    began = world.clock.boot()
    await world.clock.advance(20)
    asked = [at - began for at in world.network.times("journal.read_range")]
    assert 18 <= asked[-1] < 20
    assert worker.is_watching("L")
    await world.clock.advance(3)
    assert len(world.network.times("leases.acquire")) == 11


async def test_a_watch_ends_when_its_row_is_another_locks(world: Setting) -> None:
    await world.submit()
    tenure, _ = await world.hold("w0")
    await tenure.finish(Completed(), None)
    await tenure.keeper.release()
    await world.submit()
    stored = world.journal.partitions[PARTITION]
    row = stored[rows.lock_key()]
    stored[rows.lock_key()] = replace(row, values={**row.values, "lock_name": "M"})
    await world.hold_elsewhere()
    worker = await watch(world)
    await world.clock.advance(sum(PAUSES[:10]))
    assert not worker.is_watching("L")


async def test_a_worker_without_room_tries_for_none_of_the_locks_that_it_watches(world: Setting) -> None:
    await world.submit()
    await world.submit("M")
    await world.hold_elsewhere()
    worker = await watch(world, capacity=1)
    await world.notify(worker, WakeUp("M"))
    world.network.calls.clear()
    await world.release_elsewhere()
    await world.clock.advance(8)
    assert world.network.sent("leases.acquire") == []
    assert worker.is_watching("L")
    await world.end()
    await world.clock.advance(3)
    assert "L" in worker.running


async def test_no_more_locks_are_watched_than_may_be(world: Setting) -> None:
    worker = world.worker(watches=2)
    for lock in ("A", "B", "C"):
        await world.hold_elsewhere(lock)
        assert await world.notify(worker, WakeUp(lock)) is WakeUpOutcome.HELD
    assert [worker.is_watching(lock) for lock in ("A", "B", "C")] == [True, True, False]
    assert [wake_up.lock_name for wake_up in world.notifier.deferred] == ["A", "B", "C"]
    # Where there is no watch, the next ring is a try of its own.
    assert await world.notify(worker, WakeUp("C")) is WakeUpOutcome.HELD


async def test_a_lock_is_watched_once(world: Setting) -> None:
    await world.submit()
    await world.hold_elsewhere()
    worker = await watch(world)
    await world.notify(worker, WakeUp("L", is_deferred_copy=True))
    world.network.calls.clear()
    await world.clock.advance(3)
    assert len(world.network.times("leases.acquire")) == 2


async def test_a_stopping_worker_watches_nothing(world: Setting) -> None:
    await world.hold_elsewhere()
    worker = world.worker()
    stopping: list[asyncio.Task[None]] = []

    async def stop_meanwhile() -> None:
        stopping.append(await world.begin_to_stop(worker))

    world.network.before("leases.acquire", stop_meanwhile)
    assert await world.notify(worker) is WakeUpOutcome.HELD
    await stopping[0]
    assert not worker.is_watching("L")
