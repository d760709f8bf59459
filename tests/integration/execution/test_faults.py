"""Handlers that misbehave: each ends as it should, and the pool goes on."""

import asyncio
import logging
import os
import time
from statistics import median

import pytest
import pytest_asyncio
from tests.integration.execution.rig import FakeRun, is_alive
from tests.waiting import until

from contracts.telemetry import attributes as at
from coordination.outcomes import Completed, Failed, Interrupted, StopReason

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def the_pool_heals(pool):
    """After every fault the pool has both its runners again and runs jobs."""
    yield
    await until(lambda: pool.idle == 2)
    assert await FakeRun("echo", {"number": 5}).on(pool)


async def test_a_handler_that_raises_fails_with_type_and_message(pool, caplog):
    outcome = await FakeRun("raises").on(pool)
    assert isinstance(outcome, Failed)
    assert (outcome.type, outcome.message) == ("RuntimeError", "out of order")
    assert "misbehaving_jobs.py" in outcome.traceback
    assert outcome.traceback.endswith("RuntimeError: out of order\n")
    record = next(record for record in caplog.records if record.getMessage() == "handler raised")
    assert "misbehaving_jobs.py" in getattr(record, at.EXCEPTION_STACKTRACE)
    assert getattr(record, at.JOB_ID) == "job-raises"


async def test_secrets_in_a_handlers_error_are_masked_in_its_message_and_its_traceback(pool):
    outcome = await FakeRun("raises-with-a-secret").on(pool)
    assert isinstance(outcome, Failed)
    assert outcome.message == (
        "cannot reach postgres://app:***@db/, caused by ConnectionError: AccountName=a;AccountKey=***;x=1"
    )
    assert "postgres://app:***@db/" in outcome.traceback
    assert "AccountKey=***;x=1" in outcome.traceback
    assert "canary" not in outcome.traceback


async def test_a_clean_failure_has_its_reason_and_no_traceback(pool, caplog):
    assert await FakeRun("fails-cleanly").on(pool) == Failed("FailJob", "no such account")
    assert "handler raised" not in caplog.messages


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("system-exit", ("SystemExit", "enough")),
        ("system-exit-in-task", ("SystemExit", "from a task")),
        ("sync-keyboard-interrupt", ("KeyboardInterrupt", "KeyboardInterrupt without a message")),
    ],
)
async def test_an_attempt_to_end_the_process_politely_fails_the_job(pool, kind, expected):
    outcome = await FakeRun(kind).on(pool)
    assert isinstance(outcome, Failed)
    assert (outcome.type, outcome.message) == expected
    assert "misbehaving_jobs.py" in outcome.traceback


@pytest.mark.parametrize(
    ("kind", "how"),
    [
        ("os-exit", "exited with code 3"),
        ("segfault", "was killed by signal SIGSEGV"),
        ("kills-itself", "was killed by signal SIGKILL"),
        ("closes-everything", "closed its connection"),
    ],
)
async def test_a_runner_that_dies_interrupts_the_job_and_counts_as_a_death(pool, kind, how):
    assert await FakeRun(kind).on(pool) == Interrupted(f"the runner process {how}", died=True)


async def test_a_death_is_seen_while_a_fork_holds_the_connection_open(pool):
    outcome = await FakeRun("forks").on(pool)
    assert outcome == Interrupted("the runner process exited with code 5", died=True)


async def test_memory_beyond_the_limit_fails_the_job(pool):
    outcome = await FakeRun("allocates").on(pool)
    assert isinstance(outcome, Failed)
    assert outcome.type == "MemoryError"


async def test_memory_taken_by_c_code_kills_only_the_runner(pool):
    outcome = await FakeRun("allocates-in-c").on(pool)
    assert outcome == Interrupted("the runner process was killed by signal SIGABRT", died=True)


