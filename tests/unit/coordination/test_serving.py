"""Serving a lock: run after run, for how long, and what is looked after in the meantime."""

import asyncio
import random
from collections.abc import AsyncIterator

import pytest
from tests.unit.coordination.setting import TIMES, Setting

from contracts import lock_names
from contracts.jobs import HeldLease
from contracts.statuses import JobStatus
from coordination.clients.cancellation import Canceller
from coordination.clients.job_writer import JobWriter
from coordination.holder.lock_server import WakeUpOutcome
from coordination.observations import (
    LeaseAcquired,
    LeaseDenied,
    LeaseEnded,
    LockLeft,
)
from coordination.outcomes import StopReason
from coordination.ports import RefusedError, UnknownOutcomeError, WakeUp

PARTITION = lock_names.partition("L")


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Setting]:
    monkeypatch.setattr(random, "uniform", lambda low, high: high)
    made = Setting()
    yield made
    await made.close()


async def test_a_wake_up_is_answered_as_soon_as_the_job_runs(world: Setting) -> None:
    job_id = await world.submit()
    worker = world.worker()
    assert await world.notify(worker) is WakeUpOutcome.TAKEN
    assert worker.running == {"L": job_id}
    assert worker.is_serving("L")
    await world.end()
    assert worker.running == {}
    assert not worker.is_serving("L")
    assert world.leases.holder(PARTITION) is None


async def test_a_held_lease_says_when_it_was_renewed_from_before_the_request(world: Setting) -> None:
    await world.submit()
    worker = world.worker()
    world.network.before("leases.acquire", 1.0)
    acquiring = asyncio.create_task(worker.answer(WakeUp("L")))
    await world.clock.settle()
    asked_at = world.clock.now()
    assert worker.leases == []
    await world.clock.advance(1.0)
    await acquiring
    lease = HeldLease(lock="L", fence=1, renewed_at=asked_at, seconds=TIMES.duration)
    assert worker.leases == [lease]
    world.network.before("leases.renew", 0.5)
    await world.clock.advance(TIMES.renew_every + 0.5)
    (renewed,) = worker.leases
    assert (renewed.renewed_at - asked_at).total_seconds() == pytest.approx(TIMES.renew_every)
    await world.end()
    assert worker.leases == []


async def test_a_notify_of_a_line_without_work_is_answered_as_such(world: Setting) -> None:
    worker = world.worker()
    assert await world.notify(worker) is WakeUpOutcome.EMPTY
    assert not worker.is_serving("L")
    assert world.leases.holder(PARTITION) is None
    assert world.seen(LockLeft) == [LockLeft("L")]
    assert (world.notifier.wake_ups, world.notifier.deferred) == ([], [])


async def test_waiting_jobs_are_run_in_one_holding(world: Setting) -> None:
    jobs = [await world.submit() for _ in range(3)]
    worker = world.worker()
    await world.notify(worker)
    for _ in jobs:
        await world.end()
    assert world.runs.jobs == jobs
    assert len(world.seen(LeaseAcquired)) == 1
    assert world.seen(LockLeft) == [LockLeft("L")]
    assert [run.fence for run in world.runs.started] == [1, 2, 3]


@pytest.mark.parametrize(
    ("seconds", "busy", "is_passed_on"),
    [(60.0, True, False), (60.125, True, True), (60.125, False, False)],
    ids=["not held for longer", "held for longer", "there is room"],
)
async def test_a_lock_held_for_longer_than_the_longest_tenure_is_passed_on_when_there_is_no_room(
    world: Setting, seconds: float, busy: bool, is_passed_on: bool
) -> None:
    first, second = await world.submit(), await world.submit()
    worker = world.worker(capacity=1 if busy else 2, longest_tenure=60.0)
    await world.notify(worker)
    await world.clock.advance(seconds)
    await world.end()
    assert world.job(first).status == JobStatus.COMPLETED
    if is_passed_on:
        assert world.job(second).attempt == 0
        assert world.notifier.wake_ups == [WakeUp("L", released=True)]
        assert not worker.is_serving("L")
    else:
        assert world.job(second).status == JobStatus.RUNNING
        assert world.notifier.wake_ups == []
        assert len(world.seen(LeaseAcquired)) == 1


