"""Steps that are tried again inside the handler: one name, one record and one key for one work."""

import asyncio
import functools
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.unit.turnstile.trying import UnansweredChannel, run
from tests.waiting import until

from turnstile import JobContext, NotRecordedError, StepMisuseError, SyncJobContext
from turnstile.channels import Attempt
from turnstile.context import make_context


class LostAnswerError(Exception):
    """The work was done, and its answer was lost."""


class CrashError(Exception):
    """The runner dies."""


async def test_a_retried_step_keeps_its_name_and_key_and_the_next_attempt_finds_it(channel):
    keys = []

    async def body(ctx: JobContext):
        for _ in range(3):
            try:
                async with ctx.step("charge") as step:
                    if not step.done:
                        keys.append(ctx.idempotency_key(step))
                        if len(keys) < 3:
                            raise LostAnswerError
                        step.result = "charged"
                break
            except LostAnswerError:
                pass
        if ctx.attempt == 1:
            raise CrashError
        return step.result

    with pytest.raises(CrashError):
        await run(body, channel, job_id="j")
    assert await run(body, channel, job_id="j") == "charged"
    assert keys == ["j/charge"] * 3
    assert list(channel.recorded) == ["charge"]


async def test_a_retried_step_of_a_plain_handler_keeps_its_name(channel):
    tries = []

    def work():
        tries.append(1)
        if len(tries) == 1:
            raise LostAnswerError

    def body(ctx: SyncJobContext):
        ctx.run_step("charge", int)
        try:
            ctx.run_step("charge", work)
        except LostAnswerError:
            ctx.run_step("charge", work)

    await run(body, channel)
    await run(body, channel)
    assert list(channel.recorded) == ["charge", "charge#2"]
    assert len(tries) == 2


@pytest.mark.parametrize("first_to_retry", [0, 1, 2])
async def test_steps_of_one_name_side_by_side_are_retried_under_their_own_numbers(channel, first_to_retry):
    keys: list[list[str]] = [[], [], []]
    failed = asyncio.Event()

    async def charge(ctx, number):
        async def fail(step):
            keys[number].append(step.name)
            await asyncio.sleep(0)
            raise LostAnswerError

        with pytest.raises(LostAnswerError):
            async with ctx.step("charge") as step:
                await fail(step)
        if number == first_to_retry:
            await until(lambda: all(keys))
        else:
            await failed.wait()
        async with ctx.step("charge") as step:
            keys[number].append(step.name)
            step.result = number
        failed.set()

    async def body(ctx: JobContext):
        await asyncio.gather(*(charge(ctx, number) for number in range(3)))

    await run(body, channel)
    assert keys == [["charge"] * 2, ["charge#2"] * 2, ["charge#3"] * 2]
    assert channel.recorded == {"charge": "0", "charge#2": "1", "charge#3": "2"}


async def test_a_number_left_side_by_side_belongs_to_no_other_task(channel):
    async def fail():
        await asyncio.sleep(0)
        raise LostAnswerError

    async def body(ctx: JobContext):
        works: list[Any] = [functools.partial(asyncio.sleep, 0, 1), fail, fail]
        await asyncio.gather(*(ctx.run_step("page", work) for work in works), return_exceptions=True)
        return await ctx.run_step("page", lambda: "another")

    assert await run(body, channel) == "another"
    assert channel.recorded == {"page": "1", "page#4": '"another"'}


async def test_a_step_tried_again_in_a_task_of_its_own_keeps_its_name(channel):
    tries = []

    async def hangs_once():
        tries.append(1)
        if len(tries) == 1:
            await asyncio.Event().wait()

    async def body(ctx: JobContext):
        with pytest.raises(TimeoutError):
            await asyncio.create_task(_within(0.01, ctx.run_step("charge", hangs_once)))
        await asyncio.create_task(_within(5, ctx.run_step("charge", hangs_once)))

    await run(body, channel)
    assert list(channel.recorded) == ["charge"]


async def _within(seconds, work):
    async with asyncio.timeout(seconds):
        await work


