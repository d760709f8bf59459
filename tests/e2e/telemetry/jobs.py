"""Jobs that make spans and log lines of their own, wait until they are let go, or know a secret."""

import asyncio
import logging
import time
from pathlib import Path

from opentelemetry import trace
from pydantic import BaseModel, SecretStr

from turnstile import JobContext, SyncJobContext, job

logger = logging.getLogger("ledger")


class Gate(BaseModel):
    #: A file; the job goes on once it is there. None stands open.
    gate: Path | None = None


class Login(BaseModel):
    password: str
    token: str
    secret: SecretStr


@job("traced")
async def traced(ctx: JobContext, parameters: Gate) -> dict[str, int]:
    """Make spans in and beside steps, save state, and wait at the gate within the last step."""
    tracer = trace.get_tracer("ledger")
    async with ctx.step("load") as step:
        if not step.done:
            with tracer.start_as_current_span("read ledger"):
                logger.info("ledger read", extra={"ledger.pages": 3})
                await asyncio.sleep(0.01)
            step.result = 3
    await ctx.save_state({"loaded": True})
    with tracer.start_as_current_span("think"):
        await asyncio.to_thread(_think)
    ctx.progress(1, 2)
    async with ctx.step("book") as step:
        if not step.done:
            with tracer.start_as_current_span("write ledger"):
                logger.warning("ledger written")
            while parameters.gate is not None and not parameters.gate.exists():
                ctx.check()
                await asyncio.sleep(0.05)
    return {"pages": 3}


@job("traced-sync")
def traced_sync(ctx: SyncJobContext, parameters: Gate) -> None:
    """Make a span in a step, from a plain function, and save state."""
    tracer = trace.get_tracer("ledger")
    with ctx.step("load"), tracer.start_as_current_span("read ledger"):
        logger.info("ledger read")
    ctx.save_state({"loaded": True})
    with ctx.step("book"):
        while parameters.gate is not None and not parameters.gate.exists():
            ctx.sleep(0.05)


@job("fails-in-step")
async def fails_in_step(ctx: JobContext) -> None:
    """Fail in the second of two steps, within a span."""
    async with ctx.step("load"):
        pass
    async with ctx.step("divide"):
        with trace.get_tracer("ledger").start_as_current_span("compute"):
            raise ZeroDivisionError("nothing to divide by")


@job("logs-in")
async def logs_in(ctx: JobContext, parameters: Login) -> None:
    """Know secrets, and fail while saying what it was given."""
    async with ctx.step("log in"):
        logger.info("logging in", extra={"secret": parameters.secret})
        raise PermissionError(f"not let in with {parameters.secret}")


@job("chatters")
async def chatters(ctx: JobContext) -> None:
    """Log more than a worker takes."""
    for number in range(1200):
        ctx.logger.debug("line %d", number)
        ctx.logger.info("line %d", number)
    await asyncio.sleep(0.1)
    # A name that is made of data alone names no span.
    async with ctx.step(ctx.job_id):
        ctx.logger.info("and one more")


def _think() -> None:
    with trace.get_tracer("ledger").start_as_current_span("think hard"):
        time.sleep(0.01)
