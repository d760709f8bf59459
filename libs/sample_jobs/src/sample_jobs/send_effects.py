"""The job of the load scenarios: each step has an effect outside, and a sink judges it by its fence."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from sample_jobs import effect_client
from turnstile import SyncJobContext, job


class SendEffects(BaseModel):
    """Parameters of send-effects."""

    model_config = ConfigDict(extra="forbid")

    sink: Annotated[
        str,
        Field(
            # A caller that may submit jobs must not be able to make workers call any address.
            pattern=r"^(127\.0\.0\.1|localhost|effect-sink):[0-9]{1,5}$",
            description="The sink: a port of the worker's own machine, or of the container effect-sink.",
            examples=["127.0.0.1:8099"],
        ),
    ]
    steps: Annotated[int, Field(ge=1, le=1000, description="How many steps.")] = 1
    seconds: Annotated[float, Field(ge=0, le=3600, description="How long each step takes.")] = 0.0
    fail_at: Annotated[
        int | None, Field(ge=1, description="Number of the step that fails after its effect; None for none.")
    ] = None


class EffectFailedError(Exception):
    """The step failed because the parameters say so."""


@job("send-effects", description="Has one effect at an effect sink in each step; for load and faults.")
def send_effects(ctx: SyncJobContext, parameters: SendEffects) -> dict[str, int]:
    """Have the effects one by one, and fail in the step asked for."""
    done_before = 0
    for number in range(1, parameters.steps + 1):
        with ctx.step(f"effect {number}") as step:
            if step.done:
                done_before += 1
                continue
            ctx.check()
            effect_client.send(
                parameters.sink,
                key=ctx.lock,
                slot=ctx.slot,
                fence=ctx.fence,
                job=ctx.job_id,
                step=f"effect {number}",
            )
            ctx.sleep(parameters.seconds)
            if number == parameters.fail_at:
                raise EffectFailedError(f"effect {number} fails, as fail_at asks")
            step.result = {"attempt": ctx.attempt}
    return {"steps": parameters.steps, "done_before": done_before}