async def test_how_long_a_lock_is_held_is_counted_from_each_time_it_is_acquired(world: Setting) -> None:
    await world.submit()
    worker = world.worker(capacity=1)
    await world.notify(worker)
    await world.clock.advance(61)
    await world.end()
    await world.submit()
    await world.submit()
    await world.notify(worker)
    await world.end()
    assert len(world.runs.started) == 3


async def test_a_job_that_is_submitted_within_the_linger_time_is_run_in_the_same_holding(
    world: Setting,
) -> None:
    await world.submit()
    worker = world.worker(linger=2.0)
    await world.notify(worker)
    await world.end()
    await world.clock.advance(1.0)
    second = await world.submit()
    await world.clock.advance(0.15)
    assert world.runs.jobs[1:] == [second]
    assert len(world.seen(LeaseAcquired)) == 1


async def test_a_lock_is_given_back_when_nothing_comes_within_the_linger_time(world: Setting) -> None:
    await world.submit()
    worker = world.worker(linger=2.0)
    await world.notify(worker)
    await world.end()
    queries = len(world.network.sent("journal.read_range"))
    await world.clock.advance(1.875)
    assert worker.is_serving("L")
    assert worker.running == {}
    assert world.leases.holder(PARTITION) is not None
    await world.clock.advance(0.25)
    assert not worker.is_serving("L")
    assert world.leases.holder(PARTITION) is None
    # One look each tenth of a second, and one after the release.
    assert 20 <= len(world.network.sent("journal.read_range")) - queries <= 22


async def test_a_lock_is_given_back_at_once_unless_it_is_to_linger(world: Setting) -> None:
    await world.submit()
    worker = world.worker()
    await world.notify(worker)
    await world.end()
    assert world.leases.holder(PARTITION) is None
    assert world.clock.boot() == world.network.times("leases.release")[0]


async def test_a_stopping_worker_does_not_linger(world: Setting) -> None:
    await world.submit()
    worker = world.worker(linger=60.0)
    await world.notify(worker)
    await world.end()
    stopping = await world.begin_to_stop(worker)
    await world.clock.advance(0.25)
    assert world.leases.holder(PARTITION) is None
    await stopping


async def test_progress_and_changes_are_looked_after_as_long_as_the_lock_is_held(world: Setting) -> None:
    await world.submit()
    worker = world.worker()
    await world.notify(worker)
    began = world.clock.boot()
    await world.clock.advance(3 * TIMES.renew_every + 0.5)
    looks = [at - began for at in world.network.times("journal.read")]
    assert looks == [TIMES.renew_every * number for number in (1, 2, 3)]


async def test_a_refused_flush_that_is_not_cleared_up_ends_neither_progress_nor_looks(world: Setting) -> None:
    """The journal may refuse the write because the job is to be cancelled, and then be silent for a while."""
    job_id = await world.submit()
    worker = world.worker()
    await world.notify(worker)
    is_silent = True

    async def be_silent() -> None:
        if is_silent:
            raise UnknownOutcomeError

    registration = await world.register.find(job_id)
    assert registration is not None
    await Canceller(JobWriter(world.journal, world.notifier, world.clock)).cancel(registration, "bob")
    (run,) = world.runs.started
    run.report(1.0, 2.0, "one")
    world.network.before("journal.read", *[be_silent] * 1000)
    await world.clock.advance(TIMES.soft + 2)
    assert run.stop.reason is None
    is_silent = False
    await world.clock.advance(TIMES.renew_every + 1)
    assert run.stop.reason is StopReason.CANCELLED
    job = world.job(job_id)
    assert (job.status, job.progress_value, job.progress_limit) == (JobStatus.CANCELLED, 1.0, 2.0)


