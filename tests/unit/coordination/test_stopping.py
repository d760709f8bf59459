"""A worker that is told to stop takes nothing new, gives runs time to finish, and passes on the rest."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.unit.coordination.setting import Setting
from tests.unit.coordination.small_world import Script, World

from contracts.statuses import JobStatus
from coordination.holder.lock_server import WakeUpOutcome
from coordination.outcomes import StopReason
from coordination.ports import WakeUp


@pytest.fixture
async def world() -> AsyncIterator[Setting]:
    made = Setting()
    yield made
    await made.close()


async def test_a_stopping_worker_notifies_of_all_the_locks_it_watched_at_once() -> None:
    """It does not wait for a broker that does not answer, once for each lock."""
    world = World(seed=11, workers=2)
    holder, watcher = world.workers
    for lock in ("L", "M"):
        await world.submit(lock, Script(steps=3, seconds=5))
    for wake_up in world.notifier.take_wake_ups():
        await holder.answer(wake_up)
        await watcher.answer(WakeUp(wake_up.lock_name))
    notified: list[WakeUp] = []

    async def wait_until_all_are_notified(wake_up: WakeUp) -> bool:
        notified.append(wake_up)
        while len(notified) < 2:  # noqa: ASYNC110 - what is waited for happens elsewhere
            await asyncio.sleep(0)
        return True

    world.notifier.notify = wait_until_all_are_notified  # type: ignore[method-assign]
    async with asyncio.timeout(5):
        await watcher.stop(0.0)
    assert sorted(notified, key=lambda wake_up: wake_up.lock_name) == [WakeUp("L"), WakeUp("M")]
    await world.close()


async def test_a_stopping_worker_passes_on_each_wake_up_as_it_is(world: Setting) -> None:
    await world.submit()
    worker = world.worker()
    assert not worker.is_stopping
    await worker.stop(0.0)
    assert worker.is_stopping
    assert not worker.has_capacity
    wake_ups = [
        WakeUp("L", "job", traceparent="trace"),
        WakeUp("L", is_deferred_copy=True),
        WakeUp("L", released=True),
    ]
    for wake_up in wake_ups:
        assert await world.notify(worker, wake_up) is WakeUpOutcome.PASSED_ON
    assert world.notifier.wake_ups == wake_ups
    assert world.runs.started == []
    assert world.network.sent("leases.acquire") == []


async def test_a_run_that_ends_within_the_grace_is_not_interrupted(world: Setting) -> None:
    job_id, second = await world.submit(), await world.submit()
    worker = world.worker()
    await world.notify(worker)
    stopping = asyncio.ensure_future(worker.stop(60.0))
    await world.clock.settle()
    assert not stopping.done()
    assert world.runs.started[0].stop.reason is None
    world.runs.end()
    await stopping
    assert (world.job(job_id).status, world.job(job_id).interruptions) == (JobStatus.COMPLETED, 0)
    assert world.job(second).attempt == 0
    assert world.notifier.wake_ups == [WakeUp("L", released=True)]


async def test_runs_are_given_the_whole_grace(world: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    graces: list[float] = []
    wait = asyncio.wait

    async def note_time(things: Any, *, timeout: float | None = None, **how: Any) -> Any:
        if timeout is None:
            return await wait(things, **how)
        graces.append(timeout)
        return await wait(things, timeout=0.0, **how)

    await world.submit()
    worker = world.worker()
    await world.notify(worker)
    monkeypatch.setattr(asyncio, "wait", note_time)
    await worker.stop(37.5)
    assert graces == [37.5]
    assert world.runs.started[0].stop.reason is StopReason.SHUTDOWN


async def test_runs_that_outlast_the_grace_are_interrupted_and_passed_on(world: Setting) -> None:
    jobs = {lock: await world.submit(lock) for lock in ("L", "M")}
    worker = world.worker()
    for lock in jobs:
        await world.notify(worker, WakeUp(lock))
    await worker.stop(0.0)
    assert [run.stop.reason for run in world.runs.started] == [StopReason.SHUTDOWN] * 2
    for lock, job_id in jobs.items():
        job = world.job(job_id, lock)
        assert (job.status, job.interruptions, job.deaths, job.losses) == (JobStatus.QUEUED, 1, 0, 0)
    assert world.notifier.wake_ups == [WakeUp(lock, released=True) for lock in jobs]
    assert worker.running == {}


async def test_stopping_ends_only_when_each_lock_is_given_back(world: Setting) -> None:
    await world.submit()
    worker = world.worker()
    await world.notify(worker)
    world.network.before("leases.release", 5.0)
    stopping = asyncio.ensure_future(worker.stop(0.0))
    async with asyncio.timeout(5):
        while not world.network.sent("leases.release"):  # noqa: ASYNC110 - the grace is in real time
            await asyncio.sleep(0.001)
    await world.clock.advance(4.9)
    assert not stopping.done()
    await world.clock.advance(0.1)
    await stopping
    assert world.notifier.wake_ups == [WakeUp("L", released=True)]


async def test_a_lock_that_is_acquired_while_the_worker_stops_is_passed_on_untouched(world: Setting) -> None:
    job_id = await world.submit()
    worker = world.worker()
    world.network.before("leases.acquire", 1.0)
    answering = asyncio.ensure_future(worker.answer(WakeUp("L")))
    await world.clock.advance(0.5)
    stopping = asyncio.ensure_future(worker.stop(60.0))
    await world.clock.advance(0.5)
    await stopping
    assert await answering is WakeUpOutcome.EMPTY
    assert world.job(job_id).attempt == 0
    assert world.notifier.wake_ups == [WakeUp("L", released=True)]


async def test_a_stopped_worker_no_longer_tries_for_the_locks_that_it_watched(world: Setting) -> None:
    await world.hold_elsewhere()
    worker = world.worker()
    await world.notify(worker)
    await worker.stop(0.0)
    await world.release_elsewhere()
    tries = len(world.network.sent("leases.acquire"))
    await world.clock.advance(60)
    assert len(world.network.sent("leases.acquire")) == tries
    assert world.notifier.wake_ups == [WakeUp("L")]


async def test_a_worker_that_drains_ends_its_run_takes_nothing_new_and_leaves_what_waits_to_others(
    world: Setting,
) -> None:
    job_id, second = await world.submit(), await world.submit()
    worker = world.worker()
    await world.notify(worker)
    await worker.drain(is_draining=True)
    assert (worker.takes_jobs, worker.has_capacity, worker.is_stopping) == (False, False, False)
    await world.clock.advance(30)
    assert world.runs.started[0].stop.reason is None
    await world.end()
    assert (world.job(job_id).status, world.job(second).attempt) == (JobStatus.COMPLETED, 0)
    assert (worker.running, worker.leases) == ({}, [])
    assert world.notifier.wake_ups == [WakeUp("L", released=True)]
    assert await world.notify(worker) is WakeUpOutcome.PASSED_ON


async def test_a_worker_that_drained_takes_jobs_again_when_it_may(world: Setting) -> None:
    job_id = await world.submit()
    worker = world.worker()
    await worker.drain(is_draining=True)
    assert await world.notify(worker) is WakeUpOutcome.PASSED_ON
    await worker.drain(is_draining=False)
    assert worker.has_capacity
    await world.notify(worker)
    assert world.runs.jobs == [job_id]


async def test_a_worker_that_drains_while_it_waits_for_the_next_job_of_its_lock_leaves_it_at_once(
    world: Setting,
) -> None:
    await world.submit()
    worker = world.worker(linger=60.0)
    await world.notify(worker)
    await world.end()
    await worker.drain(is_draining=True)
    await world.clock.advance(1)
    other = world.worker("w2")
    job_id = await world.submit()
    await world.notify(other)
    assert world.runs.jobs[-1] == job_id
    assert list(other.running.values()) == [job_id]


async def test_a_worker_that_drains_notifies_of_the_locks_it_watched(world: Setting) -> None:
    await world.submit()
    await world.hold_elsewhere()
    worker = world.worker()
    await world.notify(worker)
    assert worker.is_watching("L")
    world.notifier.take_wake_ups()
    await worker.drain(is_draining=True)
    assert world.notifier.wake_ups == [WakeUp("L")]
    assert not worker.is_watching("L")
