"""Jobs that make spans of their own, for the tests of how a handler's spans travel."""

import asyncio
import logging
import os
import sys
import threading

from opentelemetry import propagate, trace

from turnstile import JobContext, SyncJobContext, job

tracer = trace.get_tracer("tests.jobs")


def _work(name: str) -> None:
    with tracer.start_as_current_span(name) as span:
        span.set_attribute("mine", [1, 2])
        span.add_event("happened", {"text": "x"})


@job("spans")
async def spans(ctx: JobContext) -> None:
    """Make spans everywhere."""
    _work("before")
    async with ctx.step("outer"):
        _work("in outer")
        async with ctx.step("inner"):
            await asyncio.to_thread(_work, "in inner's thread")
            with tracer.start_as_current_span("own"):
                await asyncio.gather(asyncio.to_thread(_work, "in own"))
        trace.get_current_span().set_attribute("from", "handler")
    for _ in range(2):
        await ctx.run_step("twice", _work, "in twice")


@job("sync-spans")
def sync_spans(ctx: SyncJobContext) -> None:
    """Make spans in threads."""
    with ctx.step("outer"), ctx.step("inner"):
        _work("in inner")
    ctx.run_step("threads", _in_plain_thread)


def _in_plain_thread() -> None:
    thread = threading.Thread(target=_work, args=("in a plain thread",))
    thread.start()
    thread.join()


@job("step-then-kill")
async def step_then_kill(ctx: JobContext) -> None:
    """Die as soon as the step is committed."""
    async with ctx.step("first"):
        _work("in first")
    os._exit(3)


@job("failing-step")
async def failing_step(ctx: JobContext) -> None:
    """Fail within a step, and within a step around it."""
    async with ctx.step("outer"):
        await ctx.run_step("fails", _fail)


@job("sync-failing-step")
def sync_failing_step(ctx: SyncJobContext) -> None:
    """Fail with an error that cannot even be told."""

    class SpeechlessError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no words")

    with ctx.step("fails"):
        raise SpeechlessError


def _fail() -> None:
    raise ValueError("no such account")


@job("sleeps-in-step")
async def sleeps_in_step(ctx: JobContext) -> None:
    """Wait for being stopped."""
    async with ctx.step("waits"):
        await asyncio.sleep(600)


@job("context")
async def context(ctx: JobContext) -> dict[str, object]:
    """Tell what would be sent to others, and what is loaded."""
    outside: dict[str, str] = {}
    propagate.inject(outside)
    async with ctx.step("inside"):
        inside: dict[str, str] = {}
        propagate.inject(inside)
    sdk = sorted(name for name in sys.modules if name.startswith("opentelemetry.sdk"))
    return {"outside": outside, "inside": inside, "sdk": sdk, "submission": ctx.traceparent}


@job("logs-in-steps")
async def logs_in_steps(ctx: JobContext) -> None:
    """Log outside and inside of a step."""
    ctx.logger.info("outside")
    async with ctx.step("inside"):
        logging.getLogger("library").info("inside", extra={"span_id": "forged"})


@job("floods-spans")
def floods_spans(ctx: SyncJobContext) -> None:
    """Make more and larger spans than anyone needs."""
    with tracer.start_as_current_span("fat") as span:
        for number in range(100):
            span.set_attribute(f"a{number}", "ü" * 10_000)
            span.add_event("e" * 1000, {"text": "x" * 10_000})
        span.set_attribute("odd", [float("nan"), "\ud800", 2**70, True])
    for _ in range(5000):
        tracer.start_span("one of many").end()


@job("forged-spans")
async def forged_spans(ctx: JobContext) -> None:
    """Send spans that are none."""
    good = {
        "name": "good",
        "trace_id": f"{trace.get_current_span().get_span_context().trace_id:032x}",
        "span_id": "00000000000000aa",
        "start": 1,
    }
    forgeries = [
        {},
        {**good, "span_id": "zz"},
        {**good, "span_id": "0" * 16},
        {**good, "trace_id": "f" * 32},
        {**good, "start": -1},
        {**good, "start": 2**64},
        {**good, "name": "x" * 100_000},
        {**good, "attributes": {"deep": {"a": 1}}},
        {**good, "events": [{}] * 1000},
        {**good, "resource": {"service.name": "forged"}},
        good,
    ]
    for forgery in forgeries:
        ctx._channel.send_span(forgery)  # type: ignore[attr-defined]
