"""How a pool starts and replaces runners, with runners that only pretend."""

import asyncio
import logging
import os

import pytest
from tests.unit.execution.pretending import Telling, a_run
from tests.waiting import until

from contracts.telemetry import attributes as at
from coordination.outcomes import Completed
from worker.execution import RunnerPool, RunnerStartError, pool
from worker.execution.errors import CodeChangedError
from worker.execution.messages import KindMessage


async def settle():
    for _ in range(10):
        await asyncio.sleep(0)


def known(kind):
    return [KindMessage(kind=kind, parameters_schema={}, timeout_seconds=None, description="")]


@pytest.mark.parametrize("size", [1, 3])
async def test_a_pool_has_as_many_runners_as_its_size_and_waits_for_the_first(pretended, size):
    runner, _ = pretended
    first = []
    may_start = asyncio.Event()

    async def start(self):
        if first:
            await may_start.wait()
        first.append(self)

    runner.while_starting = start
    runners = RunnerPool(size, ["jobs"], environment={}, starts_at_once=8)
    await runners.start()
    assert (runners.alive, runners.idle, runners.size) == (1, 1, size)
    may_start.set()
    await until(lambda: runners.alive == size)
    await settle()
    assert (runner.made, runners.idle, runners.places) == (size, size, size)
    await runners.stop()


@pytest.mark.parametrize("size", [0, -1])
def test_a_pool_has_at_least_one_runner(size):
    with pytest.raises(ValueError, match="at least one"):
        RunnerPool(size, ["jobs"], environment={})


@pytest.mark.parametrize(("asked", "processors", "at_once"), [(2, 8, 2), (None, 3, 3), (None, None, 1)])
async def test_so_many_runners_load_their_jobs_at_the_same_time(
    pretended, monkeypatch, asked, processors, at_once
):
    monkeypatch.setattr(pool.os, "cpu_count", lambda: processors)
    runner, _ = pretended
    loading = []
    may_start = asyncio.Event()

    async def start(self):
        loading.append(self)
        await may_start.wait()

    runners = RunnerPool(6, ["jobs"], environment={}, starts_at_once=asked)
    await runners.start()
    runner.while_starting = start
    await until(lambda: len(loading) >= at_once)
    await settle()
    assert len(loading) == at_once
    may_start.set()
    await until(lambda: runners.alive == 6)
    await runners.stop()


async def test_runners_get_the_pools_options_without_credentials(pretended):
    environment = {"PATH": "/bin", "AZURE_CLIENT_SECRET": "s"}
    runners = RunnerPool(
        1,
        ["jobs", "more"],
        memory_limit_bytes=5,
        environment=environment,
        start_timeout_seconds=4.0,
        log_level=logging.WARNING,
        is_traced=True,
    )
    await runners.start()
    (runner,) = runners._runners
    options = runner.options
    assert (options.jobs_modules, options.memory_limit_bytes) == (("jobs", "more"), 5)
    assert (options.environment, options.log_level, options.is_traced) == ({"PATH": "/bin"}, 30, True)
    assert runner.start_timeout == runners._enforcer.start_timeout == 4.0
    await runners.stop()


async def test_by_default_runners_see_this_processs_environment_and_have_half_a_minute(
    pretended, monkeypatch
):
    monkeypatch.setenv("SEEN_BY_JOBS", "yes")
    monkeypatch.setenv("RABBITMQ_PASSWORD", "no")
    runners = RunnerPool(1, ["jobs"])
    await runners.start()
    (runner,) = runners._runners
    assert runner.options.environment["SEEN_BY_JOBS"] == "yes"
    assert "RABBITMQ_PASSWORD" not in runner.options.environment
    assert "RABBITMQ_PASSWORD" in os.environ
    options = runner.options
    assert (options.memory_limit_bytes, options.log_level, options.is_traced) == (None, 20, False)
    assert runner.start_timeout == 60.0
    await runners.stop()


@pytest.mark.parametrize(("is_unwanted", "end", "level"), [(False, "died", 30), (True, "ended", 20)])
async def test_a_runner_that_is_gone_is_told_of_and_replaced(pretended, caplog, is_unwanted, end, level):
    caplog.set_level(logging.INFO)
    telling = Telling()
    runners = RunnerPool(1, ["jobs"], environment={}, telemetry=telling)
    await runners.start()
    (old,) = runners._runners
    old.is_unwanted = is_unwanted
    old.die()
    assert (runners.alive, runners.idle) == (0, 0)
    await until(lambda: runners.idle == 1)
    (new,) = runners._runners
    assert (new is old, telling.ends) == (False, [end])
    (record,) = [record for record in caplog.records if record.getMessage() == "runner exited"]
    assert (record.levelno, getattr(record, at.RUNNER_PID)) == (level, old.pid)
    assert getattr(record, at.REASON) == "died"
    await runners.stop()


async def test_a_runner_that_dies_at_work_is_replaced_and_not_used_again(runners, pretended):
    async def outcome(self):
        self.runner.die()
        return Completed()

    pretended[1].outcome = outcome
    await runners.execute(a_run())
    (dead,) = [made.runner for made in pretended[1].made]
    await until(lambda: runners.idle == 2)
    assert dead not in runners._runners
    assert pretended[0].made == 3


