"""What steps of both kinds of handlers have: a name, a result, and a time in which they are open."""

import json
import time
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import TypeAdapter

from turnstile.channels import RecordedStep
from turnstile.errors import StepMisuseError
from turnstile.step_names import StepPlace
from turnstile.values import to_json

if TYPE_CHECKING:
    from turnstile.context import RunContext

T = TypeVar("T")

_innermost: ContextVar["OpenStep | None"] = ContextVar("turnstile_step", default=None)


def current_step() -> "OpenStep | None":
    """Return the innermost step that the calling code runs in and that still takes state."""
    step = _innermost.get()
    return step if step is not None and step.takes_state else None


def surrounding_name(context: "RunContext", name: str) -> str:
    """Return the whole name of the innermost open step of this name around the calling code, or the name."""
    step = _around(context)
    while step is not None and context.step_names.is_placed:
        if step.short_name == name:
            return step.name
        step = step.outer
    return name


def _around(context: "RunContext") -> "OpenStep | None":
    """Return the step of this run that the calling code runs in, or ran in."""
    step = _innermost.get()
    return step if step is not None and step.belongs_to(context) else None


class OpenStep:
    """A step of a run, between its beginning and its record.

    Python cannot skip the body of a `with`, so a recorded step says so and its body has to ask:

        async with ctx.step("load") as step:
            if not step.done:
                step.result = await load()
        use(step.result)
    """

    def __init__(self, context: "RunContext", name: str, stem: str = "") -> None:
        self._context = context
        self._names = context.step_names
        self._stem = stem
        #: The name that the handler gave it.
        self.short_name = name
        #: The step that it is in.
        self.outer = _around(context)
        self._claim()
        self._state: str | None = None
        #: Whether its block is being run, has ended as it should, was left by an error.
        self.is_open = self._has_ended = self._was_left = False
        self._before: OpenStep | None = None
        self._scope: AbstractContextManager[object] = nullcontext()
        self._began = 0.0

    def _claim(self) -> None:
        """Take a name, and what is recorded under it."""
        self._place: StepPlace | None = None if self.outer is None else self.outer.inside
        #: The whole name, unique within the run: after those of the steps around it, and with a number unless
        #: it is the first of its name there: "name", "name#2", "outer/name".
        self.name, self._number = self._names.claim(self.short_name, self._place)
        #: Where the steps inside it begin.
        self.inside: StepPlace = StepPlace(self.name)
        recorded = self._names.result(self.name, self._place)
        #: Whether it is recorded already, so that its body must not do the work again.
        self.done = recorded is not None
        self._result = "null" if recorded is None else recorded

    @property
    def result(self) -> Any:
        """The step's result after its way through JSON, the same in every attempt."""
        return json.loads(self._result)

    @result.setter
    def result(self, value: Any) -> None:
        if not self.is_open:
            raise StepMisuseError(
                f"the result of step {self.name!r} was set outside of its block: set it inside, before the "
                "step is recorded"
            )
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
        return self.is_open and not self.done

    def fold_in(self, state: str) -> None:
        """Keep state (JSON), to be committed together with this step's record."""
        self._state = state

    def belongs_to(self, context: "RunContext") -> bool:
        """Whether this is a step of the run."""
        return self._context is context

    def key_name(self) -> str:
        """Return the name for an idempotency key. Raises StepMisuseError."""
        if self._was_left:
            raise StepMisuseError(
                f"step {self.name!r} was left by an error, and its name may be another step's by now: ask "
                "for its idempotency key inside its block"
            )
        return self.name

    def _prepare(self) -> None:
        """Make sure that it may be entered; one that was left by an error may be, again."""
        if self.is_open or self._has_ended:
            raise StepMisuseError(f"step {self.name!r} was entered before: call ctx.step(...) for each entry")
        if self._was_left:
            self._claim()
            self._was_left = False

    def _check_place(self) -> None:
        """Raise what the run has to say, or StepMisuseError when its name belongs to another place."""
        around = _around(self._context)
        if self._names.is_placed and around is not self.outer:
            where = "outside of all steps" if around is None else f"inside step {around.name!r}"
            raise StepMisuseError(
                f"step {self.name!r} was made elsewhere and entered {where}: call ctx.step(...) where the "
                "step is entered"
            )
        if self._names.is_placed and around is not None and not around.is_open:
            raise StepMisuseError(
                f"step {self.name!r} begins in step {around.name!r}, which has ended: wait for the tasks of "
                "a step inside its block"
            )
        self._context.check()

    def _begin(self) -> None:
        self._names.enter(self.name, self._place)
        self._before = _innermost.get()
        _innermost.set(self)
        self.is_open = True
        self._began = time.monotonic()
        self._context.show_step(self.name)
        if not self.done:
            self._scope = self._context.step_scope(self.name, self._stem)
        self._scope.__enter__()

    def _end(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._scope.__exit__(kind, error, trace)
        _innermost.set(self._before)
        self.is_open = False
        self._context.show_step(self._before.name if self._before else "")
        if kind is None and self.inside.open:
            raise StepMisuseError(
                f"step {self.name!r} ended before {self.inside.open} of the steps inside it: wait for its "
                "tasks and threads inside its block"
            )

    def _close(self, *, is_recorded: bool) -> None:
        """Note what became of it: it is recorded, or was left by an error."""
        self._names.leave(self.name, self._place)
        self._has_ended = is_recorded
        if is_recorded:
            self._names.keep(self.name, self.short_name, self._number, self._place, self._result)
        else:
            self._give_up()

    def _give_up(self) -> None:
        """Release the name, so that another try gets it."""
        self._was_left = self._names.is_placed
        self._state = None
        self._names.give_back(self.short_name, self._number, self._place)

    def _record(self) -> RecordedStep:
        return RecordedStep(self.name, self._result, time.monotonic() - self._began, self._state)
