"""Runs on real runners: results, steps, state, progress, reuse."""

import asyncio
import json

import pytest
from tests.integration.execution import misbehaving_jobs
from tests.integration.execution.rig import FakeRun, busy_runners, is_alive
from tests.waiting import until

from contracts.policies import RetryPolicy
from coordination.holder.runs import StepRecord
from coordination.outcomes import Completed, Failed, Interrupted, Lost, StopReason
from coordination.ports import CoordinationError, InvalidTransactionError
from turnstile import kind_of
from turnstile.testing import InMemoryChannel, run_job

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]


async def test_kinds_are_known_without_importing_the_jobs(pool):
    echo, brief = pool.kinds()["echo"], pool.kinds()["sleeps-briefly"]
    assert echo.parameters_schema["properties"]["number"]["minimum"] == 0
    assert (echo.timeout, echo.description) == (None, "Give back what it got.")
    assert brief.timeout.total_seconds() == 0.3


async def test_a_runner_is_used_again(pool):
    seen = [json.loads((await FakeRun("echo").on(pool)).result)["pid"] for _ in range(20)]
    assert len(set(seen)) == 1


async def test_the_handler_gets_its_parameters_attempt_and_fence(pool):
    outcome = await FakeRun("echo", {"number": 42}, attempt=3).on(pool)
    result = json.loads(outcome.result)
    assert (result["number"], result["attempt"], result["fence"]) == (42, 3, 7)
    assert (result["properties"], result["progress"]) == ({}, [None, None])


async def test_the_handler_gets_its_properties_and_how_far_the_last_attempt_came(pool):
    run = FakeRun("echo", properties='{"tenant":"acme"}', progress=(3.0, 8.0))
    result = json.loads((await run.on(pool)).result)
    assert (result["properties"], result["progress"]) == ({"tenant": "acme"}, [3.0, 8.0])


async def test_an_unknown_kind_fails_and_names_the_known_ones(pool):
    outcome = await FakeRun("no-such-kind").on(pool)
    assert isinstance(outcome, Failed)
    assert outcome.type == "UnknownKind"
    assert outcome.message.startswith(
        "no handler for kind 'no-such-kind' is loaded here; loaded: allocates, "
    )


async def test_a_kind_says_when_its_jobs_are_tried_again(pool):
    assert pool.kinds()["echo"].policy.retry is None
    assert pool.kinds()["comes-back"].policy.retry == RetryPolicy(
        4,
        5.0,
        "exponential",
        3600.0,
        0.5,
        ("KeyError", "json.decoder.JSONDecodeError"),
        hold_place=False,
    )


async def test_a_failed_attempt_says_what_was_raised_and_when_it_wants_to_come_back(pool):
    failed = await FakeRun("comes-back", {"number": 0}).on(pool)
    assert failed.error_classes[:3] == ("FileNotFoundError", "OSError", "Exception")
    assert failed.retry_after is None
    later = await FakeRun("comes-back", {"number": 30}).on(pool)
    assert (later.type, later.retry_after) == ("RetryLater", 30.0)
    assert (await FakeRun("no-such-kind").on(pool)).error_classes == ()


async def test_wrong_parameters_fail_with_the_fields_name(pool):
    outcome = await FakeRun("echo", {"number": "many"}).on(pool)
    assert outcome.type == "InvalidParameters"
    assert outcome.message.startswith("number: Input should be a valid integer")


@pytest.mark.parametrize("kind", ["steps", "sync-steps"])
async def test_steps_are_recorded_in_order_and_progress_reported(pool, kind):
    run = FakeRun(kind, {"number": 3})
    assert await run.on(pool) == Completed("[1,4,9]")
    assert [step.result for step in run.steps] == ["1", "4", "9"]
    assert run.reports[-1] == (3, 3, "")


async def test_recorded_steps_are_skipped(pool):
    run = FakeRun("steps", {"number": 3}, recorded=[StepRecord("square", "10"), StepRecord("square#2", "20")])
    assert await run.on(pool) == Completed("[10,20,9]")
    assert [step.name for step in run.steps] == ["square#3"]