async def test_a_runner_that_dies_while_the_pool_stops_is_not_replaced(pretended):
    telling = Telling()
    runners = RunnerPool(1, ["jobs"], environment={}, telemetry=telling)
    await runners.start()
    (runner,) = runners._runners

    async def end():
        runner.die()

    runner.end = end
    await runners.stop()
    await settle()
    assert (pretended[0].made, telling.ends) == (1, [])


async def test_a_runner_that_dies_before_it_has_started_is_told_by_its_start_alone(pretended, caplog):
    telling = Telling()
    runners = RunnerPool(2, ["jobs"], environment={}, telemetry=telling)
    await runners.start()
    fails = [True]

    async def start(self):
        if fails.pop():
            self.die()

    pretended[0].while_starting = start
    await until(lambda: "runner start failed" in caplog.messages)
    (record,) = caplog.records
    assert getattr(record, at.REASON) == "died"
    assert telling.ends == []
    fails.append(False)
    await until(lambda: runners.idle == 2)
    assert pretended[0].made == 3
    await runners.stop()


async def test_a_start_that_the_pools_stop_cuts_off_leaves_no_runner(pretended):
    starting = []

    async def start(self):
        starting.append(self)
        await asyncio.Event().wait()

    runners = RunnerPool(2, ["jobs"], environment={})
    await runners.start()
    pretended[0].while_starting = start
    await until(lambda: starting)
    await runners.stop()
    assert starting[0].has_ended


async def test_a_pool_whose_first_runner_does_not_start_ends_the_deadline_enforcer_and_raises(pretended):
    async def start(self):
        raise RunnerStartError("no such module")

    pretended[0].while_starting = start
    runners = RunnerPool(2, ["jobs"], environment={})
    with pytest.raises(RunnerStartError, match="no such module"):
        await runners.start()
    assert runners._enforcer.is_stopped
    assert pretended[0].made == 1


async def test_stopping_a_pool_twice_or_before_its_start_does_nothing(pretended):
    runners = RunnerPool(1, ["jobs"], environment={})
    await runners.stop()
    await runners.start()
    await runners.stop()
    runners._enforcer.is_stopped = False
    await runners.stop()
    assert not runners._enforcer.is_stopped


async def test_a_runner_with_other_kinds_does_not_join_the_pool(pretended, caplog):
    runners = RunnerPool(1, ["jobs"], environment={})
    pretended[0].kinds = known("a")
    await runners.start()
    next(iter(runners._runners)).die()
    await until(lambda: runners.idle == 1)
    pretended[0].kinds = known("c") + known("b")
    next(iter(runners._runners)).die()
    await until(lambda: "runner start failed" in caplog.messages)
    (record,) = [record for record in caplog.records if record.getMessage() == "runner start failed"]
    assert "other kinds than the first one, now: b, c. " in getattr(record, at.REASON)
    assert (list(runners.kinds()), runners.alive) == (["a"], 0)
    await runners.stop()


@pytest.mark.parametrize("when", ["before", "meanwhile"])
async def test_a_runner_with_other_code_does_not_join_the_pool_and_the_worker_learns_of_it(
    pretended, tmp_path, monkeypatch, when
):
    monkeypatch.setattr(pool, "_WATCH_SECONDS", 0.01)
    file = tmp_path / "jobs.py"
    file.write_text("1")
    pretended[0].files = (str(file),)
    runners = RunnerPool(2, ["jobs"], environment={})
    await runners.start()
    await until(lambda: runners.alive == 2)
    made = pretended[0].made
    watching = asyncio.create_task(runners.watch(lambda: None))

    async def change(self):
        file.write_text("another")

    if when == "before":
        await change(None)
    else:
        pretended[0].while_starting = change
    next(iter(runners._runners)).die()
    with pytest.raises(CodeChangedError, match=r"jobs\.py has changed since this worker has loaded it"):
        await asyncio.wait_for(watching, 5)
    assert (runners.alive, pretended[0].made - made) == (1, 0 if when == "before" else 1)
    await runners.stop()


async def test_a_runner_that_has_started_wakes_a_run_that_waits(pretended):
    may_start = asyncio.Event()

    async def start(self):
        await may_start.wait()

    runners = RunnerPool(1, ["jobs"], environment={}, start_timeout_seconds=60)
    await runners.start()
    pretended[0].while_starting = start
    next(iter(runners._runners)).die()
    task = asyncio.create_task(runners.execute(a_run()))
    await settle()
    may_start.set()
    async with asyncio.timeout(0.2):
        assert await task == Completed()
    await runners.stop()


@pytest.mark.usefixtures("pretended")
@pytest.mark.parametrize("is_withheld", [True, False])
async def test_a_pool_logs_once_which_variables_handlers_do_not_see(caplog, is_withheld):
    caplog.set_level("INFO")
    hidden = {"AZURE_B": "secret", "AZURE_A": "secret"} if is_withheld else {}
    runners = RunnerPool(2, ["jobs"], environment={"PLAIN": "1", **hidden})
    await runners.start()
    await until(lambda: runners.alive == 2)
    await runners.stop()
    message = "environment variables withheld from handlers"
    found = [vars(record)[at.WITHHELD] for record in caplog.records if record.message == message]
    assert found == (["AZURE_A, AZURE_B"] if is_withheld else [])
    assert "secret" not in caplog.text
