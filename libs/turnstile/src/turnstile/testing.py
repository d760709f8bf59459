"""For testing handlers without a worker: a channel in memory, and a function that runs one attempt."""

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from turnstile.channels import Attempt, RecordedStep, StopReason
from turnstile.context import make_context
from turnstile.kinds import kind_of
from turnstile.values import to_json


@dataclass
class InMemoryChannel:
    """Remembers what a handler did; used again, it lets the next attempt find what this one left."""

    #: What was recorded, in order; `recorded` has the results by name.
    steps: list[RecordedStep] = field(default_factory=list)
    #: JSON of the state saved last.
    state: str | None = None
    #: What was reported: (value, limit, step).
    reports: list[tuple[float | None, float | None, str]] = field(default_factory=list)
    #: Set it to make the handler stop.
    stop: StopReason | None = None
    #: Attempts so far.
    attempts: int = 0
    #: Called after each recorded step, for faults: raise in it, or set `stop`.
    after_step: Callable[[RecordedStep], None] = lambda step: None

    @property
    def recorded(self) -> dict[str, str]:
        """JSON of the result of every recorded step, by name."""
        return {step.name: step.result for step in self.steps}

    @property
    def last_progress(self) -> tuple[float | None, float | None]:
        """The progress and its limit that were reported last; None where there was none."""
        values = [value for value, _, _ in self.reports if value is not None]
        limits = [limit for _, limit, _ in self.reports if limit is not None]
        return values[-1] if values else None, limits[-1] if limits else None

    def stop_reason(self) -> StopReason | None:
        """Return why the handler should stop."""
        return self.stop

    def step_scope(self, name: str, stem: str) -> AbstractContextManager[object]:
        """Surround a step with nothing."""
        return nullcontext()

    def record_step(self, step: RecordedStep) -> Future[None]:
        """Keep a step, and the state that came with it."""
        self.steps.append(step)
        if step.state is not None:
            self.state = step.state
        self.after_step(step)
        return _done()

    def save_state(self, state: str) -> Future[None]:
        """Keep state."""
        self.state = state
        return _done()

    def report(self, value: float | None, limit: float | None, step: str) -> None:
        """Keep a report."""
        self.reports.append((value, limit, step))


async def run_job(
    handler: Callable[..., Any],
    parameters: BaseModel | dict[str, Any] | None = None,
    *,
    channel: InMemoryChannel | None = None,
    job_id: str = "00000000-0000-7000-8000-000000000000",
    lock: str = "default",
    fence: int = 1,
    properties: dict[str, Any] | None = None,
) -> Any:
    """Run one attempt of a handler as a worker would, and return its result after its way through JSON.

    A second call with the same channel is the next attempt, which finds recorded steps, state and progress.
    Raises what the handler raises, InvalidParametersError, and NotStorableError.
    """
    channel = channel or InMemoryChannel()
    value, limit = channel.last_progress
    kind = kind_of(handler)
    attempt = Attempt(
        job_id,
        kind.name,
        lock,
        attempt=channel.attempts + 1,
        interruptions=channel.attempts,
        fence=fence + channel.attempts,
        recorded=channel.recorded,
        state=channel.state,
        progress_value=value,
        progress_limit=limit,
        properties=to_json(properties or {}, "the properties"),
    )
    channel.attempts += 1
    context = make_context(attempt, channel, is_async=kind.is_async)
    arguments = kind.arguments(context, kind.parse(to_json(parameters or {}, "the parameters")))
    if kind.is_async:
        result = await kind.handler(*arguments)
    else:
        result = await asyncio.to_thread(kind.handler, *arguments)
    return json.loads(to_json(result, "the result"))


def _done() -> Future[None]:
    future: Future[None] = Future()
    future.set_result(None)
    return future