async def test_state_and_step_are_written_together(pool):
    run = FakeRun("sync-steps", {"number": 2})
    await run.on(pool)
    assert [step.state for step in run.steps] == ['{"at":1}', '{"at":2}']
    assert run.states == []


async def test_saved_state_reaches_the_next_attempt(pool):
    first = FakeRun("state")
    assert await first.on(pool) == Completed("null")
    assert await first.next_attempt().on(pool) == Completed('{"attempt":1}')


async def test_a_step_sent_before_the_runner_died_is_recorded_and_not_repeated(pool):
    first = FakeRun("step-then-os-exit")
    assert await first.on(pool) == Interrupted("the runner process exited with code 3", died=True)
    assert [step.name for step in first.steps] == ["first"]
    second = first.next_attempt()
    assert await second.on(pool) == Completed('"done"')
    assert second.steps == []


async def test_the_handler_waits_until_a_step_is_committed(pool):
    run = FakeRun("sync-steps", {"number": 2})
    run.may_write.clear()
    task = await run.started_on(pool)
    # Another job on the other runner takes longer than an answer would.
    for _ in range(20):
        assert isinstance(await FakeRun("echo").on(pool), Completed)
    assert not task.done()
    assert {step for _, _, step in run.reports} <= {"step 1", ""}
    assert (1, 2, "") not in run.reports
    run.may_write.set()
    assert await task == Completed("[1,4]")
    assert run.reports[-1] == (2, 2, "")


async def test_a_run_that_may_not_write_any_more_is_lost_and_its_runner_dead(pool):
    class FencedError(CoordinationError):
        pass

    def refuse():
        raise FencedError("someone has taken over")

    run = FakeRun("steps", {"number": 100}, before_write=refuse)
    assert await run.on(pool) == Lost()
    assert run.steps == []
    await until(lambda: pool.idle == 2)


async def test_a_step_that_can_never_be_stored_fails_the_job_with_the_reason(pool):
    def refuse():
        raise InvalidTransactionError("too large for a transaction")

    outcome = await FakeRun("sync-steps", {"number": 1}, before_write=refuse).on(pool)
    assert isinstance(outcome, Failed)
    assert (outcome.type, outcome.message) == ("NotRecordedError", "too large for a transaction")


async def test_a_million_reports_become_a_few_and_the_last_one_counts(pool):
    run = FakeRun("floods-progress", {"number": 100_000})
    await run.on(pool)
    assert run.reports[-1] == (100_000, 100_000, "")
    assert len(run.reports) < 100


async def test_a_run_that_should_stop_does_not_start(pool):
    run = FakeRun("echo")
    run.stop.request(StopReason.SHUTDOWN)
    assert await run.on(pool) == Interrupted("stopped before it began: shutdown")
    assert isinstance(await FakeRun("echo", soft=0).on(pool), Interrupted)


async def test_cancelling_execute_kills_the_runner(pool):
    run = FakeRun("sleeps")
    task = await run.started_on(pool)
    busy = busy_runners(pool)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not any(is_alive(pid) for pid in busy)
    await until(lambda: pool.idle == 2)


@pytest.mark.parametrize(
    ("handler", "parameters"),
    [
        (misbehaving_jobs.steps, {"number": 3}),
        (misbehaving_jobs.sync_steps, {"number": 3}),
        (misbehaving_jobs.state, {}),
        (misbehaving_jobs.nothing, {}),
    ],
)
async def test_an_attempt_in_a_test_is_as_one_on_a_runner(pool, handler, parameters):
    channel = InMemoryChannel()
    run = FakeRun(kind_of(handler).name, parameters)
    for _ in range(2):
        result = await run_job(handler, parameters, channel=channel)
        assert await run.on(pool) == Completed(json.dumps(result, separators=(",", ":")))
        left = run.next_attempt()
        assert {step.name: step.result for step in left.recorded} == channel.recorded
        assert left.state == channel.state
        assert run.reports[-1:] == channel.reports[-1:]
        run = left
