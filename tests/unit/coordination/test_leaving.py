"""Leaving a lock: what still waits there is taken, notified of, or watched."""

import asyncio
import gc
import random
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from tests.unit.coordination.setting import TIMES, Setting

from contracts import lock_names
from contracts.statuses import JobStatus
from coordination.holder.lock_server import WakeUpOutcome
from coordination.journal import rows
from coordination.observations import (
    LeaseAcquired,
    LeaseDenied,
    LockLeft,
    NotForThisWorker,
    RunEnded,
    RunStarted,
)
from coordination.outcomes import Completed, Interrupted, Lost, StopReason
from coordination.ports import UnknownOutcomeError, WakeUp

PARTITION = lock_names.partition("L")


@pytest.fixture
async def unseen_failures() -> list[str]:
    """Collect what a task failed with that nothing waited for."""
    failures: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: failures.append(str(context)))
    return failures


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Setting]:
    monkeypatch.setattr(random, "uniform", lambda low, high: high)
    made = Setting()
    yield made
    await made.close()


async def test_a_run_that_was_lost_is_not_ended_by_this_worker(world: Setting) -> None:
    """Another worker may have taken over: only a take-over finds out."""
    job_id = await world.submit()
    worker = world.worker()
    await world.notify(worker)
    await world.end(Lost())
    assert world.seen(RunEnded) == []
    assert len(world.seen(LeaseAcquired)) == 2
    assert [(run.job.job_id, run.job.attempt) for run in world.runs.started] == [(job_id, 1), (job_id, 2)]
    assert world.job(job_id).losses == 1


async def test_after_an_interruption_the_lock_is_given_back_before_the_job_is_tried_again(
    world: Setting,
) -> None:
    """The job in front may be one that this worker cannot run now; others get their turn, too."""
    job_id = await world.submit()
    worker = world.worker()
    await world.notify(worker)
    await world.end(Interrupted("the runner died", died=True))
    assert len(world.seen(LeaseAcquired)) == 2
    assert [(run.job.job_id, run.job.attempt) for run in world.runs.started] == [(job_id, 1), (job_id, 2)]
    assert world.notifier.wake_ups == []


async def test_a_run_that_was_lost_is_not_running_any_more_while_its_lock_is_left(world: Setting) -> None:
    await world.submit()
    worker = world.worker()
    await world.notify(worker)
    seen: list[dict[str, str]] = []

    async def note() -> None:
        seen.append(worker.running)

    world.network.before("journal.read_range", note)
    await world.end(Lost())
    assert seen == [{}]


async def test_a_lost_run_is_taken_over_though_the_next_in_line_is_for_others_to_run(world: Setting) -> None:
    lost = await world.submit()
    await world.submit(kind="unknown")
    worker = world.worker(knows=lambda kind: kind == "kind")
    await world.notify(worker)
    await world.end(Lost())
    assert world.runs.jobs == [lost, lost]
    assert world.notifier.deferred == []


async def test_a_lock_does_not_linger_after_an_interruption(world: Setting) -> None:
    await world.submit()
    worker = world.worker(linger=60.0)
    await world.notify(worker)
    await world.end(Interrupted("why"))
    assert len(world.seen(LeaseAcquired)) == 2


async def test_a_worker_that_finds_that_it_was_taken_over_leaves_the_lock(
    world: Setting, unseen_failures: list[str]
) -> None:
    job_id = await world.submit()
    worker = world.worker()
    await world.notify(worker)
    stored = world.journal.partitions[PARTITION]
    for key in (rows.lock_key(), rows.job_key(job_id)):
        values = {**stored[key].values, "fence": 2, "tenure": "another's"}
        stored[key] = replace(stored[key], values=values, etag="changed")
    await worker.look("L", job_id)
    assert world.runs.started[0].stop.reason is StopReason.LOST
    await world.clock.settle()
    assert world.seen(LockLeft)[:1] == [LockLeft("L")]
    gc.collect()
    assert unseen_failures == []


@pytest.mark.parametrize("notices", ["with its end", "with its progress"])
async def test_a_run_that_was_taken_over_is_left_by_the_same_rules_whatever_noticed_it(
    world: Setting, unseen_failures: list[str], notices: str
) -> None:
    await world.submit()
    worker = world.worker()
    await world.notify(worker)
    stored = world.journal.partitions[PARTITION]
    values = {**stored[rows.lock_key()].values, "fence": 2, "tenure": "another's"}
    stored[rows.lock_key()] = replace(stored[rows.lock_key()], values=values, etag="changed")
    if notices == "with its end":
        await world.end()
    else:
        world.runs.started[0].report(1.0, 2.0, "one")
        await world.clock.advance(1)
    assert world.seen(LockLeft)[:1] == [LockLeft("L")]
    gc.collect()
    assert unseen_failures == []


async def test_a_lock_that_another_got_meanwhile_is_watched(world: Setting) -> None:
    """No ring waits for the answer any more, so none leaves a copy: only the watch knows of the lock."""
    await world.submit()
    await world.submit()
    worker = world.worker()
    await world.notify(worker)
    world.network.after("leases.release", world.tenure("w2").keeper.acquire)
    await world.end(Interrupted("why"))
    assert not worker.is_serving("L")
    assert world.seen(LeaseDenied) == [LeaseDenied("L")]
    assert worker.is_watching("L")


