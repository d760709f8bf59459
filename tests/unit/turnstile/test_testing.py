"""What authors test their handlers with: attempts over a channel in memory."""

import threading

import pytest
from tests.unit.turnstile.trying import Position, run

from turnstile import (
    DefinitionError,
    FailJob,
    InvalidParametersError,
    JobContext,
    NotStorableError,
    SyncJobContext,
    job,
)
from turnstile.testing import InMemoryChannel, run_job


@job("move")
async def move(ctx: JobContext, parameters: Position):
    return {"to": parameters.at, "attempt": ctx.attempt}


@pytest.mark.parametrize("parameters", [{"at": 3}, Position(at=3)])
async def test_parameters_are_a_model_or_what_a_model_is_made_of(parameters):
    assert await run_job(move, parameters) == {"to": 3, "attempt": 1}


@pytest.mark.parametrize("parameters", [None, {"at": "x"}, {}])
async def test_parameters_that_do_not_fit_are_refused_as_a_worker_refuses_them(parameters):
    with pytest.raises(InvalidParametersError, match=r"^at: "):
        await run_job(move, parameters)


async def test_each_call_with_one_channel_is_the_next_attempt(channel):
    async def body(ctx: JobContext):
        if ctx.attempt == 2:
            raise FailJob("not now")
        return ctx.attempt, ctx.interruptions, ctx.fence

    assert await run(body, channel, fence=5) == [1, 0, 5]
    with pytest.raises(FailJob, match="not now"):
        await run(body, channel, fence=5)
    assert await run(body, channel, fence=5) == [3, 2, 7]
    assert channel.attempts == 3


async def test_an_attempt_knows_how_far_the_last_one_came_and_what_its_submission_says(channel):
    async def body(ctx: JobContext):
        seen = ctx.last_progress_value, ctx.last_progress_limit
        ctx.progress(ctx.attempt, 9)
        ctx.progress(ctx.attempt + 1)
        return [*seen, ctx.properties]

    assert await run(body, channel) == [None, None, {}]
    assert await run(body, channel, properties={"tenant": "acme"}) == [2, 9, {"tenant": "acme"}]
    assert await run(body, channel) == [3, 9, {}]


async def test_calls_without_a_channel_know_nothing_of_each_other():
    async def body(ctx: JobContext):
        await ctx.save_state(1)
        return ctx.attempt, await ctx.run_step("load", lambda: ctx.attempt)

    tried = job("tried")(body)
    assert await run_job(tried) == await run_job(tried) == [1, 1]


async def test_a_run_has_an_identity_without_being_given_one(channel):
    async def body(ctx: JobContext):
        return ctx.job_id, ctx.kind, ctx.lock, ctx.fence

    assert await run(body, channel) == ["00000000-0000-7000-8000-000000000000", "tried", "default", 1]


async def test_the_next_attempt_finds_steps_and_the_state_that_came_with_them(channel):
    async def body(ctx: JobContext):
        found = ctx.state, sorted(channel.recorded)
        async with ctx.step(f"step {ctx.attempt}"):
            await ctx.save_state(ctx.attempt)
        return found

    assert await run(body, channel) == [None, []]
    assert await run(body, channel) == [1, ["step 1"]]


async def test_a_fault_after_a_step_finds_it_recorded_with_its_state(channel):
    def look(step):
        seen.append((step.name, step.state, channel.state, list(channel.recorded)))

    seen: list[object] = []
    channel.after_step = look

    async def body(ctx: JobContext):
        async with ctx.step("load"):
            await ctx.save_state("s")

    await run(body, channel)
    assert seen == [("load", '"s"', '"s"', ["load"])]


async def test_a_result_is_given_back_as_json_does_and_refused_when_it_is_not(channel):
    async def body(ctx: JobContext):
        return (Position(at=1), None) if ctx.attempt == 1 else object()

    assert await run(body, channel) == [{"at": 1}, None]
    with pytest.raises(NotStorableError, match=r"^the result is not JSON"):
        await run(body, channel)


async def test_a_plain_handler_runs_beside_the_event_loop(channel):
    def body(ctx: SyncJobContext):
        return threading.get_ident()

    assert await run(body, channel) != threading.get_ident()


async def test_what_is_no_handler_cannot_be_run():
    with pytest.raises(DefinitionError, match="lacks @job"):
        await run_job(print)


def test_a_new_channel_is_empty():
    channel = InMemoryChannel()
    assert (channel.recorded, channel.state, channel.reports, channel.attempts) == ({}, None, [], 0)
    assert channel.stop_reason() is None
