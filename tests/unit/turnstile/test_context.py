"""What handlers know of their run, and when they should stop."""

import logging
import threading
from datetime import timedelta

import pytest
from tests.unit.turnstile.trying import run

from turnstile import (
    DeadlinePassedError,
    FailJob,
    JobCancelledError,
    JobContext,
    RunOverError,
    SyncJobContext,
    context,
)
from turnstile.channels import Attempt, StopReason
from turnstile.context import make_context


class Clock:
    """Time that passes only while the handler sleeps."""

    def __init__(self):
        self.now = 50.0
        self.naps = []

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.naps.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(context, "time", clock)
    return clock


async def test_progress_keeps_its_limit_and_shows_the_step(channel):
    async def body(ctx: JobContext):
        ctx.progress(1, 10)
        async with ctx.step("load"):
            ctx.progress(2)

    await run(body, channel)
    assert channel.reports == [(1, 10, ""), (1, 10, "load"), (2, 10, "load"), (2, 10, "")]


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), float("-inf"), 10**400])
async def test_progress_must_be_a_number_and_so_must_its_limit(channel, wrong):
    async def body(ctx: JobContext):
        ctx.progress(1, 10)
        with pytest.raises(ValueError, match="finite"):
            ctx.progress(wrong)
        with pytest.raises(ValueError, match="finite"):
            ctx.progress(2, wrong)
        ctx.progress(3)

    await run(body, channel)
    assert channel.reports == [(1, 10, ""), (3, 10, "")]


@pytest.mark.parametrize("is_async", [True, False])
async def test_a_step_passes_on_the_keywords_of_its_own_parameters(channel, is_async):
    def create(first, name, function):
        return [first, name, function]

    async def body(ctx: JobContext):
        return await ctx.run_step("create", create, "it", name="bob", function=2)

    def plain(ctx: SyncJobContext):
        return ctx.run_step("create", create, "it", name="bob", function=2)

    assert await run(body if is_async else plain, channel) == ["it", "bob", 2]


async def test_progress_of_nothing_and_a_limit_of_nothing_are_shown(channel):
    async def body(ctx: JobContext):
        ctx.progress(0)
        ctx.progress(0, 10)
        ctx.progress(-1, 0)
        ctx.progress(5)

    await run(body, channel)
    assert channel.reports == [(0, None, ""), (0, 10, ""), (-1, 0, ""), (5, 0, "")]


async def test_a_step_is_shown_with_no_progress_before_there_is_any(channel):
    async def body(ctx: JobContext):
        await ctx.run_step("load", int)

    await run(body, channel)
    assert channel.reports == [(None, None, "load"), (None, None, "")]


@pytest.mark.parametrize(
    ("reason", "error"),
    [
        (StopReason.CANCELLED, JobCancelledError),
        (StopReason.SHUTDOWN, JobCancelledError),
        (StopReason.TIMED_OUT, JobCancelledError),
        (StopReason.DEADLINE, DeadlinePassedError),
        (StopReason.LOST, DeadlinePassedError),
        (StopReason.OVER, RunOverError),
    ],
)
async def test_check_and_the_next_step_raise_when_the_run_should_stop(channel, reason, error):
    async def body(ctx: JobContext):
        ctx.check()
        await ctx.run_step("first", lambda: setattr(channel, "stop", reason))
        with pytest.raises(error, match=reason.value):
            ctx.check()
        assert ctx.was_asked_to_stop
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


async def test_a_run_that_should_not_stop_has_not_been_told_to(channel):
    async def body(ctx: JobContext):
        ctx.check()
        await ctx.run_step("load", ctx.check)
        return ctx.was_asked_to_stop

    assert await run(body, channel) is False


def test_a_plain_handler_sleeps_as_long_as_it_asks_in_short_naps(channel, clock):
    ctx = make_context(Attempt("j", "k"), channel, is_async=False)
    ctx.sleep(0.125)
    assert clock.now == pytest.approx(50.125)
    assert clock.naps == pytest.approx([0.05, 0.05, 0.025])
    ctx.sleep(0)
    assert len(clock.naps) == 3


def test_a_sleep_of_nothing_still_notices_that_the_run_should_stop(channel):
    ctx = make_context(Attempt("j", "k"), channel, is_async=False)
    channel.stop = StopReason.TIMED_OUT
    with pytest.raises(JobCancelledError):
        ctx.sleep(0)


def test_the_context_knows_how_long_the_attempt_runs(channel, clock):
    ctx = make_context(Attempt("j", "k"), channel, is_async=True)
    clock.now += 3
    assert ctx.elapsed == timedelta(seconds=3)


@pytest.mark.parametrize(("is_async", "expected"), [(True, JobContext), (False, SyncJobContext)])
def test_the_context_fits_the_handler_and_has_all_of_the_attempt(channel, is_async, expected):
    attempt = Attempt("j", "k", "ledger", 4, 2, 9, "00-trace", {"load": "1"}, '"saved"')
    ctx = make_context(attempt, channel, is_async=is_async)
    assert type(ctx) is expected
    assert (ctx.job_id, ctx.kind, ctx.lock, ctx.attempt) == ("j", "k", "ledger", 4)
    assert (ctx.interruptions, ctx.fence, ctx.traceparent) == (2, 9, "00-trace")
    assert (ctx.state, ctx.step("load").result) == ("saved", 1)
    assert ctx.logger.name == "turnstile.jobs.k"


def test_an_attempt_is_the_first_unless_it_is_told_otherwise(channel):
    ctx = make_context(Attempt("j", "k"), channel, is_async=True)
    assert (ctx.lock, ctx.attempt, ctx.interruptions, ctx.fence) == ("default", 1, 0, 1)
    assert (ctx.traceparent, ctx.state, ctx.step("load").done) == (None, None, False)


def test_an_idempotency_key_belongs_to_one_step_of_one_job(channel):
    ctx = make_context(Attempt("j", "k"), channel, is_async=True)
    steps = [ctx.step("pay"), ctx.step("pay"), ctx.step("ship")]
    assert [ctx.idempotency_key(step) for step in steps] == ["j/pay", "j/pay#2", "j/ship"]
    again = make_context(Attempt("j", "k", attempt=2, fence=8), channel, is_async=True)
    assert again.idempotency_key(again.step("pay")) == "j/pay"
    assert ctx.idempotency_key("pay#2") == "j/pay#2"


def test_an_error_without_a_message_says_what_it_stands_for():
    assert str(FailJob()) == "The job failed."
    assert str(RunOverError()) == "The run is over: its context can do nothing more."
    assert str(FailJob("no such account")) == "no such account"

    class Bare(FailJob):
        pass

    Bare.__doc__ = None
    assert str(Bare()) == ""
