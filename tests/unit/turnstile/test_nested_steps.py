"""Steps inside steps: whose name they have, and what is an error at once."""

import asyncio

import pytest
from tests.unit.turnstile.trying import run

from turnstile import JobContext, StepMisuseError, SyncJobContext


async def test_a_step_inside_a_step_has_the_names_of_both_and_numbers_of_its_own(channel):
    done = []

    def work(name):
        done.append(name)

    async def body(ctx: JobContext):
        for month in (1, 2):
            async with ctx.step("month") as step:
                if not step.done:
                    for day in (1, 2):
                        await ctx.run_step("day", work, f"{month}.{day}")
                    if month == 2 and ctx.attempt == 1:
                        raise ConnectionError
        await ctx.run_step("day", work, "last")

    with pytest.raises(ConnectionError):
        await run(body, channel)
    await run(body, channel)
    assert list(channel.recorded) == [
        *("month/day", "month/day#2", "month", "month#2/day", "month#2/day#2", "month#2", "day")
    ]
    assert done == ["1.1", "1.2", "2.1", "2.2", "last"]


async def test_a_step_inside_a_retried_step_is_done_once(channel):
    done: list[int] = []

    def body(ctx: SyncJobContext):
        for tries in (1, 2):
            try:
                with ctx.step("order"):
                    done.append(ctx.run_step("charge", lambda: 7 + len(done)))
                    if tries == 1:
                        raise ConnectionError
            except ConnectionError:
                pass

    await run(body, channel)
    assert done == [7, 7]
    assert list(channel.recorded) == ["order/charge", "order"]


async def test_steps_gathered_inside_a_step_are_inside_it(channel):
    async def body(ctx: JobContext):
        async with ctx.step("all"):
            await asyncio.gather(*(ctx.run_step("one", int, n) for n in range(3)))

    await run(body, channel)
    assert channel.recorded == {"all/one": "0", "all/one#2": "1", "all/one#3": "2", "all": "null"}


async def test_the_key_of_a_name_is_that_of_the_open_step_of_the_name(channel):
    async def body(ctx: JobContext):
        keys = []
        for _ in range(2):
            async with ctx.step("order"), ctx.step("charge"):
                keys += [ctx.idempotency_key("charge"), ctx.idempotency_key("order")]
        return [*keys, ctx.idempotency_key("charge")]

    assert await run(body, channel, job_id="j") == [
        *("j/order/charge", "j/order", "j/order#2/charge", "j/order#2", "j/charge")
    ]


@pytest.mark.parametrize("is_nested_first", [True, False])
async def test_two_steps_whose_names_would_be_one_are_refused(channel, is_nested_first):
    async def nested(ctx):
        async with ctx.step("a"):
            await ctx.run_step("b", int)

    async def flat(ctx):
        await ctx.run_step("a/b", int)

    async def body(ctx: JobContext):
        for each in (nested, flat) if is_nested_first else (flat, nested):
            await each(ctx)

    with pytest.raises(StepMisuseError, match=r"would both be called 'a/b'.* rename one of them"):
        await run(body, channel)


async def test_a_step_is_entered_where_it_was_made(channel):
    async def body(ctx: JobContext):
        first, second = ctx.step("load"), ctx.step("load")
        async with second:
            with pytest.raises(
                StepMisuseError, match=r"'load' was made elsewhere and entered inside .*'load#2'"
            ):
                async with first:
                    pass
            inner = ctx.step("inner")
        with pytest.raises(StepMisuseError, match="'load#2/inner' was made elsewhere and entered outside"):
            async with inner:
                pass

    await run(body, channel)
    assert list(channel.recorded) == ["load#2"]


async def test_a_step_does_not_end_before_the_steps_inside_it(channel):
    may_end = asyncio.Event()
    tasks = []

    async def wait():
        await may_end.wait()

    async def body(ctx: JobContext):
        async with ctx.step("outer"):
            tasks.append(asyncio.create_task(ctx.run_step("inner", wait)))
            await asyncio.sleep(0)

    with pytest.raises(StepMisuseError, match="'outer' ended before 1 of the steps inside it"):
        await run(body, channel)
    may_end.set()
    await tasks[0]
    assert list(channel.recorded) == ["outer/inner"]


async def test_a_step_does_not_begin_in_a_step_that_has_ended(channel):
    may_begin = asyncio.Event()

    async def late(ctx):
        await may_begin.wait()
        await ctx.run_step("inner", int)

    async def body(ctx: JobContext):
        async with ctx.step("outer"):
            task = asyncio.create_task(late(ctx))
        may_begin.set()
        await task

    with pytest.raises(StepMisuseError, match="'outer/inner' begins in step 'outer', which has ended"):
        await run(body, channel)


async def test_a_step_is_not_tried_again_while_a_task_of_its_last_try_is_in_a_step(channel):
    may_end = asyncio.Event()

    async def wait():
        await may_end.wait()
        return True

    async def body(ctx: JobContext):
        tasks = []

        async def begin():
            tasks.append(asyncio.create_task(ctx.run_step("inner", wait)))
            await asyncio.sleep(0)
            raise ConnectionError

        with pytest.raises(ConnectionError):
            await ctx.run_step("outer", begin)
        with pytest.raises(StepMisuseError, match="'outer/inner' is still open"):
            async with ctx.step("outer"):
                await ctx.run_step("inner", int)
        may_end.set()
        await tasks[0]
        async with ctx.step("outer"):
            return await ctx.run_step("inner", int)

    assert await run(body, channel) is True
    assert list(channel.recorded) == ["outer/inner", "outer"]


async def test_a_name_with_those_of_its_outer_steps_has_at_most_250_characters(channel):
    async def body(ctx: JobContext):
        async with ctx.step("o" * 150):
            await ctx.run_step("i" * 99, int)
            with pytest.raises(StepMisuseError, match="has 252 characters with the names of its outer steps"):
                ctx.step("i" * 99)
            ctx.step("i" * 100)

    with pytest.raises(StepMisuseError, match="has 251 characters"):
        await run(body, channel)
