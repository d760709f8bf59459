"""The job context: what a handler knows about its run, and what it can do."""

import asyncio
import inspect
import json
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from types import CodeType
from typing import Any, ParamSpec, TypeVar

from pydantic import TypeAdapter

from turnstile.channels import Attempt, Channel, RecordedStep, StopReason
from turnstile.errors import DeadlinePassedError, JobCancelledError, RunOverError
from turnstile.open_steps import OpenStep, current_step, surrounding_name
from turnstile.stems import calling_code, stem_of
from turnstile.step_names import StepNames
from turnstile.steps import Step, SyncStep
from turnstile.unheard_records import UnheardRecords
from turnstile.values import finite, to_json

P = ParamSpec("P")
T = TypeVar("T")

_ERRORS = {
    StopReason.DEADLINE: DeadlinePassedError,
    StopReason.LOST: DeadlinePassedError,
    StopReason.OVER: RunOverError,
}


class RunContext:
    """What both kinds of handlers have: the run's identity, its state, its progress, whether to stop."""

    def __init__(self, attempt: Attempt, channel: Channel) -> None:
        self._attempt = attempt
        self._channel = channel
        self._state = attempt.state
        #: Names of the steps; steps use them themselves.
        self.step_names = StepNames(attempt.recorded, attempt.naming)
        self._began = time.monotonic()
        self._progress: tuple[float | None, float | None] = (None, None)
        self._step = ""
        #: Whether `check` has raised the error that asks the handler to stop.
        self.was_asked_to_stop = False
        #: Identifies the job, for ever.
        self.job_id = attempt.job_id
        self.kind = attempt.kind
        #: The name under which jobs exclude each other.
        self.lock = attempt.lock
        #: Number of this attempt, from 1.
        self.attempt = attempt.attempt
        #: How many attempts were cut off before this one.
        self.interruptions = attempt.interruptions
        #: The slot of the lock in which this runs: 0, unless a limit lets several jobs run at the same time.
        self.slot = attempt.slot
        #: Rises with every run in this slot of the lock; a target that remembers the highest of each slot can
        #: refuse stale writers.
        self.fence = attempt.fence
        #: The progress that earlier attempts showed last, and its limit; None without. A worker that died had
        #: perhaps not written the very last one.
        self.last_progress_value = attempt.progress_value
        self.last_progress_limit = attempt.progress_limit
        #: W3C trace context of the submission, if there was one.
        self.traceparent = attempt.traceparent
        #: A standard logger; like all a handler logs, its records get the run's identity from the worker.
        self.logger = logging.getLogger(f"turnstile.jobs.{attempt.kind}")

    @property
    def elapsed(self) -> timedelta:
        """How long this attempt has been running."""
        return timedelta(seconds=time.monotonic() - self._began)

    @property
    def state(self) -> Any:
        """The JSON value that was committed last, by this attempt or an earlier one; None at first."""
        return None if self._state is None else json.loads(self._state)

    @property
    def properties(self) -> dict[str, Any]:
        """The properties that the job was submitted with."""
        return dict(json.loads(self._attempt.properties))

    def state_as(self, expected: type[T]) -> T | None:
        """Return the saved state as a model, or None when nothing was saved. Raises ValidationError."""
        return None if self._state is None else TypeAdapter(expected).validate_json(self._state)

    def progress(self, value: float, limit: float | None = None) -> None:
        """Show how far the job is: `value` of `limit`, in a unit of its own.

        Without a limit the last one stays. Cheap; what is not shown in time is overtaken by the next. Raises
        ValueError for NaN, infinity and numbers beyond 1.8e308, TypeError for what is not a number.
        """
        shown = finite(value, "the progress")
        self._progress = (shown, self._progress[1] if limit is None else finite(limit, "the limit"))
        self._channel.report(*self._progress, self._step)

    def check(self) -> None:
        """Call before each effect outside. Raises JobCancelledError or DeadlinePassedError when to stop.

        Reads memory shared with the worker, so it works in plain code and while the event loop is blocked,
        and costs about a microsecond.
        """
        reason = self._channel.stop_reason()
        if reason is not None:
            self.was_asked_to_stop = True
            raise _ERRORS.get(reason, JobCancelledError)(reason.value)

    def idempotency_key(self, step: str | OpenStep) -> str:
        """Return the key under which a target outside can recognise a repeated effect of this step.

        It is `job_id/` and the step's whole name, the same in every attempt and every retry. A text that is
        the name of an open step around the call stands for that step; any other text is used as it is.
        Raises StepMisuseError for a step that was left by an error.
        """
        if isinstance(step, OpenStep):
            return f"{self.job_id}/{step.key_name()}"
        return f"{self.job_id}/{surrounding_name(self, step)}"

    def show_step(self, name: str) -> None:
        """Show which step runs now; steps do this themselves."""
        self._step = name
        self._channel.report(*self._progress, name)

    def step_scope(self, name: str, stem: str) -> AbstractContextManager[object]:
        """Return what surrounds the work of a step; steps enter it themselves."""
        return self._channel.step_scope(name, stem)

    def _take_over(self, state: str | None) -> None:
        if state is not None:
            self._state = state


