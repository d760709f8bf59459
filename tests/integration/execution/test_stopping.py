"""Runs that are stopped: cancelled, shut down, timed out, past their deadline, lost."""

import asyncio
import logging
import os
import signal

import psutil
import pytest
from tests.integration.execution.rig import FakeRun, busy_runners, enforcer, is_alive, runners
from tests.waiting import until

from coordination.outcomes import Cancelled, Completed, Interrupted, Lost, StopReason, TimedOut
from worker.execution.deadline_table import boot_time

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

SHUTDOWN = Interrupted("the worker is shutting down")


def pids_in(folder):
    return list(map(int, (folder / "detached").read_text().split()))


def is_there(pid):
    """Whether there is such a process, be it a zombie."""
    return psutil.pid_exists(pid)


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (StopReason.CANCELLED, Cancelled()),
        (StopReason.SHUTDOWN, SHUTDOWN),
        (StopReason.DEADLINE, Interrupted("the lease could not be renewed in time")),
        (StopReason.LOST, Lost()),
    ],
)
@pytest.mark.parametrize(
    "kind", ["sleeps", "sync-checks", "blocked-but-checks", "swallows-cancel", "sync-deaf"]
)
async def test_a_stop_ends_every_handler_with_the_outcome_of_its_reason(pool, kind, reason, expected):
    assert await FakeRun(kind).stopped_on(pool, reason) == expected
    await until(lambda: pool.idle == 2)


async def test_state_can_be_saved_while_being_cancelled(pool):
    run = FakeRun("saves-when-cancelled")
    assert await run.stopped_on(pool, StopReason.SHUTDOWN) == SHUTDOWN
    assert run.states == ['"was cancelled"']


async def test_a_handler_that_swallows_its_cancellation_and_returns_counts_as_stopped(pool):
    assert await FakeRun("swallows-cancel-and-returns").stopped_on(pool, StopReason.CANCELLED) == Cancelled()


async def test_a_stronger_reason_replaces_a_weaker_one(pool, caplog):
    caplog.set_level(logging.INFO)
    run = FakeRun("swallows-cancel")
    task = await run.started_on(pool)
    run.stop.request(StopReason.SHUTDOWN)
    await until(lambda: "not me" in caplog.messages)
    run.stop.request(StopReason.CANCELLED)
    assert await task == Cancelled()


async def test_a_handler_that_cleans_up_is_not_disturbed_by_a_second_reason(pool):
    run = FakeRun("cleans-up-slowly")
    task = await run.started_on(pool)
    run.stop.request(StopReason.SHUTDOWN)
    await until(lambda: run.states)
    run.stop.request(StopReason.CANCELLED)
    assert await task == Cancelled()
    assert run.states == ['"cleaning up"', '"cleaned up"']


async def test_loss_kills_without_asking_the_handler_first(pool, caplog):
    caplog.set_level(logging.INFO)
    run = FakeRun("swallows-cancel")
    task = await run.started_on(pool)
    pids = busy_runners(pool)
    run.stop.request(StopReason.LOST)
    assert await task == Lost()
    assert not {"not me", "handler did not stop in time"} & set(caplog.messages)
    assert not any(is_alive(pid) for pid in pids)


async def test_loss_does_not_wait_for_a_write_that_gets_no_answer(pool):
    run = FakeRun("steps", {"number": 1})
    run.may_write.clear()
    task = await run.started_on(pool)
    run.stop.request(StopReason.LOST)
    async with asyncio.timeout(2):
        assert await task == Lost()


async def test_a_kind_that_takes_too_long_times_out(pool):
    assert await FakeRun("sleeps-briefly").on(pool) == TimedOut("ran longer than 0.3 s")


async def test_a_submission_can_shorten_the_time_of_its_job(pool):
    assert await FakeRun("sleeps-briefly", timeout=0.1).on(pool) == TimedOut("ran longer than 0.1 s")


async def test_before_it_is_killed_a_handler_shows_where_it_hangs(pool, caplog):
    caplog.set_level(logging.INFO)
    await FakeRun("sync-deaf").stopped_on(pool, StopReason.CANCELLED)
    assert any("in sync_deaf" in message for message in caplog.messages)


