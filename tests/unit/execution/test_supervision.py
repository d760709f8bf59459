"""How a run's end is judged, with a runner that only pretends."""

import asyncio

import pytest
from tests.unit.execution.supervised import Case
from tests.waiting import until

from coordination.outcomes import (
    Cancelled,
    Completed,
    Failed,
    Interrupted,
    Lost,
    StopReason,
    TimedOut,
)
from turnstile.channels import StopReason as HandlerStop
from worker.execution import run_supervision
from worker.execution.deadline_table import boot_time

SHUTDOWN = Interrupted("the worker is shutting down")
DEADLINE = Interrupted("the lease could not be renewed in time")


async def test_a_handler_that_returned_or_raised_leaves_the_runner_in_use(supervised):
    await supervised.say_done(result="1")
    assert await supervised.outcome() == Completed("1")
    other = Case()
    await other.say_done(error_type="E", error_message="m", traceback="t")
    assert await other.outcome() == Failed("E", "m", "t")
    assert supervised.supervision.is_reusable
    assert other.supervision.is_reusable


async def test_a_tainted_runner_is_ended_before_the_outcome_is_given(supervised):
    await supervised.say_done(result="1", is_tainted=True, replace_because="it left threads")
    assert await supervised.outcome() == Completed("1")
    assert supervised.runner.killed.is_set()
    assert supervised.runner.why == "it left threads"
    assert not supervised.supervision.is_reusable


async def test_a_clean_runner_that_is_to_be_replaced_is_left_to_end_in_order(supervised):
    await supervised.say_done(result="1", replace_because="it is too large")
    assert await supervised.outcome() == Completed("1")
    assert not supervised.runner.killed.is_set()
    assert supervised.supervision.is_reusable
    assert supervised.supervision.replace_because == "it is too large"


@pytest.mark.parametrize(
    ("reason", "expected"),
    [(StopReason.CANCELLED, Cancelled()), (StopReason.SHUTDOWN, SHUTDOWN), (StopReason.DEADLINE, DEADLINE)],
)
@pytest.mark.parametrize(
    "how", ["stops", "fails while stopping", "returns all the same", "dies", "is killed"]
)
async def test_a_handler_that_was_stopped_ends_as_the_reason_says(supervised, reason, expected, how):
    await asyncio.sleep(0)
    supervised.stop.request(reason)
    await asyncio.sleep(0)
    match how:
        case "stops":
            await supervised.say_done(error_type="CancelledError", was_stopped=True)
        case "fails while stopping":
            await supervised.say_done(error_type="RuntimeError", error_message="clean-up", was_stopped=True)
        case "returns all the same":
            await supervised.say_done(result="null", was_stopped=True)
        case "dies":
            await supervised.die()
        case "is killed":
            async with asyncio.timeout(2):
                await supervised.runner.killed.wait()
            await supervised.die()
    assert await supervised.outcome() == expected
    assert not supervised.supervision.is_reusable


async def test_a_stop_that_came_too_late_for_the_handler_changes_nothing(supervised):
    await asyncio.sleep(0)
    supervised.stop.request(StopReason.CANCELLED)
    await asyncio.sleep(0)
    await supervised.say_done(result="1", was_stopped=False)
    assert await supervised.outcome() == Completed("1")


async def test_loss_outweighs_a_result(supervised):
    await supervised.say_done(result="1")
    supervised.stop.request(StopReason.LOST)
    assert await supervised.outcome() == Lost()


async def test_a_time_out_stops_and_then_kills(supervised):
    supervised = Case(timeout=0.01)
    async with asyncio.timeout(2):
        await supervised.runner.killed.wait()
    assert supervised.runner.told == [HandlerStop.TIMED_OUT]
    await supervised.die()
    assert await supervised.outcome() == TimedOut("ran longer than 0.01 s")


async def test_a_handler_that_saw_the_deadline_itself_is_interrupted(supervised):
    await supervised.say_done(error_type="DeadlinePassedError", was_stopped=True)
    assert await supervised.outcome() == DEADLINE


async def test_a_death_without_reason_counts_against_the_job(supervised):
    await supervised.die()
    assert await supervised.outcome() == Interrupted("it died", died=True)


async def test_a_runner_killed_by_the_deadline_enforcer_is_no_death_of_the_jobs_making(supervised):
    supervised.runner.was_overdue = True
    await supervised.die()
    assert await supervised.outcome() == DEADLINE
    late = Case()
    late.runner.was_overdue = True
    late.hard = boot_time() - 1
    await late.die()
    assert await late.outcome() == Lost()


