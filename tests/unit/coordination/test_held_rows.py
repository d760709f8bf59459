"""Writes of a holder: lost answers, changes by others, and silence of the journal."""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.coordination.setting import TIMES, Setting

from contracts import lock_names
from contracts.statuses import JobStatus
from coordination.clients.cancellation import Canceller
from coordination.clients.job_writer import JobWriter
from coordination.holder.held_rows import CutOffError, FencedError
from coordination.holder.runs import StepDone
from coordination.journal import rows
from coordination.journal.rows import EventRow
from coordination.observations import Fenced, Refusal, RunEnded, TablesCutOff
from coordination.outcomes import Cancelled, Completed, Failed, StopReason
from coordination.ports import InvalidTransactionError, UnknownOutcomeError
from coordination.times import LeaseTimes

PARTITION = lock_names.partition("L")
STEP = StepDone("one", "1", 0.1)


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Setting]:
    monkeypatch.setattr(random, "uniform", lambda low, high: high / 2)
    made = Setting()
    yield made
    await made.close()


async def cancel(world: Setting, job_id: str) -> None:
    registration = await world.register.find(job_id)
    assert registration is not None
    await Canceller(JobWriter(world.journal, world.notifier, world.clock)).cancel(registration, "bob")


def change(world: Setting, key: str, **values: Any) -> None:
    """Change a row behind the holder's back."""
    stored = world.journal.partitions[PARTITION]
    stored[key] = replace(stored[key], values={**stored[key].values, **values}, etag="changed")


def statuses(world: Setting, job_id: str) -> list[str]:
    stored = sorted(world.journal.partitions[PARTITION].items())
    prefix = rows.event_prefix(job_id)
    return [EventRow.from_row(row).status for key, row in stored if key.startswith(prefix)]


async def test_what_was_written_is_announced_in_order(world: Setting) -> None:
    job_id = await world.submit()
    world.notifier.take_announcements()
    tenure, run = await world.hold()
    await run.record_step(STEP)
    await tenure.finish(Completed(), None)
    assert [(told.first, told.last) for told in world.notifier.take_announcements()] == [
        (2, 3),
        (4, 4),
        (5, 5),
    ]
    assert statuses(world, job_id)[1:] == ["LeaseAcquired", "Started", "Step", "Completed"]
    assert world.job(job_id).seq == 5


async def test_a_write_whose_answer_was_lost_is_announced_once(world: Setting) -> None:
    await world.submit()
    _, run = await world.hold()
    world.notifier.take_announcements()
    world.network.after("journal.commit", UnknownOutcomeError())
    stepping = asyncio.ensure_future(run.record_step(STEP))
    await world.clock.advance(1)
    await stepping
    assert [(told.first, told.last) for told in world.notifier.take_announcements()] == [(4, 4)]


async def test_what_was_not_written_is_not_announced(world: Setting) -> None:
    await world.submit()
    _, run = await world.hold()
    world.notifier.take_announcements()
    change(world, rows.lock_key(), tenure="another's", fence=2)
    with pytest.raises(FencedError):
        await run.record_step(STEP)
    assert world.notifier.take_announcements() == []


async def test_state_can_be_saved_again_after_its_answer_was_lost(world: Setting) -> None:
    job_id = await world.submit()
    _, run = await world.hold()
    world.network.after("journal.commit", UnknownOutcomeError())
    saving = asyncio.ensure_future(run.save_state('"one"'))
    await world.clock.advance(1)
    await saving
    await run.save_state('"two"')
    stored = world.journal.partitions[PARTITION][rows.state_key(job_id)]
    assert rows.join_text(stored.values) == '"two"'
    assert statuses(world, job_id).count("StateSaved") == 2


async def test_a_cancellation_between_a_lost_answer_and_its_repetition_is_heeded(world: Setting) -> None:
    job_id = await world.submit()
    _, run = await world.hold()
    world.network.after("journal.commit", UnknownOutcomeError())
    world.network.before("journal.commit", None, lambda: cancel(world, job_id))
    stepping = asyncio.ensure_future(run.record_step(STEP))
    await world.clock.advance(1)
    await stepping
    assert run.stop.reason is StopReason.CANCELLED
    assert statuses(world, job_id)[-2:] == ["Step", "CancelRequested"]
    await run.record_step(replace(STEP, name="two"))
    assert world.job(job_id).steps == 2


