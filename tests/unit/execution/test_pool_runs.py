"""How a pool finds runners for runs, with runners that only pretend."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
from tests.unit.execution.pretending import Telling, a_run
from tests.waiting import until

from contracts.policies import JobPolicy
from coordination.holder.runs import Stop
from coordination.journal.rows import JobRow
from coordination.outcomes import Cancelled, Completed, Failed, Interrupted, Lost, StopReason
from worker.execution import RunnerPool, pool
from worker.execution.messages import KindMessage

POLICY = JobPolicy(max_runner_crashes=7, max_worker_losses=8)


class Clock:
    """The event loop's clock, set by the test."""

    now = 0.0

    def time(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    replaced = {**vars(asyncio), "get_running_loop": lambda: clock}
    monkeypatch.setattr(pool, "asyncio", SimpleNamespace(**replaced))
    return clock


async def look_again(runners):
    runners._changed.set()
    for _ in range(5):
        await asyncio.sleep(0)


def hold(supervision):
    """Let runs end only when the test sets the event that this returns."""
    may_end = asyncio.Event()

    async def outcome(self):
        await may_end.wait()
        return Completed("1")

    supervision.outcome = outcome
    return may_end


async def test_a_run_gets_a_runner_its_kinds_timeout_and_the_pools_grace(pretended):
    runner, supervision = pretended
    runner.kinds = [KindMessage(kind="a", parameters_schema={}, timeout_seconds=2.5, description="")]
    telling = Telling()
    runners = RunnerPool(1, ["jobs"], 7.5, environment={}, telemetry=telling)
    await runners.start()
    run = a_run()
    assert await runners.execute(run) == Completed()
    (made,) = supervision.made
    assert (made.run, made.timeout_seconds, made.grace, made.telemetry) == (run, 2.5, 7.5, telling)
    assert made.runner in runners._runners
    await runners.stop()


async def test_secrets_in_what_is_kept_of_an_error_are_masked_and_nothing_else_is_changed(pretended):
    supervision = pretended[1]
    ends = iter([Failed("E", "no secret", "at secret"), Completed("secret"), Interrupted("secret")])

    async def outcome(self):
        return next(ends)

    supervision.outcome = outcome
    runners = RunnerPool(1, ["jobs"], environment={}, redact=lambda text: text.replace("secret", "***"))
    await runners.start()
    assert await runners.execute(a_run()) == Failed("E", "no ***", "at ***")
    assert await runners.execute(a_run()) == Completed("secret")
    assert await runners.execute(a_run()) == Interrupted("secret")
    await runners.stop()


async def test_a_kind_without_a_timeout_has_none_and_a_stopped_handler_ten_seconds(runners, pretended):
    await runners.execute(a_run())
    assert [(made.timeout_seconds, made.grace) for made in pretended[1].made] == [(None, 10.0)]


async def test_a_kind_that_is_not_loaded_fails_with_the_sorted_names_of_those_that_are(pretended):
    pretended[0].kinds = [
        KindMessage(
            kind=kind,
            parameters_schema={"title": kind},
            timeout_seconds=1,
            description=f"d {kind}",
            policy=POLICY,
        )
        for kind in "cab"
    ]
    runners = RunnerPool(1, ["jobs"], environment={})
    await runners.start()
    run = a_run(job=JobRow(job_id="j", kind="x", lock_name="l"))
    text = "no handler for kind 'x' is loaded here; loaded: a, b, c"
    assert await runners.execute(run) == Failed("UnknownKind", text)
    infos = runners.kinds()
    assert list(infos) == ["c", "a", "b"]
    assert infos["a"] == pool.KindInfo("a", {"title": "a"}, timedelta(seconds=1), "d a", POLICY)
    infos.clear()
    assert runners.kinds() != {}
    await runners.stop()


async def test_a_pool_without_kinds_says_so():
    outcome = await RunnerPool(1, ["jobs"], environment={}).execute(a_run())
    assert outcome == Failed("UnknownKind", "no handler for kind 'a' is loaded here; loaded: none")


@pytest.mark.parametrize(
    ("is_reusable", "is_alive", "is_idle"), [(True, True, True), (False, True, False), (True, False, False)]
)
async def test_only_a_living_runner_that_may_be_used_again_becomes_idle(
    runners, pretended, is_reusable, is_alive, is_idle
):
    supervision = pretended[1]
    supervision.is_reusable = is_reusable

    async def outcome(self):
        assert runners.idle == 1
        self.runner.is_alive = is_alive
        return Completed()

    supervision.outcome = outcome
    await runners.execute(a_run())
    assert runners.idle == (2 if is_idle else 1)


async def test_a_runner_that_is_to_be_replaced_runs_no_other_job(runners, pretended):
    pretended[1].replace_because = "it is too large"
    await runners.execute(a_run())
    await until(lambda: runners.alive == 2 and pretended[0].made == 3)
    assert pretended[1].made[0].runner.why == "it is too large"
    assert pretended[1].made[0].runner not in runners._runners


async def test_a_job_that_wants_a_fresh_process_gets_one_that_has_run_no_job(runners, pretended):
    runners._code.kinds["a"] = replace(runners._code.kinds["a"], wants_fresh_process=True)
    pretended[0].kinds = [pretended[0].kinds[0].model_copy(update={"wants_fresh_process": True})]
    used = set(runners._runners)
    pretended[0].is_fresh = True
    for runner in used:
        runner.is_fresh = False
    hold(pretended[1]).set()
    runners._start_timeout = 60
    async with asyncio.timeout(20):
        await runners.execute(a_run())
    assert pretended[1].made[0].runner not in used
    assert len([runner for runner in used if not runner.is_alive]) == 1


async def test_other_jobs_leave_fresh_processes_to_those_that_want_them(runners, pretended):
    fresh, used = runners._idle
    fresh.is_fresh = True
    for order in ([fresh, used], [used, fresh]):
        runners._idle._runners[:] = order
        await runners.execute(a_run())
        assert pretended[1].made[-1].runner is used


async def test_a_runner_whose_run_is_cancelled_is_kept_when_it_may_be_used_again(runners, pretended):
    hold(pretended[1])
    task = asyncio.create_task(runners.execute(a_run()))
    await until(lambda: runners.idle == 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert runners.idle == 2
    assert runners._supervisions == set()


async def test_more_runs_than_runners_wait_and_each_gets_one(runners, pretended):
    may_end = hold(pretended[1])
    tasks = [asyncio.create_task(runners.execute(a_run())) for _ in range(3)]
    await until(lambda: len(pretended[1].made) == 2)
    await look_again(runners)
    assert len(pretended[1].made) == 2
    assert len({made.runner for made in pretended[1].made}) == 2
    may_end.set()
    assert await asyncio.gather(*tasks) == [Completed("1")] * 3
    assert runners.idle == 2


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (StopReason.CANCELLED, Cancelled()),
        (StopReason.LOST, Lost()),
        (StopReason.SHUTDOWN, Interrupted("stopped before it began: shutdown", died=False)),
        (StopReason.DEADLINE, Interrupted("stopped before it began: deadline", died=False)),
    ],
)
@pytest.mark.parametrize("is_waiting", [True, False])
async def test_a_run_that_should_stop_before_it_has_a_runner_ends_as_its_reason_says(
    runners, pretended, reason, expected, is_waiting
):
    may_end = hold(pretended[1])
    stop = Stop()
    if is_waiting:
        others = [asyncio.create_task(runners.execute(a_run())) for _ in range(2)]
        await until(lambda: runners.idle == 0)
        task = asyncio.create_task(runners.execute(a_run(stop)))
        await look_again(runners)
        assert not task.done()
        stop.request(reason)
        async with asyncio.timeout(5):
            assert await task == expected
        may_end.set()
        await asyncio.gather(*others)
    else:
        stop.request(reason)
        assert await runners.execute(a_run(stop)) == expected
    assert not any(made.run.stop is stop for made in pretended[1].made)


