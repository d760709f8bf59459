"""How pools start, fail to start, recover and end."""

import asyncio
import logging

import pytest
from tests.integration.execution.rig import JOBS, ROOT, FakeRun, enforcer, environment, is_alive, runners
from tests.waiting import until

from coordination.outcomes import Completed, Interrupted
from worker.execution import RunnerPool, RunnerStartError
from worker.execution.errors import CodeChangedError

pytestmark = pytest.mark.integration


def with_module(folder, text):
    (folder / "written_jobs.py").write_text(text)
    return {**environment(), "PYTHONPATH": f"{folder}:{ROOT}"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import no_such_thing", "cannot be imported: ModuleNotFoundError: No module named 'no_such_thing'"),
        ("from turnstile import job\n@job('a')\nasync def a(): ...", "DefinitionError: kind 'a' "),
        ("import sys; sys.exit(4)", "SystemExit: 4"),
        ("", "defines no jobs"),
    ],
)
async def test_a_jobs_module_that_cannot_be_used_is_named_with_the_reason(tmp_path, text, reason):
    pool = RunnerPool(2, [JOBS, "written_jobs"], environment=with_module(tmp_path, text))
    with pytest.raises(RunnerStartError, match=rf"'written_jobs' .*{reason}"):
        await pool.start()
    await pool.stop()


async def test_a_jobs_module_that_ends_the_process_is_told_too(tmp_path):
    pool = RunnerPool(1, ["written_jobs"], environment=with_module(tmp_path, "import os; os._exit(9)"))
    with pytest.raises(RunnerStartError, match=r"exited with code 9 before it had loaded the jobs modules"):
        await pool.start()


async def test_a_jobs_module_that_hangs_is_given_up_on(tmp_path):
    environ = with_module(tmp_path, "import time; time.sleep(600)")
    pool = RunnerPool(1, ["written_jobs"], environment=environ, start_timeout_seconds=1)
    with pytest.raises(RunnerStartError, match="within 1 s; set TURNSTILE_RUNNER_START_SECONDS"):
        await pool.start()


async def test_a_runner_that_cannot_be_replaced_now_is_replaced_later(tmp_path, caplog):
    obstacle = tmp_path / "obstacle"
    text = f"""
import os
from turnstile import job
if os.path.exists({str(obstacle)!r}):
    1 / 0
@job("a")
async def a(ctx):
    if ctx.attempt == 1:
        os._exit(1)
    return 1
"""
    pool = RunnerPool(1, ["written_jobs"], environment=with_module(tmp_path, text))
    await pool.start()
    obstacle.touch()
    assert isinstance(await FakeRun("a").on(pool), Interrupted)
    await until(lambda: "runner start failed" in caplog.messages)
    obstacle.unlink()
    assert await FakeRun("a", attempt=2).on(pool) == Completed("1")
    await pool.stop()


async def test_a_pool_runs_one_version_of_the_code(tmp_path):
    text = "import os\nfrom turnstile import job\n"
    text += "@job('die')\nasync def die(ctx): os._exit(1)\n@job('v')\nasync def v(ctx): return 1\n"
    pool = RunnerPool(2, ["written_jobs"], environment=with_module(tmp_path, text))
    await pool.start()
    await until(lambda: pool.alive == 2)
    watching = asyncio.create_task(pool.watch(lambda: None))
    with_module(tmp_path, text.replace("return 1", "return 22"))
    assert isinstance(await FakeRun("die").on(pool), Interrupted)
    assert await FakeRun("v").on(pool) == Completed("1")
    with pytest.raises(CodeChangedError, match=r"written_jobs\.py has changed"):
        await watching
    assert await FakeRun("v").on(pool) == Completed("1")
    await pool.stop()


async def test_stopping_the_pool_interrupts_what_runs_and_leaves_no_process(caplog):
    caplog.set_level(logging.INFO)
    pool = RunnerPool(2, [JOBS], environment=environment())
    await pool.start()
    run = FakeRun("swallows-cancel")
    task = await run.started_on(pool)
    pids = [*runners(pool), *filter(None, [enforcer(pool)])]
    await pool.stop()
    assert await task == Interrupted("the worker is shutting down")
    assert not any(is_alive(pid) for pid in pids)
    assert pool.alive == 0
    await pool.stop()
    assert await FakeRun("echo").on(pool) == Interrupted("the worker is shutting down")


async def test_more_runs_than_runners_wait_for_one():
    pool = RunnerPool(1, [JOBS], environment=environment())
    await pool.start()
    outcomes = await asyncio.gather(*(FakeRun("echo").on(pool) for _ in range(20)))
    assert all(isinstance(outcome, Completed) for outcome in outcomes)
    await pool.stop()


def test_a_pool_without_runners_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        RunnerPool(0, [JOBS])
