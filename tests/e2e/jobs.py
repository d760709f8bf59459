"""Jobs for the end-to-end tests: their effects go to the sink, so that it is seen from outside who works."""

import asyncio
import logging.config
import os
import re
import time
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, Field

from sample_jobs import effect_client
from turnstile import FailJob, JobContext, RetryLater, RetryPolicy, SyncJobContext, job

#: What "leaks" keeps.
_KEPT: list[bytearray] = []


class Effects(BaseModel):
    count: Annotated[int, Field(ge=0)] = 3
    seconds: Annotated[float, Field(ge=0)] = 0.0


def effect(ctx: SyncJobContext | JobContext, step: str) -> None:
    """Have an effect in the world outside, under this run's fence, which counts within the slot."""
    sink = os.environ["TURNSTILE_INPUT_SINK"]
    effect_client.send(sink, key=ctx.lock, slot=ctx.slot, fence=ctx.fence, job=ctx.job_id, step=step)


@job("nothing")
async def nothing(ctx: JobContext) -> None:
    """Do nothing."""


@job("visit")
def visit(ctx: SyncJobContext, parameters: Effects) -> None:
    """Enter, stay and leave, without a step."""
    effect(ctx, "enter")
    ctx.sleep(parameters.seconds)
    effect(ctx, "leave")


@job("effects")
def effects(ctx: SyncJobContext, parameters: Effects) -> dict[str, Any]:
    """Have one effect in each step; a step recorded by an earlier attempt has none."""
    done_before, found = 0, ctx.state
    for number in range(1, parameters.count + 1):
        with ctx.step(f"effect {number}") as step:
            if step.done:
                done_before += 1
            else:
                ctx.check()
                effect(ctx, step.name)
                ctx.sleep(parameters.seconds)
                ctx.save_state({"reached": number})
                step.result = {"attempt": ctx.attempt}
        ctx.progress(number, parameters.count)
    return {"effects": parameters.count, "done_before": done_before, "found": found}


@job("careless-effects")
def careless_effects(ctx: SyncJobContext, parameters: Effects) -> None:
    """On the first attempt have effects until one is refused, without ever looking; later have just one."""
    with ctx.step("everything"):
        goes_on = True
        while goes_on:
            goes_on = ctx.attempt == 1
            try:
                effect(ctx, "effect")
            except effect_client.RefusedEffectError:
                goes_on = False
            time.sleep(parameters.seconds)


@job("raises")
async def raises(ctx: JobContext) -> None:
    """Raise."""
    raise RuntimeError("out of order")


@job("raises-with-a-password")
async def raises_with_a_password(ctx: JobContext) -> None:
    """Raise an error that repeats the address of a database, as many clients do."""
    raise RuntimeError("cannot reach postgres://app:canary-of-the-job@db/ledger")


class Recovering(BaseModel):
    failures: Annotated[int, Field(ge=0)] = 1
    #: Seconds that it asks for itself; None where the policy of its kind decides.
    later: float | None = None


async def _recover(ctx: JobContext, parameters: Recovering) -> dict[str, Any]:
    await ctx.run_step("once", int)
    failed: int = ctx.state or 0
    if failed < parameters.failures:
        await ctx.save_state(failed + 1)
        if parameters.later is not None:
            raise RetryLater(parameters.later, "come back later")
        raise ConnectionError("no route")
    return {"failed": failed, "attempt": ctx.attempt}


@job("recovers", retry=RetryPolicy(3, timedelta(seconds=3), "fixed", jitter=0))
async def recovers(ctx: JobContext, parameters: Recovering) -> dict[str, Any]:
    """Fail so many times, and let others pass in the meantime."""
    return await _recover(ctx, parameters)


@job("recovers-in-place", retry=RetryPolicy(3, timedelta(seconds=3), "fixed", jitter=0, hold_place=True))
async def recovers_in_place(ctx: JobContext, parameters: Recovering) -> dict[str, Any]:
    """Fail so many times, and keep the others waiting."""
    return await _recover(ctx, parameters)


@job("blocks-loop", timeout=timedelta(seconds=1))
async def blocks_loop(ctx: JobContext) -> None:
    """Keep the runner's event loop to itself."""
    effect(ctx, "enter")
    time.sleep(600)  # noqa: ASYNC251 - as careless handlers do


@job("spins-in-c")
async def spins_in_c(ctx: JobContext) -> None:
    """Keep the interpreter lock for years."""
    effect(ctx, "enter")
    re.match(r"(a+)+$", "a" * 60 + "b")


@job("exits")
async def exits(ctx: JobContext) -> None:
    """Take the runner process along."""
    effect(ctx, f"attempt {ctx.attempt}")
    os._exit(3)


@job("allocates")
async def allocates(ctx: JobContext) -> None:
    """Take memory until there is none."""
    hoard = []
    while True:
        hoard.append(bytearray(16 * 1024 * 1024))


@job("migrates")
async def migrates(ctx: JobContext) -> None:
    """Configure logging as a library for migrations does."""
    logging.config.dictConfig({"version": 1, "root": {"level": "WARNING", "handlers": []}})


@job("leaks")
async def leaks(ctx: JobContext) -> int:
    """Keep memory in a variable of the module, which outlives the job."""
    _KEPT.append(bytearray(70 * 1024 * 1024))
    return len(_KEPT)


@job("needs-memory")
async def needs_memory(ctx: JobContext) -> int:
    """Need half of what a new process may take."""
    return len(bytearray(120 * 1024 * 1024))


@job("tidies-up")
async def tidies_up(ctx: JobContext, parameters: Effects) -> Any:
    """Take a while to stop, and save at the end of it."""
    if ctx.state is not None:
        return ctx.state
    effect(ctx, "began")
    try:
        await asyncio.sleep(600)
    finally:
        await asyncio.sleep(parameters.seconds)
        await ctx.save_state("tidied up")


@job("charges")
async def charges(ctx: JobContext) -> str:
    """Lose the answer of the first try of a step, try again, and die once the step is recorded."""
    for is_answer_lost in (True, False):
        try:
            async with ctx.step("charge") as step:
                if not step.done:
                    await asyncio.to_thread(effect, ctx, step.name)
                    if is_answer_lost:
                        raise ConnectionError("the bank took it, its answer was lost")
                    step.result = ctx.idempotency_key(step)
            break
        except ConnectionError:
            ctx.logger.info("trying again")
    if ctx.attempt == 1:
        os._exit(3)
    return str(step.result)


@job("fans-out")
async def fans_out(ctx: JobContext, parameters: Effects) -> int:
    """Do many steps at once."""
    steps = (ctx.run_step("page", int, number) for number in range(parameters.count))
    return sum(await asyncio.gather(*steps))


@job("fails-in-a-group")
async def fails_in_a_group(ctx: JobContext) -> None:
    """Raise FailJob in a task of a group."""
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.sleep(60))
        group.create_task(_fail())


async def _fail() -> None:
    raise FailJob("no such account: 4711")