@pytest.mark.parametrize("kind", ["blocks-loop", "spins-in-c", "floods-output", "floods-log", "sync-deaf"])
async def test_the_supervisor_stays_responsive_and_another_job_runs(pool, kind, caplog):
    caplog.set_level(logging.INFO)
    bad = FakeRun(kind)
    task = await bad.started_on(pool)
    # Processor time of this thread, which does not depend on how busy the machine is.
    busy = []
    for _ in range(20):
        began = time.thread_time()
        await asyncio.sleep(0.01)
        busy.append(time.thread_time() - began)
    assert isinstance(await FakeRun("echo").on(pool), Completed)
    assert not task.done()
    assert median(busy) < 0.02
    bad.stop.request(StopReason.CANCELLED)
    await task


@pytest.mark.parametrize(
    ("number", "reason"),
    [(1, "sent a frame of"), (0, "sent a malformed message: {'type': 'union_tag_not_found'")],
)
async def test_nonsense_on_the_wire_kills_the_runner_only(pool, number, reason):
    outcome = await FakeRun("writes-to-the-wire", {"number": number}).on(pool)
    assert isinstance(outcome, Interrupted)
    assert outcome.died
    assert reason in outcome.reason


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("too-large-result", "the result has 300,002 bytes; at most 262,144 are kept"),
        ("too-large-step", "the result of step 'load' has 300,002 bytes; at most 262,144 are kept"),
        ("not-json", "the result is not JSON"),
    ],
)
async def test_a_result_that_cannot_be_kept_fails_the_job(pool, kind, reason):
    outcome = await FakeRun(kind).on(pool)
    assert isinstance(outcome, Failed)
    assert (outcome.type, outcome.message[: len(reason)]) == ("NotStorableError", reason)


async def test_the_largest_step_state_and_result_fit_the_wire(pool):
    run = FakeRun("largest-step")
    assert isinstance(await run.on(pool), Completed)
    assert len(run.steps[0].state or "") == 2 * 131_000 + 2


@pytest.mark.parametrize("kind", ["leaves-grandchild", "leaves-orphan"])
async def test_processes_left_behind_are_dead_before_the_job_has_ended(pool, kind, tmp_path):
    assert isinstance(await FakeRun(kind, {"folder": str(tmp_path)}).on(pool), Completed)
    grandchild, runner = map(int, (tmp_path / "grandchild").read_text().split())
    assert not is_alive(grandchild)
    assert not is_alive(runner)


@pytest.mark.parametrize("kind", ["leaves-thread", "leaves-to-thread"])
async def test_threads_left_behind_end_with_their_runner(pool, kind):
    outcome = await FakeRun(kind).on(pool)
    assert not is_alive(int(outcome.result))


@pytest.mark.parametrize("kind", ["leaves-task", "to-thread"])
async def test_what_can_be_ended_or_has_ended_leaves_the_runner_in_use(pool, kind):
    outcome = await FakeRun(kind).on(pool)
    assert is_alive(int(outcome.result))


async def test_what_a_handler_prints_is_logged_with_its_job(pool, caplog):
    caplog.set_level(logging.INFO)
    await FakeRun("prints").on(pool)
    lines = [record for record in caplog.records if record.name == "turnstile.output"]
    assert {getattr(record, at.JOB_ID) for record in lines} == {"job-prints"}
    texts = [record.getMessage() for record in lines]
    assert texts == ["hello from the handler", "x" * 8192 + "…", "from a child", "no newline"]


async def test_what_a_handler_logs_carries_the_runs_identity(pool, caplog):
    caplog.set_level(logging.INFO)
    await FakeRun("logs").on(pool)
    half, careful = (record for record in caplog.records if record.getMessage() in {"half way", "careful"})
    assert (half.name, half.share) == ("turnstile.jobs.logs", 0.5)
    assert (getattr(half, at.JOB_ID), getattr(half, at.LOCK_FENCE)) == ("job-logs", 7)
    assert (careful.name, careful.levelname, careful.odd) == ("some.library", "WARNING", "{1, 2}")


async def test_credentials_are_not_in_a_runners_environment(pool):
    outcome = await FakeRun("environment").on(pool)
    assert "PYTHONPATH" in outcome.result
    assert "TURNSTILE_RABBITMQ_URL" not in outcome.result
    assert "AZURE_CLIENT_SECRET" not in outcome.result
    assert "TURNSTILE_RABBITMQ_URL" not in os.environ
