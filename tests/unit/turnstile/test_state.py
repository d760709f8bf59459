"""Saved state: what an attempt leaves to the next one."""

import asyncio
from contextlib import suppress

import pytest
from pydantic import ValidationError
from tests.unit.turnstile.trying import Position, UnansweredChannel, run
from tests.waiting import until

from turnstile import JobContext, NotRecordedError, SyncJobContext


async def test_state_saved_inside_a_step_is_committed_with_it(channel):
    seen: list[tuple[object, ...]] = []

    async def body(ctx: JobContext):
        async with ctx.step("load") as step:
            await ctx.save_state({"at": 1})
            seen.append((channel.state, ctx.state))
            step.result = "r"
        seen.append((channel.state, ctx.state, ctx.state_as(Position)))

    await run(body, channel)
    assert seen == [(None, None), ('{"at":1}', {"at": 1}, Position(at=1))]
    assert channel.steps[0].state == '{"at":1}'


async def test_state_saved_by_a_task_inside_a_step_is_folded_in_too(channel):
    async def body(ctx: JobContext):
        async with ctx.step("outer"):
            await asyncio.gather(ctx.save_state(1))
            assert channel.state is None

    await run(body, channel)
    assert channel.state == "1"


async def test_after_an_inner_step_state_belongs_to_the_outer_one(channel):
    async def body(ctx: JobContext):
        async with ctx.step("outer"):
            async with ctx.step("inner"):
                pass
            await ctx.save_state(1)

    await run(body, channel)
    assert [(step.name, step.state) for step in channel.steps] == [("outer/inner", None), ("outer", "1")]


async def test_state_saved_outside_steps_is_found_by_the_next_attempt(channel):
    async def body(ctx: JobContext):
        before = ctx.state_as(Position)
        await ctx.save_state(Position(at=ctx.attempt))
        return before

    assert await run(body, channel) is None
    assert await run(body, channel) == {"at": 1}


@pytest.mark.parametrize("is_async", [True, False])
async def test_state_saved_inside_a_skipped_step_is_saved_at_once(channel, is_async):
    seen = []

    async def body(ctx: JobContext):
        async with ctx.step("load") as step:
            await ctx.save_state({"at": ctx.attempt})
            seen.append((channel.state, ctx.state))
            if not step.done:
                step.result = 1

    def plain(ctx: SyncJobContext):
        with ctx.step("load") as step:
            ctx.save_state({"at": ctx.attempt})
            seen.append((channel.state, ctx.state))
            if not step.done:
                step.result = 1

    await run(body if is_async else plain, channel)
    await run(body if is_async else plain, channel)
    assert seen == [(None, None), ('{"at":2}', {"at": 2})]
    assert [step.state for step in channel.steps] == ['{"at":1}']


async def test_state_saved_after_a_step_failed_is_saved_at_once(channel):
    async def body(ctx: JobContext):
        with suppress(KeyError):
            async with ctx.step("load"):
                await ctx.save_state("half")
                raise KeyError
        before = ctx.state
        await ctx.save_state("after")
        return before, ctx.state

    assert await run(body, channel) == [None, "after"]
    assert channel.state == '"after"'


async def test_state_saved_twice_inside_a_step_is_the_last_one(channel):
    def body(ctx: SyncJobContext):
        with ctx.step("load"):
            ctx.save_state(1)
            ctx.save_state(2)
            assert channel.state is None
        return ctx.state

    assert await run(body, channel) == 2
    assert [step.state for step in channel.steps] == ["2"]


async def test_state_saved_by_a_task_that_outlives_its_step_is_saved_at_once(channel):
    async def body(ctx: JobContext):
        may_save = asyncio.Event()

        async def save():
            await may_save.wait()
            await ctx.save_state("late")

        async with ctx.step("load"):
            task = asyncio.create_task(save())
        may_save.set()
        await task
        return ctx.state

    assert await run(body, channel) == "late"
    assert channel.state == '"late"'


async def test_a_step_without_state_leaves_the_state_as_it_was(channel):
    async def body(ctx: JobContext):
        await ctx.save_state("kept")
        await ctx.run_step("load", int)
        return ctx.state

    assert await run(body, channel) == "kept"
    assert channel.state == '"kept"'


async def test_state_of_none_is_state(channel):
    async def body(ctx: JobContext):
        await ctx.save_state(1)
        async with ctx.step("load"):
            await ctx.save_state(None)
        return ctx.state

    assert await run(body, channel) is None
    assert channel.state == "null"


async def test_state_that_does_not_fit_a_model_is_an_error(channel):
    async def body(ctx: JobContext):
        return ctx.state_as(Position)

    channel.state = '{"at":"x"}'
    with pytest.raises(ValidationError):
        await run(body, channel)


@pytest.mark.parametrize("is_async", [True, False])
async def test_state_is_the_runs_once_it_is_committed_and_never_when_it_is_refused(is_async):
    channel = UnansweredChannel()
    seen = []

    async def body(ctx: JobContext):
        await ctx.save_state("first")
        seen.append(ctx.state)
        try:
            await ctx.save_state("second")
        finally:
            seen.append(ctx.state)

    def plain(ctx: SyncJobContext):
        ctx.save_state("first")
        seen.append(ctx.state)
        try:
            ctx.save_state("second")
        finally:
            seen.append(ctx.state)

    task = asyncio.create_task(run(body if is_async else plain, channel))
    await until(lambda: len(channel.asked) == 1)
    for _ in range(10):
        await asyncio.sleep(0)
    assert (seen, len(channel.asked)) == ([], 1)
    channel.asked[0][1].set_result(None)
    await until(lambda: len(channel.asked) == 2)
    assert seen == ["first"]
    channel.asked[1][1].set_exception(NotRecordedError("the job has recorded too much"))
    with pytest.raises(NotRecordedError, match="too much"):
        await task
    assert seen == ["first", "first"]
    assert [state for state, _ in channel.asked] == ['"first"', '"second"']
