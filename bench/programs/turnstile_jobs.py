"""Turnstile's handler."""

import os

from pydantic import BaseModel

from bench import handler
from turnstile import JobContext, job


class Parameters(BaseModel):
    """What a job is asked to do."""

    number: int
    steps: int = 0
    gate: str = ""


@job("bench")
async def bench(ctx: JobContext, parameters: Parameters) -> None:
    """Note the run, and record as many steps as asked for."""
    # This process is the child of a worker.
    with handler.noted(parameters.number, ctx.lock, ctx.job_id, os.getppid()):
        await handler.pass_gate(parameters.gate)
        for number in range(parameters.steps):
            async with ctx.step(f"step {number}"):
                pass
