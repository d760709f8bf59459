"""When a run's deadlines pass, when patience ends, and what becomes of the runner."""

import asyncio

import pytest
from tests.unit.execution.supervised import Case
from tests.waiting import until

from coordination.outcomes import Completed, Interrupted, Lost, StopReason
from turnstile.channels import StopReason as HandlerStop
from worker.execution import run_supervision


@pytest.fixture
def clock(monkeypatch):
    """The boot-time clock, set by the test; deadlines are compared all the time."""

    class Clock:
        now = 50.0

    monkeypatch.setattr(run_supervision, "boot_time", lambda: Clock.now)
    monkeypatch.setattr(run_supervision, "_TICK_SECONDS", 0.001)
    return Clock


@pytest.fixture
async def late(clock):
    case = Case(grace=60)
    case.hard, case.soft = 100.0, 90.0
    await asyncio.sleep(0)
    return case


async def tick(case):
    """Let deadlines be compared twice."""
    seen = len(case.runner.deadlines)
    await until(lambda: len(case.runner.deadlines) >= seen + 2 or case.runner.killed.is_set())


async def test_deadlines_are_set_before_the_run_begins_and_renewed_while_it_runs(late):
    assert late.runner.done[:2] == ["deadlines", "begin"]
    assert late.runner.deadlines == [(100.0, 90.0)]
    late.hard, late.soft = 200.0, 190.0
    await tick(late)
    assert late.runner.deadlines[-1] == (200.0, 190.0)
    assert late.runner.told == []
    await late.say_done(result="1")
    assert await late.outcome() == Completed("1")
    seen = len(late.runner.deadlines)
    await asyncio.sleep(0.005)
    assert len(late.runner.deadlines) == seen


async def test_the_soft_deadline_stops_the_handler_at_its_very_moment(late, clock):
    clock.now = 89.999
    await tick(late)
    assert late.runner.told == []
    clock.now = 90.0
    await tick(late)
    assert set(late.runner.told) == {HandlerStop.DEADLINE}
    assert not late.runner.killed.is_set()
    await late.say_done(was_stopped=True)
    assert await late.outcome() == Interrupted("the lease could not be renewed in time")


async def test_the_hard_deadline_loses_the_run_at_its_very_moment(late, clock):
    clock.now = 99.999
    await tick(late)
    assert not late.runner.killed.is_set()
    clock.now = 100.0
    await tick(late)
    assert late.runner.killed.is_set()
    late.may_write.set()
    await late.say_step()
    await late.say_done(result="1")
    assert await late.outcome() == Lost()
    assert late.steps == []


async def test_a_handler_has_its_grace_and_shows_where_it_hangs_before_it_is_killed(monkeypatch, caplog):
    class Timers:
        """Notes down what is to be called later, and when."""

        def __init__(self):
            self.calls = []

        def call_later(self, seconds, function):
            self.calls.append((seconds, function))
            return asyncio.get_running_loop().call_later(3600, function)

    case = Case(grace=7.5)
    await asyncio.sleep(0)
    timers = case.supervision._loop = Timers()
    case.stop.request(StopReason.SHUTDOWN)
    await until(lambda: case.runner.told)
    case.stop.request(StopReason.CANCELLED)
    await until(lambda: len(case.runner.told) == 2)
    ((seconds, lose_patience),) = timers.calls
    assert (seconds, case.runner.done) == (7.5, ["deadlines", "begin"])
    lose_patience()
    assert case.runner.done[2:] == ["where"]
    assert "handler did not stop in time" in caplog.messages
    seconds, kill = timers.calls[1]
    assert seconds == 0.1
    kill()
    assert case.runner.done[2:] == ["where", "kill"]
    await case.die()
    await case.outcome()


async def test_a_runner_that_can_be_used_again_is_left_alone(supervised):
    await supervised.say_done(result="1")
    await supervised.outcome()
    assert supervised.runner.done == ["deadlines", "begin", "end run"]


async def test_a_runner_that_cannot_is_killed_before_its_deadline_is_lifted_and_then_awaited(supervised):
    await supervised.say_done(result="1", is_tainted=True)
    await supervised.outcome()
    assert supervised.runner.done == ["deadlines", "begin", "kill", "end run", "end"]


async def test_a_run_that_is_cut_off_leaves_no_runner(supervised):
    await asyncio.sleep(0)
    supervised.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await supervised.task
    assert supervised.runner.done == ["deadlines", "begin", "kill", "end run", "end"]
    assert not supervised.supervision.is_reusable


async def test_after_its_end_no_reason_reaches_the_runner(supervised):
    case = Case(timeout=3600)
    await case.say_done(result="1")
    await case.outcome()
    case.stop.request(StopReason.CANCELLED)
    for _ in range(5):
        await asyncio.sleep(0)
    assert case.runner.told == []
    assert all(timer.cancelled() for timer in case.supervision._timers.values())
    assert set(case.supervision._timers) == {"begin", "tick", "timeout"}
    await supervised.die()


async def test_a_run_without_a_timeout_is_never_timed_out(supervised):
    await asyncio.sleep(0)
    assert set(supervised.supervision._timers) == {"begin", "tick"}
    await supervised.die()