async def test_a_lock_that_was_left_while_the_journal_is_silent_is_watched(world: Setting) -> None:
    await world.submit()
    worker = world.worker()
    await world.notify(worker)
    world.network.before("journal.read_range", *[UnknownOutcomeError()] * 1000)
    began = world.clock.boot()
    await world.end()
    await world.clock.advance(TIMES.journal_deadline)
    assert not worker.is_serving("L")
    assert worker.is_watching("L")
    asked = world.network.times("journal.read_range")[-1] - began
    assert TIMES.journal_deadline - 2 <= asked < TIMES.journal_deadline
    assert world.seen(LockLeft) == [LockLeft("L")]


async def test_a_wake_up_that_comes_while_a_lock_is_left_has_its_line_read_again(world: Setting) -> None:
    await world.submit()
    worker = world.worker()
    await world.notify(worker)

    async def notify_and_submit_later() -> None:
        assert await worker.answer(WakeUp("L")) is WakeUpOutcome.KNOWN
        late.append(await world.submit())

    late: list[str] = []
    world.network.after("journal.read_range", notify_and_submit_later)
    await world.end()
    assert world.runs.jobs[1:] == late
    assert len(late) == 1


async def test_a_stopping_worker_notifies_of_what_still_waits(world: Setting) -> None:
    job_id = await world.submit()
    await world.submit()
    worker = world.worker()
    await world.notify(worker)
    stopping = await world.begin_to_stop(worker)
    await world.end()
    await stopping
    assert world.job(job_id).status == JobStatus.COMPLETED
    assert len(world.runs.started) == 1
    assert world.notifier.wake_ups == [WakeUp("L", released=True)]


async def test_a_stopping_worker_does_not_wake_up_where_nothing_waits(world: Setting) -> None:
    await world.submit()
    worker = world.worker()
    await world.notify(worker)
    stopping = await world.begin_to_stop(worker)
    await world.end()
    await stopping
    assert world.notifier.wake_ups == []


async def test_a_worker_that_serves_more_than_it_can_run_notifies_of_what_still_waits(world: Setting) -> None:
    places = 2
    await world.submit("L")
    await world.submit("L")
    await world.submit("M")
    worker = world.worker(places=lambda: places)
    await world.notify(worker, WakeUp("M"))
    await world.notify(worker)
    places = 1
    await world.end()
    assert world.notifier.wake_ups == [WakeUp("L", released=True)]
    assert set(worker.running) == {"M"}


async def test_a_job_for_others_to_run_is_notified_of_again_later(world: Setting) -> None:
    await world.submit()
    other = await world.submit(kind="unknown", traceparent="its-trace")
    worker = world.worker(knows=lambda kind: kind == "kind")
    await world.notify(worker)
    await world.end()
    assert world.notifier.deferred == [WakeUp("L", other, traceparent="its-trace")]
    assert world.seen(NotForThisWorker) == [NotForThisWorker("L", "unknown")]
    assert not worker.is_serving("L")
    assert world.job(other).attempt == 0


async def test_a_broker_that_is_away_keeps_no_worker_at_a_job_for_others_to_run(
    world: Setting, unseen_failures: list[str]
) -> None:
    await world.submit(kind="unknown")
    worker = world.worker(knows=lambda _: False)
    world.network.before("notifier.defer", UnknownOutcomeError())
    assert await world.notify(worker) is WakeUpOutcome.EMPTY
    assert not worker.is_serving("L")
    assert world.notifier.deferred == []
    gc.collect()
    assert unseen_failures == []


async def test_a_run_that_was_cut_off_is_ended_also_by_a_worker_that_does_not_know_its_kind(
    world: Setting,
) -> None:
    """Else its job would show as running for as long as only such workers come by."""
    job_id = await world.submit()
    await world.hold("lost")
    await world.clock.advance(TIMES.duration)
    worker = world.worker(knows=lambda _: False)
    await world.notify(worker)
    job = world.job(job_id)
    assert (job.status, job.interruptions, job.losses) == (JobStatus.QUEUED, 1, 1)
    assert world.seen(RunStarted)[1:] == []
    assert [wake_up.job_id for wake_up in world.notifier.deferred] == [job_id]


async def test_a_lock_whose_row_is_another_locks_is_left_alone(
    world: Setting, unseen_failures: list[str]
) -> None:
    await world.submit()
    tenure, _ = await world.hold("w0")
    await tenure.finish(Completed(), None)
    await tenure.keeper.release()
    stored = world.journal.partitions[PARTITION]
    row = stored[rows.lock_key()]
    stored[rows.lock_key()] = replace(row, values={**row.values, "lock_name": "M"})
    worker = world.worker()
    assert await world.notify(worker) is WakeUpOutcome.EMPTY
    assert not worker.is_serving("L")
    assert not worker.is_watching("L")
    assert world.seen(LockLeft) == [LockLeft("L")]
    gc.collect()
    assert unseen_failures == []


async def test_a_wake_up_that_comes_while_a_lock_without_work_is_left_has_its_line_read_once_more(
    world: Setting,
) -> None:
    await world.submit()
    worker = world.worker()
    await world.notify(worker)
    queries = len(world.network.sent("journal.read_range"))
    world.network.after("journal.read_range", lambda: worker.answer(WakeUp("L")))
    await world.end()
    assert len(world.network.sent("journal.read_range")) == queries + 2
    assert not worker.is_serving("L")