async def test_the_first_end_of_a_handler_counts(supervised):
    await supervised.say_done(result="1")
    await supervised.say_done(result="2")
    await supervised.die()
    assert await supervised.outcome() == Completed("1")
    other = Case()
    await other.die()
    await other.say_done(result="2")
    assert await other.outcome() == Interrupted("it died", died=True)


@pytest.mark.parametrize("later", [StopReason.CANCELLED, StopReason.SHUTDOWN])
async def test_a_time_out_stays_one_whatever_is_asked_later(later):
    case = Case(timeout=0.01, grace=60)
    await until(lambda: case.runner.told)
    case.stop.request(later)
    await until(lambda: len(case.runner.told) == 2)
    await case.say_done(was_stopped=True)
    assert await case.outcome() == TimedOut("ran longer than 0.01 s")


async def test_a_handler_that_is_told_to_stop_does_not_time_out(supervised):
    case = Case(timeout=0.05, grace=60)
    await asyncio.sleep(0)
    case.stop.request(StopReason.CANCELLED)
    await until(lambda: case.runner.told)
    case.supervision._time_out()
    assert case.runner.told == [HandlerStop.CANCELLED]
    await case.say_done(was_stopped=True)
    assert await case.outcome() == Cancelled()
    await supervised.die()


async def test_a_stronger_reason_is_told_too_and_is_the_end(supervised):
    await asyncio.sleep(0)
    supervised.stop.request(StopReason.SHUTDOWN)
    await until(lambda: len(supervised.runner.told) == 1)
    supervised.stop.request(StopReason.CANCELLED)
    await until(lambda: len(supervised.runner.told) == 2)
    assert supervised.runner.told == [HandlerStop.SHUTDOWN, HandlerStop.CANCELLED]
    await supervised.say_done(was_stopped=True)
    assert await supervised.outcome() == Cancelled()


@pytest.mark.parametrize(("now", "expected"), [(99.0, DEADLINE), (100.0, Lost())])
async def test_a_runner_killed_at_its_deadline_lost_its_run_at_that_very_moment(
    supervised, monkeypatch, now, expected
):
    await asyncio.sleep(0)
    supervised.runner.was_overdue = True
    supervised.hard = 100.0
    monkeypatch.setattr(run_supervision, "boot_time", lambda: now)
    await supervised.die()
    assert await supervised.outcome() == expected


async def test_a_runner_that_the_pools_stop_kills_is_interrupted_and_has_not_died(supervised):
    await asyncio.sleep(0)
    supervised.supervision.abandon()
    assert supervised.runner.killed.is_set()
    await supervised.die()
    assert await supervised.outcome() == SHUTDOWN
    assert not supervised.supervision.is_reusable


async def test_a_runner_is_not_used_again_before_the_end_of_its_run_is_known(supervised):
    assert supervised.supervision.is_reusable is False
    await supervised.say_done(result="1")
    await supervised.outcome()
    assert supervised.supervision.is_reusable is True


async def test_a_runner_whose_handler_stopped_by_itself_is_not_used_again(supervised):
    await supervised.say_done(error_type="DeadlinePassedError", was_stopped=True)
    await supervised.outcome()
    assert not supervised.supervision.is_reusable


async def test_a_runner_that_was_asked_to_stop_too_late_is_not_used_again(supervised):
    await asyncio.sleep(0)
    supervised.stop.request(StopReason.CANCELLED)
    await until(lambda: supervised.runner.told)
    await supervised.say_done(result="1")
    await supervised.outcome()
    assert not supervised.supervision.is_reusable


async def test_a_runner_whose_run_was_lost_while_its_handler_returned_is_not_used_again(supervised):
    await asyncio.sleep(0)
    supervised.hard = boot_time() - 1
    supervised.supervision._tick()
    await supervised.say_done(result="1")
    assert await supervised.outcome() == Lost()
    assert not supervised.supervision.is_reusable


async def test_a_runner_that_a_stopping_pool_abandoned_is_not_used_again(supervised):
    await asyncio.sleep(0)
    supervised.supervision.abandon()
    await supervised.say_done(result="1")
    await supervised.outcome()
    assert not supervised.supervision.is_reusable


async def test_when_the_supervision_is_called_off_nothing_more_is_written_and_the_runner_is_ended(supervised):
    await supervised.say_step()
    await supervised.say_done(result="1")
    await asyncio.sleep(0)
    supervised.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await supervised.outcome()
    assert supervised.runner.done[-3:] == ["kill", "end run", "end"]
    assert not supervised.supervision.is_reusable
    supervised.may_write.set()
    for _ in range(5):
        await asyncio.sleep(0)
    assert supervised.steps == []