async def test_a_start_whose_answer_was_lost_heeds_a_cancellation_that_came_meanwhile(
    world: Setting,
) -> None:
    job_id = await world.submit()
    world.network.after("journal.commit", UnknownOutcomeError())
    world.network.before("journal.commit", None, lambda: cancel(world, job_id))
    holding = asyncio.ensure_future(world.hold())
    await world.clock.advance(1)
    tenure, run = await holding
    assert run.stop.reason is StopReason.CANCELLED
    await tenure.finish(Cancelled(), None)
    assert statuses(world, job_id)[-3:] == ["Started", "CancelRequested", "Cancelled"]


async def test_a_step_is_recorded_though_the_job_was_to_be_cancelled_meanwhile(world: Setting) -> None:
    job_id = await world.submit()
    _, run = await world.hold()
    await cancel(world, job_id)
    assert run.stop.reason is None
    await run.record_step(STEP)
    assert run.stop.reason is StopReason.CANCELLED
    assert statuses(world, job_id)[-2:] == ["CancelRequested", "Step"]


async def test_an_end_is_recorded_as_it_was_though_the_job_was_to_be_cancelled_meanwhile(
    world: Setting,
) -> None:
    job_id = await world.submit()
    tenure, _ = await world.hold()
    await cancel(world, job_id)
    await tenure.finish(Completed('"done"'), None)
    job = world.job(job_id)
    assert (job.status, job.result, job.cancel_actor) == (JobStatus.COMPLETED, '"done"', "bob")
    assert statuses(world, job_id)[-2:] == ["CancelRequested", "Completed"]
    (ended,) = world.seen(RunEnded)
    assert ended == RunEnded(job, Completed('"done"'))


async def test_a_look_takes_in_a_cancellation(world: Setting) -> None:
    job_id = await world.submit()
    tenure, run = await world.hold()
    await tenure.look()
    assert run.stop.reason is None
    await cancel(world, job_id)
    await tenure.look()
    assert run.stop.reason is StopReason.CANCELLED
    await run.record_step(STEP)


async def test_a_look_at_a_job_that_has_not_changed_costs_one_row(world: Setting) -> None:
    await world.submit()
    tenure, _ = await world.hold()
    calls = len(world.network.calls)
    await tenure.look()
    assert [call.name for call in world.network.calls[calls:]] == ["journal.read"]


@pytest.mark.parametrize("why", ["nothing runs", "the time to write is over"])
async def test_there_is_no_look_where_it_could_be_of_no_use(world: Setting, why: str) -> None:
    await world.submit()
    tenure, run = await world.hold()
    if why == "nothing runs":
        await tenure.finish(Completed(), None)
    else:
        await world.clock.advance(TIMES.soft)
    calls = len(world.network.calls)
    await tenure.look()
    assert len(world.network.calls) == calls
    assert run.stop.reason is None


@pytest.mark.parametrize(
    ("values", "is_ours"),
    [
        ({"op_id": "another's"}, True),
        ({"tenure": "another's"}, False),
        ({"fence": 2}, False),
        ({"job_id": "another"}, False),
        ({"attempt": 2}, False),
    ],
    ids=["the same run", "another tenure", "another fence", "another job", "another attempt"],
)
async def test_a_holder_goes_on_only_while_the_lock_row_names_its_own_run(
    world: Setting, values: dict[str, Any], is_ours: bool
) -> None:
    job_id = await world.submit()
    _, run = await world.hold()
    change(world, rows.lock_key(), **values)
    if is_ours:
        await run.record_step(STEP)
        assert world.job(job_id).steps == 1
        assert run.stop.reason is None
        return
    with pytest.raises(FencedError):
        await run.record_step(STEP)
    assert world.job(job_id).steps == 0
    assert run.stop.reason is StopReason.LOST


@pytest.mark.parametrize("values", [{"status": "Queued"}, {"status": "Completed"}, {"fence": 2}])
async def test_a_holder_goes_on_only_while_its_job_runs_under_its_fence(
    world: Setting, values: dict[str, Any]
) -> None:
    job_id = await world.submit()
    _, run = await world.hold()
    change(world, rows.job_key(job_id), **values)
    with pytest.raises(FencedError):
        await run.record_step(STEP)
    assert run.stop.reason is StopReason.LOST