async def test_a_lock_that_was_acquired_while_the_journal_is_silent_is_given_back_and_watched(
    world: Setting,
) -> None:
    await world.submit()
    worker = world.worker()
    world.network.before("journal.read_range", *[UnknownOutcomeError()] * 1000)
    answering = asyncio.ensure_future(worker.answer(WakeUp("L")))
    await world.clock.advance(TIMES.soft)
    assert world.leases.holder(PARTITION) is None
    assert not answering.done()
    await world.clock.advance(TIMES.journal_deadline)
    assert await answering is WakeUpOutcome.UNKNOWN
    assert worker.is_watching("L")
    assert world.notifier.deferred == [WakeUp("L", is_deferred_copy=True)]


async def test_nothing_is_renewed_written_or_looked_at_once_a_lock_is_given_back(world: Setting) -> None:
    await world.submit()
    worker = world.worker()
    await world.notify(worker)
    await world.end()
    world.runs.started[0].report(1.0, 2.0, "late")
    calls = len(world.network.calls)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    await world.clock.advance(60)
    assert len(world.network.calls) == calls
    assert world.seen(LeaseEnded) == []


async def test_a_hint_that_a_job_has_changed_has_its_holder_look_at_once(world: Setting) -> None:
    job_id = await world.submit()
    worker = world.worker()
    await world.notify(worker)
    await worker.look("L", "another job")
    await worker.look("another lock", job_id)
    assert world.network.sent("journal.read") == []
    await worker.look("L", job_id)
    assert len(world.network.sent("journal.read")) == 1


async def test_a_look_that_gets_no_answer_disturbs_nothing(world: Setting) -> None:
    job_id = await world.submit()
    worker = world.worker()
    await world.notify(worker)
    world.network.before("journal.read", *[UnknownOutcomeError()] * 1000)
    looking = world.clock.boot()
    look = asyncio.ensure_future(worker.look("L", job_id))
    await world.clock.advance(TIMES.soft)
    await look
    assert world.clock.boot() > looking
    assert worker.running == {"L": job_id}


@pytest.mark.parametrize("pause", [0.0, 0.1])
async def test_a_take_over_that_was_refused_is_tried_again_with_another_lease(
    world: Setting, monkeypatch: pytest.MonkeyPatch, pause: float
) -> None:
    monkeypatch.setattr(random, "uniform", lambda low, high: high if pause else low)
    job_id = await world.submit()
    worker = world.worker()
    began = world.clock.boot()
    world.network.before("journal.commit", RefusedError())
    answering = asyncio.ensure_future(worker.answer(WakeUp("L")))
    await world.clock.advance(0.2)
    assert await answering is WakeUpOutcome.TAKEN
    assert [at - began for at in world.network.times("leases.acquire")] == pytest.approx([0, pause])
    assert world.runs.jobs == [job_id]
    assert world.job(job_id).attempt == 1


async def test_a_wake_up_whose_take_over_was_refused_is_answered_before_the_lock_is_tried_for_again(
    world: Setting,
) -> None:
    await world.submit()
    worker = world.worker()
    world.network.before("journal.commit", RefusedError())
    world.network.before("leases.acquire", None, 5.0)
    answering = asyncio.ensure_future(worker.answer(WakeUp("L")))
    await world.clock.advance(0.2)
    assert answering.done()
    assert await answering is WakeUpOutcome.TAKEN
    assert world.runs.started == []


async def test_a_lock_whose_lease_another_holds_is_left_to_it(world: Setting) -> None:
    await world.submit()
    await world.hold("w0")
    worker = world.worker()
    assert await world.notify(worker) is WakeUpOutcome.HELD
    assert world.seen(LeaseDenied) == [LeaseDenied("L")]
    assert world.seen(LockLeft) == []
    assert not worker.is_serving("L")


async def test_a_lost_lease_stops_the_run(world: Setting) -> None:
    await world.submit()
    worker = world.worker()
    await world.notify(worker)
    holder = world.leases.holder(PARTITION)
    assert holder is not None
    await world.leases.release(PARTITION, holder, 1)
    await world.clock.advance(TIMES.renew_every)
    assert world.runs.started[0].stop.reason is StopReason.LOST
