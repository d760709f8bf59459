"""Jobs one after the other in one runner: none changes the world of the next, and none fails the next."""

import json

import pytest
from tests.integration.execution.rig import FakeRun, environment, runners
from tests.waiting import until

from contracts.telemetry import attributes as at
from coordination.outcomes import Completed, StopReason
from worker.execution import RunnerPool

pytestmark = pytest.mark.integration

JOBS = "tests.integration.execution.changing_jobs"


@pytest.fixture
async def pool():
    pool = RunnerPool(
        1,
        [JOBS],
        cancel_grace_seconds=0.3,
        memory_limit_bytes=512 * 1024 * 1024,
        environment=environment(),
    )
    await pool.start()
    yield pool
    await pool.stop()


async def result(pool, kind, **parameters):
    outcome = await FakeRun(kind, parameters).on(pool)
    assert isinstance(outcome, Completed), outcome
    return json.loads(outcome.result)


async def test_a_migration_changes_nothing_for_the_next_job(pool, caplog):
    caplog.set_level("INFO")
    before = await result(pool, "looks")
    assert await result(pool, "migrates") == before[0]
    assert await result(pool, "looks") == before
    assert caplog.messages.count("looked") == 2
    await FakeRun("hangs").stopped_on(pool, StopReason.CANCELLED)
    assert any("most recent call first" in line for line in caplog.messages)


async def test_forked_processes_that_log_leave_the_runner_at_rest_and_their_lines_arrive_or_are_counted(
    pool, caplog
):
    caplog.set_level("INFO")
    assert await result(pool, "process-pool") == [0, 1, 2, 3]
    pid, seconds = await result(pool, "idle-second")
    assert {pid} == runners(pool)
    assert seconds < 0.3

    def count():
        arrived = sum("INFO crunch: row" in line for line in caplog.messages)
        dropped = sum(vars(record).get(at.DROPPED, 0) for record in caplog.records)
        return arrived + dropped

    await until(lambda: count() == 4800)
    assert any("INFO crunch: row" in line for line in caplog.messages)


async def test_a_forked_process_that_returns_from_the_handler_ends_and_says_nothing(pool, caplog):
    caplog.set_level("INFO")
    assert await result(pool, "forks-and-returns") == 0
    await until(lambda: "WARNING child: from the child" in caplog.messages)
    assert "handler raised" not in caplog.messages


async def test_a_forked_process_cannot_use_the_context(pool, caplog):
    caplog.set_level("INFO")
    assert await result(pool, "forks-in-a-thread") == 1
    await until(lambda: any("ForkedError" in line for line in caplog.messages))


async def test_a_leak_does_not_fail_the_next_job(pool, caplog):
    caplog.set_level("INFO")
    kept = [await result(pool, "leaks") for _ in range(4)]
    assert kept == [1, 2, 1, 2]
    assert await result(pool, "innocent") == 150 * 1024 * 1024
    reasons = [str(vars(record)) for record in caplog.records if record.message == "runner exited"]
    assert any("after a job of kind 'leaks', more than" in reason for reason in reasons)


async def test_a_kind_with_fresh_processes_shares_none(pool):
    pids = [(await result(pool, "looks"))[0], await result(pool, "alone"), await result(pool, "alone")]
    pids.append((await result(pool, "looks"))[0])
    assert len(set(pids)) == 4


async def test_exit_handlers_run_at_an_orderly_end(pool, tmp_path):
    await result(pool, "registers", file=str(tmp_path / "note"))
    await pool.stop()
    assert (tmp_path / "note").read_text() == "flushed"
