"""The job of the chaos: each step has an effect outside, and takes its time."""

import os
import time
from typing import Annotated, Any

from pydantic import BaseModel, Field

from sample_jobs import effect_client
from turnstile import SyncJobContext, job

#: Seconds between two careless effects.
_PAUSE = 0.05


class Errand(BaseModel):
    steps: Annotated[int, Field(ge=1)] = 3
    #: Of each step.
    seconds: Annotated[float, Field(ge=0)] = 0.1
    #: Whether it saves state in each step.
    saves: bool = False
    #: Has effects again and again during the first step of the first attempt, and never looks whether it may.
    careless: bool = False
    #: Attempts that take their runner along after the first step.
    deaths: Annotated[int, Field(ge=0)] = 0


@job("errand")
def errand(ctx: SyncJobContext, parameters: Errand) -> dict[str, Any]:
    """Have one effect in each step; a step recorded by an earlier attempt has none."""
    for number in range(1, parameters.steps + 1):
        with ctx.step(f"effect {number}") as step:
            if not step.done:
                if parameters.careless and ctx.attempt == 1:
                    _be_careless(ctx, step.name, parameters.seconds)
                else:
                    ctx.check()
                    _have_effect(ctx, step.name)
                    ctx.sleep(parameters.seconds)
        if parameters.saves:
            # Between the steps, as within one it would be recorded with it.
            ctx.save_state({"reached": number})
        ctx.progress(number, parameters.steps)
        if ctx.attempt <= parameters.deaths:
            os._exit(3)
    return {"steps": parameters.steps}


def _be_careless(ctx: SyncJobContext, step: str, seconds: float) -> None:
    # Counted, not timed: a process that was frozen has as much left to do as before.
    for _ in range(round(seconds / _PAUSE)):
        try:
            _have_effect(ctx, step)
        except effect_client.RefusedEffectError:
            return  # another run has begun; what is left of this one will be refused as well
        time.sleep(_PAUSE)


def _have_effect(ctx: SyncJobContext, step: str) -> None:
    sink = os.environ["TURNSTILE_INPUT_SINK"]
    effect_client.send(sink, key=ctx.lock, slot=ctx.slot, fence=ctx.fence, job=ctx.job_id, step=step)
