"""What surrounds the work of a step, and its record."""

import asyncio
from contextlib import contextmanager

import pytest
from tests.unit.turnstile.trying import UnansweredChannel, run
from tests.waiting import until

from turnstile import JobContext, NotRecordedError, SyncJobContext, open_steps
from turnstile.testing import InMemoryChannel


class ScopedChannel(InMemoryChannel):
    """Notes what surrounds steps, and what happens meanwhile."""

    @contextmanager
    def step_scope(self, name, stem):
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
        "> outer/inner",
        "work",
        "< outer/inner",
        "record outer/inner",
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


async def test_a_step_is_recorded_with_how_long_its_work_took(channel, monkeypatch):
    class Clock:
        now = 100.0

        def monotonic(self):
            return self.now

    clock = Clock()
    monkeypatch.setattr(open_steps, "time", clock)

    async def body(ctx: JobContext):
        clock.now += 5
        step = ctx.step("load")
        clock.now += 1
        async with step:
            clock.now += 2.5

    await run(body, channel)
    assert [step.seconds for step in channel.steps] == [2.5]


async def test_a_step_of_an_async_handler_ends_once_its_record_is_committed():
    channel = UnansweredChannel()
    ended = []

    async def body(ctx: JobContext):
        await ctx.run_step("load", lambda: 1)
        ended.append("load")

    task = asyncio.create_task(run(body, channel))
    await until(lambda: channel.asked)
    ((record, answer),) = channel.asked
    assert (record.name, record.result, record.state) == ("load", "1", None)
    for _ in range(10):
        await asyncio.sleep(0)
    assert ended == []
    answer.set_result(None)
    await task
    assert ended == ["load"]


async def test_a_step_of_a_plain_handler_ends_once_its_record_is_committed():
    channel = UnansweredChannel()
    waits = []

    class Answer:
        def result(self):
            waits.append(list(ended))

    channel.record_step = lambda step: Answer()  # type: ignore[method-assign]
    ended = []

    def body(ctx: SyncJobContext):
        ctx.run_step("load", lambda: 1)
        ended.append("load")

    await run(body, channel)
    assert (waits, ended) == ([[]], ["load"])


@pytest.mark.parametrize("is_async", [True, False])
async def test_a_step_that_can_never_be_recorded_raises_and_keeps_its_state_back(is_async):
    channel = UnansweredChannel()
    states = []

    async def body(ctx: JobContext):
        try:
            async with ctx.step("load"):
                await ctx.save_state("new")
        finally:
            states.append(ctx.state)

    def plain(ctx: SyncJobContext):
        try:
            with ctx.step("load"):
                ctx.save_state("new")
        finally:
            states.append(ctx.state)

    channel.state = '"old"'
    task = asyncio.create_task(run(body if is_async else plain, channel))
    await until(lambda: channel.asked)
    channel.asked[0][1].set_exception(NotRecordedError("too large"))
    with pytest.raises(NotRecordedError, match="too large"):
        await task
    assert states == ["old"]
