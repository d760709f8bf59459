"""Operations: what the protocol does in one go, with the storage calls it took, for an observer to tell."""

import time
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


@dataclass
class Operation:
    """One operation in progress."""

    #: Nanoseconds since the epoch, by the wall clock.
    began: int = field(default_factory=time.time_ns)
    #: Whatever the observer of storage calls notes here.
    calls: list[Any] = field(default_factory=list)


_current: ContextVar[Operation | None] = ContextVar("coordination_operation", default=None)


def current_operation() -> Operation | None:
    """Return the operation that the calling code is part of, also in tasks that the operation has started."""
    return _current.get()


def operation(function: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """Make each call of an async function an operation."""

    @wraps(function)
    async def operate(*args: P.args, **kwargs: P.kwargs) -> T:
        token = _current.set(Operation())
        try:
            return await function(*args, **kwargs)
        finally:
            _current.reset(token)

    return operate