@pytest.mark.parametrize(("now", "starts"), [(9.999, True), (10.0, False)])
async def test_a_run_does_not_start_at_its_soft_deadline(runners, pretended, monkeypatch, now, starts):
    monkeypatch.setattr(pool, "boot_time", lambda: now)
    outcome = await runners.execute(a_run(soft_deadline=lambda: 10.0))
    assert outcome == (Completed() if starts else Interrupted("stopped before it began: deadline"))


async def test_no_run_starts_while_deadlines_are_not_enforced(runners, pretended):
    runners._enforcer.is_ready = False
    assert runners.idle == 0
    task = asyncio.create_task(runners.execute(a_run()))
    await look_again(runners)
    await look_again(runners)
    assert not pretended[1].made
    runners._enforcer.is_ready = True
    assert runners.idle == 2
    runners._enforcer.on_ready()
    async with asyncio.timeout(0.2):
        assert await task == Completed()


async def test_a_run_waits_for_a_runner_exactly_as_long_as_a_start_may_take(runners, pretended, clock):
    may_end = hold(pretended[1])
    clock.now = 100.0
    runners._starts.succeeded_at = 90.0
    others = [asyncio.create_task(runners.execute(a_run())) for _ in range(2)]
    await look_again(runners)
    task = asyncio.create_task(runners.execute(a_run()))
    await look_again(runners)
    clock.now = 100.25
    await look_again(runners)
    assert not task.done()
    # While others start, its turn may come.
    runners._starts.succeeded_at = 100.25
    clock.now = 100.5
    await look_again(runners)
    assert not task.done()
    runners._start_timeout = 0.25
    await look_again(runners)
    assert await task == Interrupted("there was no runner for 0.25 s", died=False)
    may_end.set()
    await asyncio.gather(*others)


async def test_stopping_the_pool_abandons_runs_and_refuses_others(pretended):
    may_end = hold(pretended[1])
    runners = RunnerPool(1, ["jobs"], environment={})
    await runners.start()
    running = asyncio.create_task(runners.execute(a_run()))
    await until(lambda: pretended[1].made)
    waiting = asyncio.create_task(runners.execute(a_run()))
    await look_again(runners)
    await runners.stop()
    async with asyncio.timeout(0.2):
        assert await waiting == Interrupted("the worker is shutting down", died=False)
    assert pretended[1].made[0].is_abandoned
    assert pretended[1].made[0].runner.has_ended
    assert runners._enforcer.is_stopped
    may_end.set()
    await running
    assert await runners.execute(a_run()) == Interrupted("the worker is shutting down")
