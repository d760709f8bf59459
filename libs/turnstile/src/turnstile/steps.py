"""Steps: the parts of a job that are done once, however often the job is interrupted."""

import json
import time
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from pydantic import TypeAdapter

from turnstile.channels import RecordedStep
from turnstile.errors import StepMisuseError
from turnstile.values import to_json

if TYPE_CHECKING:
    from turnstile.context import JobContext, RunContext, SyncJobContext

T = TypeVar("T")

_innermost: ContextVar["OpenStep | None"] = ContextVar("turnstile_step", default=None)


def current_step() -> "OpenStep | None":
    """Return the innermost step that the calling code runs in and that still takes state."""
    step = _innermost.get()
    return step if step is not None and step.takes_state else None


class OpenStep:
    """A step of a run, between its beginning and its record.

    Python cannot skip the body of a `with`, so a recorded step says so and its body has to ask:

        async with ctx.step("load") as step:
            if not step.done:
                step.result = await load()
        use(step.result)
    """

    def __init__(self, context: "RunContext", name: str, recorded: str | None, stem: str = "") -> None:
        self._context = context
        self._stem = stem
        #: Unique within the run: the second step of one name is "name#2".
        self.name = name
        #: Whether an earlier attempt recorded this step, so that its body must not do the work again.
        self.done = recorded is not None
        self._result = "null" if recorded is None else recorded
        self._state: str | None = None
        self._is_open = False
        self._outer: OpenStep | None = None
        self._scope: AbstractContextManager[object] = nullcontext()
        self._began = 0.0

    @property
    def result(self) -> Any:
        """The step's result after its way through JSON, the same in every attempt."""
        return json.loads(self._result)

    @result.setter
    def result(self, value: Any) -> None:
        if self.done:
            raise StepMisuseError(
                f"step {self.name!r} was recorded by an earlier attempt and must not be done again: "
                "put its work under `if not step.done:`, or use ctx.run_step(...)"
            )
        self._result = to_json(value, f"the result of step {self.name!r}")

    def result_as(self, expected: type[T]) -> T:
        """Return the result as a model or any other type pydantic can build from JSON."""
        return TypeAdapter(expected).validate_json(self._result)

    @property
    def takes_state(self) -> bool:
        """Whether state saved now is to be committed together with this step."""
        return self._is_open and not self.done

    def fold_in(self, state: str) -> None:
        """Keep state (JSON), to be committed together with this step's record."""
        self._state = state

    def _begin(self) -> None:
        self._context.check()
        self._outer = _innermost.get()
        _innermost.set(self)
        self._is_open = True
        self._began = time.monotonic()
        self._context.show_step(self.name)
        if not self.done:
            self._scope = self._context.step_scope(self.name, self._stem)
        self._scope.__enter__()

    def _end(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._scope.__exit__(kind, error, trace)
        _innermost.set(self._outer)
        self._is_open = False
        self._context.show_step(self._outer.name if self._outer else "")

    def _record(self) -> RecordedStep:
        return RecordedStep(self.name, self._result, time.monotonic() - self._began, self._state)


class Step(OpenStep):
    """A step of an async handler."""

    _context: "JobContext"

    async def __aenter__(self) -> Self:
        self._begin()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end(kind, error, trace)
        if kind is None and not self.done:
            await self._context.commit_step(self._record())


class SyncStep(OpenStep):
    """A step of a plain handler."""

    _context: "SyncJobContext"

    def __enter__(self) -> Self:
        self._begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end(kind, error, trace)
        if kind is None and not self.done:
            self._context.commit_step(self._record())