async def test_the_soft_deadline_stops_the_handler(pool):
    run = FakeRun("sleeps")
    task = await run.started_on(pool)
    run.soft = boot_time()
    assert await task == Interrupted("the lease could not be renewed in time")
    assert run.reports == [(0, 1, "")]


async def test_a_renewed_deadline_lets_the_handler_go_on(pool):
    run = FakeRun("sleeps")
    task = await run.started_on(pool)
    # Far enough away for the pool to read it, and to read the next one, on a busy machine.
    first = boot_time() + 5
    run.soft, run.hard, read = first - 0.5, first, run.readings
    await until(lambda: run.readings > read)
    run.soft, run.hard = first + 90, first + 100
    # Deadlines are compared four times a second here, and more often by the deadline enforcer.
    await until(lambda: boot_time() > first + 0.5)
    assert not task.done()
    run.stop.request(StopReason.CANCELLED)
    assert await task == Cancelled()


async def test_the_hard_deadline_kills_a_handler_that_does_not_stop(pool):
    run = FakeRun("swallows-cancel")
    ended = await run.started_on(pool)
    run.soft, run.hard = boot_time() + 0.3, boot_time() + 0.5
    # The supervisor loses the run, unless the deadline enforcer has killed the runner before it looks.
    assert await ended in (Lost(), Interrupted("the lease could not be renewed in time"))


@pytest.mark.parametrize("reason", [StopReason.LOST, StopReason.CANCELLED])
async def test_grandchildren_die_with_a_stopped_run(pool, tmp_path, reason):
    outcome = await FakeRun("grandchild", {"folder": str(tmp_path)}).stopped_on(pool, reason)
    assert outcome in (Lost(), Cancelled())
    grandchild, runner = map(int, (tmp_path / "grandchild").read_text().split())
    assert not is_alive(grandchild)
    assert not is_alive(runner)


@pytest.mark.parametrize("reason", [StopReason.LOST, StopReason.CANCELLED])
async def test_what_a_handler_detached_ends_with_its_run_and_no_other(pool, tmp_path, reason):
    others = tmp_path / "other"
    others.mkdir()
    other = FakeRun("detaches", {"folder": str(others)})
    going_on = await other.started_on(pool)
    outcome = await FakeRun("detaches", {"folder": str(tmp_path)}).stopped_on(pool, reason)
    assert outcome in (Lost(), Cancelled())
    assert [is_there(pid) for pid in pids_in(tmp_path)] == [False, False]
    assert [is_there(pid) for pid in pids_in(others)] == [True, True]
    other.stop.request(StopReason.CANCELLED)
    await going_on
    assert [is_there(pid) for pid in pids_in(others)] == [False, False]


async def test_what_a_handler_detached_ends_with_a_runner_that_is_killed(pool, tmp_path):
    await until(lambda: pool.idle == 2)
    run = FakeRun("detaches", {"folder": str(tmp_path)})
    task = await run.started_on(pool)
    for pid in busy_runners(pool):
        os.kill(pid, signal.SIGKILL)
    outcome = await task
    assert isinstance(outcome, Interrupted)
    assert outcome.died
    assert [is_there(pid) for pid in pids_in(tmp_path)] == [False, False]


async def test_a_killed_runner_is_replaced(pool):
    await until(lambda: pool.idle == 2)
    victim = next(iter(runners(pool)))
    os.kill(victim, signal.SIGKILL)
    await until(lambda: pool.idle == 2 and victim not in runners(pool))
    assert isinstance(await FakeRun("echo").on(pool), Completed)


async def test_a_dead_deadline_enforcer_is_replaced_and_no_run_starts_without_one(pool):
    old = enforcer(pool)
    assert old is not None
    os.kill(old, signal.SIGSTOP)
    os.kill(old, signal.SIGKILL)
    await until(lambda: enforcer(pool) is None)
    assert pool.idle == 0
    assert isinstance(await FakeRun("echo").on(pool), Completed)
    assert enforcer(pool) not in {None, old}