class JobContext(RunContext):
    """The context of an `async def` handler."""

    def __init__(self, attempt: Attempt, channel: Channel) -> None:
        super().__init__(attempt, channel)
        #: Steps use them themselves.
        self.unheard_records = UnheardRecords(lambda record: self._take_over(record.state))

    def step(self, name: str) -> Step:
        """Begin a step: `async with ctx.step("load") as step: if not step.done: step.result = await load()`.

        The record of a step is committed before the block is left; a block left by an error leaves no record,
        and can be tried again under the same name. How steps are named, also repeated and nested ones, is in
        the description of this package. Entering raises what `check` raises. Raises StepMisuseError.
        """
        return self._begin(name, calling_code())

    def _begin(self, name: str, code: CodeType) -> Step:
        return Step(self, name, stem_of(name, code))

    async def run_step(
        self, name: str, function: Callable[P, Awaitable[T] | T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Any:
        """Run a function as a step, or skip it when an earlier attempt recorded the step.

        Return the function's result after its way through JSON, so that it is the same in both cases.
        """
        async with self._begin(name, calling_code()) as step:
            if not step.done:
                result = function(*args, **kwargs)
                step.result = await result if inspect.isawaitable(result) else result
        return step.result

    async def save_state(self, value: Any) -> None:
        """Keep a JSON value for the next attempt, and return once it is committed.

        Inside a step it is committed together with the step's record, and not at all when the step fails.
        Works while the run is being stopped, too. Raises NotStorableError or NotRecordedError.
        """
        state = to_json(value, "the state")
        step = current_step()
        if step is not None:
            step.fold_in(state)
            return
        await asyncio.wrap_future(self._channel.save_state(state))
        self._take_over(state)

    async def commit_step(self, record: RecordedStep) -> None:
        """Record a step; steps do this themselves."""
        await self.unheard_records.wait(record, self._channel.record_step(record))


class SyncJobContext(RunContext):
    """The context of a plain `def` handler, which runs in a thread of its own."""

    def step(self, name: str) -> SyncStep:
        """Begin a step: `with ctx.step("load") as step: if not step.done: step.result = load()`.

        As JobContext.step.
        """
        return self._begin(name, calling_code())

    def _begin(self, name: str, code: CodeType) -> SyncStep:
        return SyncStep(self, name, stem_of(name, code))

    def run_step(self, name: str, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Any:
        """Run a function as a step, or skip it when an earlier attempt recorded the step.

        As JobContext.run_step.
        """
        with self._begin(name, calling_code()) as step:
            if not step.done:
                step.result = function(*args, **kwargs)
        return step.result

    def save_state(self, value: Any) -> None:
        """Keep a JSON value for the next attempt. As JobContext.save_state."""
        state = to_json(value, "the state")
        step = current_step()
        if step is not None:
            step.fold_in(state)
            return
        self._channel.save_state(state).result()
        self._take_over(state)

    def commit_step(self, record: RecordedStep) -> None:
        """Record a step; steps do this themselves."""
        self._channel.record_step(record).result()
        self._take_over(record.state)

    def sleep(self, seconds: float) -> None:
        """Wait, but stop waiting with what `check` raises as soon as the run should stop."""
        until = time.monotonic() + seconds
        while True:
            self.check()
            left = until - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(left, 0.05))


def make_context(attempt: Attempt, channel: Channel, *, is_async: bool) -> JobContext | SyncJobContext:
    """Make the context that fits the handler."""
    return JobContext(attempt, channel) if is_async else SyncJobContext(attempt, channel)
