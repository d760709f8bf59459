"""Steps: done once, and skipped by later attempts."""

import threading

import pytest
from tests.unit.turnstile.trying import Position, run

from turnstile import JobCancelledError, JobContext, StepMisuseError, SyncJobContext
from turnstile.channels import StopReason


async def test_a_recorded_step_is_skipped_and_its_result_returned(channel):
    calls = []

    async def body(ctx: JobContext):
        async with ctx.step("load") as step:
            if not step.done:
                calls.append(ctx.attempt)
                step.result = Position(at=7)
        return step.result, step.result_as(Position).at, step.done

    assert await run(body, channel) == [{"at": 7}, 7, False]
    assert await run(body, channel) == [{"at": 7}, 7, True]
    assert calls == [1]
    assert [step.name for step in channel.steps] == ["load"]


async def test_run_step_skips_for_real_and_gives_the_same_either_way(channel):
    calls = []

    async def fetch(left, right):
        calls.append((left, right))
        return (left, right)

    async def body(ctx: JobContext):
        return await ctx.run_step("fetch", fetch, 1, right=2)

    assert await run(body, channel) == await run(body, channel) == [1, 2]
    assert calls == [(1, 2)]


async def test_run_step_also_takes_plain_functions(channel):
    async def body(ctx: JobContext):
        return await ctx.run_step("add", lambda: 1 + 1)

    assert await run(body, channel) == 2


async def test_plain_handlers_have_the_same_in_plain(channel):
    calls = []

    def second():
        calls.append("two")
        return 2

    def body(ctx: SyncJobContext):
        assert threading.current_thread() is not threading.main_thread()
        with ctx.step("one") as step:
            if not step.done:
                calls.append("one")
                step.result = 1
        two = ctx.run_step("two", second)
        ctx.save_state({"sum": 3})
        return step.result + two + ctx.state["sum"]

    assert await run(body, channel) == await run(body, channel) == 6
    assert calls == ["one", "two"]


async def test_doing_a_recorded_step_again_is_an_error(channel):
    async def body(ctx: JobContext):
        async with ctx.step("load") as step:
            step.result = 1

    await run(body, channel)
    with pytest.raises(StepMisuseError, match=r"'load' .*if not step\.done"):
        await run(body, channel)


async def test_repeated_names_are_numbered_in_order(channel):
    async def body(ctx: JobContext):
        for number in range(3):
            await ctx.run_step("load", int, number)
        return await ctx.run_step("other", lambda: "x")

    await run(body, channel)
    assert channel.recorded == {"load": "0", "load#2": "1", "load#3": "2", "other": '"x"'}


@pytest.mark.parametrize("name", ["", "#", "a#2", "a\nb", "x" * 201])
async def test_a_bad_step_name_is_refused(channel, name):
    async def body(ctx: JobContext):
        ctx.step(name)

    with pytest.raises(StepMisuseError, match="step name"):
        await run(body, channel)


async def test_a_step_left_by_an_error_leaves_no_record_and_no_state(channel):
    async def body(ctx: JobContext):
        async with ctx.step("load"):
            await ctx.save_state("half")
            raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        await run(body, channel)
    assert channel.steps == []
    assert channel.state is None


async def test_a_fault_after_a_step_leaves_the_rest_to_the_next_attempt(channel):
    def crash(step):
        if step.name == "b":
            raise ConnectionError("the worker died")

    channel.after_step = crash
    done: list[str] = []

    async def body(ctx: JobContext):
        for name in "abc":
            await ctx.run_step(name, done.append, name)

    with pytest.raises(ConnectionError):
        await run(body, channel)
    channel.after_step = lambda step: None
    await run(body, channel)
    assert done == ["a", "b", "c"]


@pytest.mark.parametrize("name", ["x", "Größe in m²", "x" * 200])
async def test_a_step_name_has_1_to_200_characters(channel, name):
    async def body(ctx: JobContext):
        await ctx.run_step(name, int)

    await run(body, channel)
    assert channel.recorded == {name: "0"}


async def test_the_error_of_a_bad_name_shows_220_characters_of_it(channel):
    async def body(ctx: JobContext):
        ctx.step("x" * 220 + "y")

    with pytest.raises(StepMisuseError, match=r"^step name 'x{220}' must have 1 to 200 printable characters"):
        await run(body, channel)


async def test_a_repeated_name_that_was_recorded_is_skipped_by_its_number(channel):
    done: list[int] = []

    async def body(ctx: JobContext):
        for number in range(ctx.attempt + 1):
            await ctx.run_step("load", done.append, number)
        return await ctx.run_step("last", lambda: ctx.attempt)

    assert await run(body, channel) == 1
    assert await run(body, channel) == 1
    assert done == [0, 1, 2]
    assert [step.name for step in channel.steps] == ["load", "load#2", "last", "load#3"]


async def test_a_refused_name_uses_up_no_number(channel):
    async def body(ctx: JobContext):
        with pytest.raises(StepMisuseError):
            ctx.step("a#2")
        return ctx.step("a").name, ctx.step("a").name

    assert await run(body, channel) == ["a", "a#2"]


async def test_a_step_without_a_result_is_recorded_with_null(channel):
    async def body(ctx: JobContext):
        async with ctx.step("load") as step:
            assert step.result is None
        return step.result, step.result_as(type(None)), step.done

    assert await run(body, channel) == [None, None, False]
    assert await run(body, channel) == [None, None, True]
    assert channel.recorded == {"load": "null"}


@pytest.mark.parametrize("is_async", [True, False])
async def test_a_recorded_step_is_not_entered_when_the_run_should_stop(channel, is_async):
    entered = []

    async def body(ctx: JobContext):
        async with ctx.step("load"):
            entered.append(ctx.attempt)

    def plain(ctx: SyncJobContext):
        with ctx.step("load"):
            entered.append(ctx.attempt)

    await run(body if is_async else plain, channel)
    channel.stop = StopReason.CANCELLED
    with pytest.raises(JobCancelledError):
        await run(body if is_async else plain, channel)
    assert entered == [1]


async def test_a_step_that_was_not_entered_is_not_shown(channel):
    async def body(ctx: JobContext):
        await ctx.run_step("load", int)

    channel.stop = StopReason.SHUTDOWN
    with pytest.raises(JobCancelledError):
        await run(body, channel)
    assert channel.reports == []


@pytest.mark.parametrize("is_async", [True, False])
async def test_after_a_step_the_outer_step_is_shown_again(channel, is_async):
    async def body(ctx: JobContext):
        async with ctx.step("outer"), ctx.step("inner"):
            ctx.progress(1)

    def plain(ctx: SyncJobContext):
        with ctx.step("outer"), ctx.step("inner"):
            ctx.progress(1)

    await run(body if is_async else plain, channel)
    assert [step for _, _, step in channel.reports] == ["outer", "outer/inner", "outer/inner", "outer", ""]


async def test_a_failed_step_is_no_longer_shown(channel):
    async def body(ctx: JobContext):
        with pytest.raises(ValueError, match="invalid literal"):
            await ctx.run_step("load", lambda: int("x"))
        ctx.progress(1)

    await run(body, channel)
    assert [step for _, _, step in channel.reports] == ["load", "", ""]


async def test_a_plain_step_passes_all_arguments_and_is_skipped_the_next_time(channel):
    calls = []

    def work(*args, **kwargs):
        calls.append((args, kwargs))
        return {"at": 3}

    def body(ctx: SyncJobContext):
        return ctx.run_step("work", work, 1, 2, key="k")

    assert await run(body, channel) == await run(body, channel) == {"at": 3}
    assert calls == [((1, 2), {"key": "k"})]
