"""The demonstration job: some steps that take some time."""

import asyncio
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from turnstile import JobContext, job


class TenSteps(BaseModel):
    """Parameters of ten-steps."""

    model_config = ConfigDict(extra="forbid")

    steps: Annotated[int, Field(ge=1, le=1000, description="How many steps.")] = 10
    seconds: Annotated[float, Field(ge=0, le=3600, description="How long each step takes.")] = 1.0
    fail_at: Annotated[
        int | None, Field(ge=1, description="Number of the step that fails; one beyond the last never does.")
    ] = None


class StepFailedError(Exception):
    """The step failed because the parameters say so."""


@job("ten-steps", description="Does nothing for some steps; for demonstrations.")
async def ten_steps(ctx: JobContext, parameters: TenSteps) -> dict[str, int]:
    """Wait in each step, and fail in the one asked for."""
    done_before = 0
    for number in range(1, parameters.steps + 1):
        async with ctx.step(f"step {number}") as step:
            if step.done:
                done_before += 1
            else:
                await asyncio.sleep(parameters.seconds)
                if number == parameters.fail_at:
                    raise StepFailedError(f"step {number} fails, as fail_at asks")
                step.result = {"attempt": ctx.attempt}
        ctx.progress(number, parameters.steps)
    ctx.logger.info("all steps done", extra={"steps": parameters.steps, "done_before": done_before})
    return {"steps": parameters.steps, "done_before": done_before}
