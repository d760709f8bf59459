"""What an action of the protocol took of the storage, so that an observer can show both together."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar


@dataclass
class Took:
    """What an action took: when it began, and the storage calls that its tracer noted."""

    #: Nanoseconds since the epoch, by the wall clock; 0 where nothing is traced.
    began: int = 0
    calls: list[Any] = field(default_factory=list)


#: Returns what is entered for the time of an action, and gathers the storage calls made in it.
TraceCalls = Callable[[], AbstractContextManager[Took]]


def untraced() -> AbstractContextManager[Took]:
    """Note no calls."""
    return nullcontext(Took())


class Traceable(Protocol):
    """An object whose actions are traced."""

    _trace_calls: TraceCalls


SelfT = TypeVar("SelfT", bound=Traceable)
ArgsP = ParamSpec("ArgsP")
ResultT = TypeVar("ResultT")


def action(
    method: Callable[Concatenate[SelfT, Took, ArgsP], Awaitable[ResultT]],
) -> Callable[Concatenate[SelfT, ArgsP], Awaitable[ResultT]]:
    """Make each call of a method an action, and give the method what it took so far."""

    @wraps(method)
    async def act(self: SelfT, /, *args: ArgsP.args, **kwargs: ArgsP.kwargs) -> ResultT:
        with self._trace_calls() as took:
            return await method(self, took, *args, **kwargs)

    return act