@pytest.mark.parametrize("gone", ["the lock's row", "the job's row"])
@pytest.mark.parametrize("notices", ["with a step", "with a look"])
async def test_a_holder_whose_row_is_gone_stops(world: Setting, gone: str, notices: str) -> None:
    job_id = await world.submit()
    tenure, run = await world.hold()
    stored = world.journal.partitions[PARTITION]
    change(world, rows.job_key(job_id))
    del stored[rows.lock_key() if gone == "the lock's row" else rows.job_key(job_id)]
    with pytest.raises(FencedError):
        await (run.record_step(STEP) if notices == "with a step" else tenure.look())
    assert run.stop.reason is StopReason.LOST
    assert not tenure.keeper.may_write
    assert world.seen(Fenced) == [Fenced("L", job_id, Refusal.TAKEN_OVER, "a row is gone")]


async def test_a_holder_that_was_taken_over_tells_by_whom_and_holds_nothing_any_more(world: Setting) -> None:
    job_id = await world.submit()
    tenure, run = await world.hold()
    change(world, rows.lock_key(), tenure="another's", worker="w2", fence=2)
    with pytest.raises(FencedError):
        await run.record_step(STEP)
    reason = "worker w2 has taken over with fence 2"
    assert world.seen(Fenced) == [Fenced("L", job_id, Refusal.TAKEN_OVER, reason)]
    assert tenure.running is None
    assert not tenure.keeper.may_write


async def test_a_write_that_comes_too_late_is_not_sent_and_ends_the_tenure(world: Setting) -> None:
    job_id = await world.submit()
    tenure, run = await world.hold()
    await world.clock.advance(TIMES.soft)
    calls = len(world.network.calls)
    with pytest.raises(FencedError):
        await run.record_step(STEP)
    assert len(world.network.calls) == calls
    assert world.seen(Fenced) == [Fenced("L", job_id, Refusal.TOO_LATE, "the time to write is over")]
    assert run.stop.reason is StopReason.LOST
    assert tenure.running is None


async def test_a_take_over_that_comes_too_late_is_not_sent(world: Setting) -> None:
    await world.submit()
    tenure = world.tenure()
    await tenure.keeper.acquire()
    world.network.after("journal.read_range", TIMES.soft)
    taking_over = asyncio.ensure_future(tenure.take_over(lambda _: True))
    commits = len(world.network.sent("journal.commit"))
    await world.clock.advance(TIMES.soft)
    with pytest.raises(FencedError):
        await taking_over
    assert len(world.network.sent("journal.commit")) == commits
    assert world.seen(Fenced) == [Fenced("L", "", Refusal.TOO_LATE, "the time to write is over")]


@pytest.mark.parametrize(("duration", "until"), [(15.0, 9.0), (60.0, 20.0)])
async def test_a_silent_journal_is_asked_until_the_soft_deadline_and_at_most_for_its_own_time(
    duration: float, until: float
) -> None:
    world = Setting(LeaseTimes.of(duration))
    job_id = await world.submit()
    tenure, run = await world.hold()
    world.network.before("journal.commit", *[UnknownOutcomeError("no answer")] * 1000)
    began = world.clock.boot()
    stepping = asyncio.ensure_future(run.record_step(STEP))
    await world.clock.advance(until - 2)
    assert not stepping.done()
    await world.clock.advance(2)
    with pytest.raises(CutOffError):
        await stepping
    assert until - 2 < world.network.times("journal.commit")[-1] - began < until
    assert world.seen(TablesCutOff) == [TablesCutOff("L")]
    assert world.seen(Fenced) == [Fenced("L", job_id, Refusal.UNKNOWN, "no answer")]
    assert run.stop.reason is StopReason.LOST
    assert not tenure.keeper.may_write
    await world.close()


async def test_a_transaction_gets_the_time_that_a_call_may_take(world: Setting) -> None:
    await world.submit()
    tenure = world.tenure(call_timeout=0.75)
    await tenure.keeper.acquire()
    await tenure.take_over(lambda _: True)
    assert world.network.sent("journal.commit")[-1].timeout == 0.75


async def test_a_result_that_cannot_be_stored_fails_the_job(world: Setting) -> None:
    job_id = await world.submit()
    tenure, _ = await world.hold()
    await tenure.finish(Completed('"' + "x" * 20_000_000 + '"'), None)
    job = world.job(job_id)
    assert (job.status, job.error_type) == (JobStatus.FAILED, "InvalidTransactionError")
    assert job.error_message.startswith("the result cannot be stored: ")
    (ended,) = world.seen(RunEnded)
    assert isinstance(ended.outcome, Failed)


async def test_a_failure_that_cannot_be_stored_is_raised_and_not_tried_for_ever(world: Setting) -> None:
    await world.submit()
    tenure, _ = await world.hold()
    with pytest.raises(InvalidTransactionError):
        await tenure.finish(Failed("half a \ud800 surrogate", "m"), None)
