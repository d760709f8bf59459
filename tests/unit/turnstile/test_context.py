"""What handlers can do, tried with a channel in memory."""

import asyncio
import logging
import threading
from contextlib import contextmanager
from datetime import timedelta

import pytest
from pydantic import BaseModel

from turnstile import (
    DeadlinePassedError,
    JobCancelledError,
    JobContext,
    NotStorableError,
    StepMisuseError,
    SyncJobContext,
    job,
)
from turnstile.channels import StopReason
from turnstile.testing import InMemoryChannel, run_job


class Position(BaseModel):
    at: int


@pytest.fixture
def channel():
    return InMemoryChannel()


def run(body, channel, **attempt):
    return run_job(job("tried")(body), channel=channel, **attempt)


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

    def body(ctx: SyncJobContext):
        assert threading.current_thread() is not threading.main_thread()
        with ctx.step("one") as step:
            if not step.done:
                calls.append("one")
                step.result = 1
        two = ctx.run_step("two", lambda: calls.append("two") or 2)
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


@pytest.mark.parametrize("name", ["", "a#2", "a\nb", "x" * 201])
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


async def test_state_saved_inside_a_step_is_committed_with_it(channel):
    seen = []

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
    assert [(step.name, step.state) for step in channel.steps] == [("inner", None), ("outer", "1")]


async def test_state_saved_outside_steps_is_found_by_the_next_attempt(channel):
    async def body(ctx: JobContext):
        before = ctx.state_as(Position)
        await ctx.save_state(Position(at=ctx.attempt))
        return before

    assert await run(body, channel) is None
    assert await run(body, channel) == {"at": 1}


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("x" * 262_143, r"has 262,145 bytes; at most 262,144"),
        ("ü" * 140_000, "has 280,002 bytes"),
        (object(), "is not JSON"),
        (float("nan"), "is not JSON"),
        ("\ud800", "is not JSON"),
    ],
)
async def test_what_cannot_be_kept_is_refused_with_the_steps_name_and_the_size(channel, value, reason):
    async def body(ctx: JobContext):
        with pytest.raises(NotStorableError, match=f"the state {reason}"):
            await ctx.save_state(value)
        async with ctx.step("load") as step:
            step.result = value

    with pytest.raises(NotStorableError, match=f"the result of step 'load' {reason}"):
        await run(body, channel)
    assert channel.steps == []


async def test_the_largest_value_can_be_kept(channel):
    async def body(ctx: JobContext):
        await ctx.save_state("x" * 262_142)

    await run(body, channel)
    assert len(channel.state) == 262_144


async def test_progress_keeps_its_limit_and_shows_the_step(channel):
    async def body(ctx: JobContext):
        ctx.progress(1, 10)
        async with ctx.step("load"):
            ctx.progress(2)

    await run(body, channel)
    assert channel.reports == [(1, 10, ""), (1, 10, "load"), (2, 10, "load"), (2, 10, "")]


async def test_progress_must_be_a_number(channel):
    async def body(ctx: JobContext):
        ctx.progress(float("nan"))

    with pytest.raises(ValueError, match="finite"):
        await run(body, channel)


@pytest.mark.parametrize(
    ("reason", "error"),
    [
        (StopReason.CANCELLED, JobCancelledError),
        (StopReason.SHUTDOWN, JobCancelledError),
        (StopReason.TIMED_OUT, JobCancelledError),
        (StopReason.DEADLINE, DeadlinePassedError),
        (StopReason.LOST, DeadlinePassedError),
    ],
)
async def test_check_and_the_next_step_raise_when_the_run_should_stop(channel, reason, error):
    async def body(ctx: JobContext):
        ctx.check()
        await ctx.run_step("first", lambda: setattr(channel, "stop", reason))
        with pytest.raises(error, match=reason.value):
            ctx.check()
        assert ctx.was_told_to_stop
        await ctx.run_step("second", lambda: None)

    with pytest.raises(error):
        await run(body, channel)
    assert list(channel.recorded) == ["first"]


async def test_sleep_of_a_plain_handler_ends_when_the_run_should_stop(channel):
    def body(ctx: SyncJobContext):
        threading.Timer(0.02, setattr, (channel, "stop", StopReason.CANCELLED)).start()
        ctx.sleep(60)

    with pytest.raises(JobCancelledError):
        await run(body, channel)


async def test_the_context_knows_its_run(channel, caplog):
    async def body(ctx: JobContext):
        with caplog.at_level(logging.INFO):
            ctx.logger.info("here", extra={"mine": 1})
        async with ctx.step("pay") as step:
            keys = [ctx.idempotency_key(step), ctx.idempotency_key("pay")]
        assert timedelta(0) <= ctx.elapsed < timedelta(seconds=10)
        return [ctx.job_id, ctx.lock, ctx.fence, ctx.attempt, ctx.interruptions, *keys]

    first = await run(body, channel, job_id="j-1", lock="ledger", fence=5)
    assert first == ["j-1", "ledger", 5, 1, 0, "j-1/pay", "j-1/pay"]
    record = caplog.records[-1]
    assert (record.name, record.mine) == ("turnstile.jobs.tried", 1)


class ScopedChannel(InMemoryChannel):
    """Notes what surrounds steps, and what happens meanwhile."""

    @contextmanager
    def step_scope(self, name):
        self.notes = [*getattr(self, "notes", []), f"> {name}"]
        try:
            yield
        except BaseException as error:
            self.notes.append(f"! {name} {error!r}")
            raise
        finally:
            self.notes.append(f"< {name}")

    def record_step(self, step):
        self.notes.append(f"record {step.name}")
        return super().record_step(step)


async def test_steps_are_surrounded_by_the_channels_scopes_before_they_are_recorded():
    channel = ScopedChannel()

    async def body(ctx: JobContext):
        async with ctx.step("outer"):
            await ctx.run_step("inner", lambda: channel.notes.append("work"))

    await run(body, channel)
    assert channel.notes == [
        "> outer",
        "> inner",
        "work",
        "< inner",
        "record inner",
        "< outer",
        "record outer",
    ]


async def test_a_recorded_step_has_no_scope_and_a_failing_one_leaves_it_by_its_error():
    channel = ScopedChannel()

    def body(ctx: SyncJobContext):
        ctx.run_step("once", int)
        with ctx.step("fails"):
            raise KeyError("x")

    for _ in range(2):
        with pytest.raises(KeyError, match="x"):
            await run(body, channel)
    assert channel.notes == [
        "> once",
        "< once",
        "record once",
        *["> fails", "! fails KeyError('x')", "< fails"] * 2,
    ]


async def test_a_fault_after_a_step_leaves_the_rest_to_the_next_attempt(channel):
    def crash(step):
        if step.name == "b":
            raise ConnectionError("the worker died")

    channel.after_step = crash
    done = []

    async def body(ctx: JobContext):
        for name in "abc":
            await ctx.run_step(name, done.append, name)

    with pytest.raises(ConnectionError):
        await run(body, channel)
    channel.after_step = lambda step: None
    await run(body, channel)
    assert done == ["a", "b", "c"]