async def test_threads_of_a_plain_handler_retry_under_their_own_numbers(channel):
    both = threading.Barrier(2)
    names: dict[int, list[str]] = {0: [], 1: []}

    def charge(ctx, number):
        for is_last in (False, True):
            try:
                with ctx.step("charge") as step:
                    names[number].append(step.name)
                    if not is_last:
                        both.wait(5)
                        raise LostAnswerError
            except LostAnswerError:
                both.wait(5)

    def body(ctx: SyncJobContext):
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda number: charge(ctx, number), range(2)))

    await run(body, channel)
    assert sorted(names.values()) == [["charge"] * 2, ["charge#2"] * 2]


async def test_one_step_object_can_be_entered_again_after_an_error_and_not_otherwise(channel):
    async def body(ctx: JobContext):
        step = ctx.step("charge")
        with pytest.raises(LostAnswerError):
            async with step:
                raise LostAnswerError
        async with step:
            step.result = True
        for again in (step, step):
            with pytest.raises(StepMisuseError, match="'charge' was entered before"):
                await again.__aenter__()
        async with ctx.step("open") as open_step:
            with pytest.raises(StepMisuseError, match="'open' was entered before"):
                await open_step.__aenter__()

    await run(body, channel)
    assert channel.recorded == {"charge": "true", "open": "null"}


@pytest.mark.parametrize("is_committed", [True, False])
async def test_a_retry_waits_for_a_record_whose_commit_was_not_waited_for(is_committed):
    channel = UnansweredChannel()
    tries = []

    def work():
        tries.append(1)
        return len(tries)

    async def body(ctx: JobContext):
        async def work_and_save():
            await ctx.save_state("saved with it")
            return work()

        with pytest.raises(TimeoutError):
            await _within(0.01, ctx.run_step("charge", work_and_save))
        result = await ctx.run_step("charge", work)
        return [result, ctx.state]

    task = asyncio.create_task(run(body, channel))
    await until(lambda: channel.asked)
    await asyncio.sleep(0.02)
    assert len(channel.asked) == 1
    if is_committed:
        channel.asked[0][1].set_result(None)
        assert await task == [1, "saved with it"]
    else:
        channel.asked[0][1].set_exception(NotRecordedError("too large"))
        await until(lambda: len(channel.asked) == 2)
        channel.asked[1][1].set_result(None)
        assert await task == [2, None]
    assert [record.name for record, _ in channel.asked] == ["charge"] * (1 if is_committed else 2)


async def test_a_key_of_a_step_left_by_an_error_is_refused(channel):
    async def body(ctx: JobContext):
        with pytest.raises(LostAnswerError):
            async with ctx.step("charge") as step:
                raise LostAnswerError
        ctx.idempotency_key(step)

    with pytest.raises(StepMisuseError, match=r"'charge' was left by an error.* inside its block"):
        await run(body, channel)


async def test_a_result_outside_of_the_block_is_refused(channel):
    async def body(ctx: JobContext):
        step = ctx.step("load")
        with pytest.raises(StepMisuseError, match="'load' was set outside of its block"):
            step.result = 1
        async with step:
            step.result = 2
        with pytest.raises(StepMisuseError, match="'load' was set outside of its block"):
            step.result = 3
        return step.result

    assert await run(body, channel) == 2
    assert channel.recorded == {"load": "2"}


def test_an_attempt_of_old_records_continues_by_the_old_rule(channel):
    attempt = Attempt("j", "k", attempt=2, recorded={"charge#2": "7", "inner": "8"}, naming=1)
    ctx = make_context(attempt, channel, is_async=False)
    assert isinstance(ctx, SyncJobContext)
    step = ctx.step("charge")
    assert not step.done
    with pytest.raises(LostAnswerError), step:
        raise LostAnswerError
    assert ctx.idempotency_key(step) == "j/charge"
    assert ctx.run_step("charge", lambda: 1) == 7
    with ctx.step("outer"):
        assert ctx.run_step("inner", lambda: 1) == 8
        assert ctx.step("inner").name == "inner#2"
    assert ctx.idempotency_key("charge") == "j/charge"
