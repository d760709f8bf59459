"""Going through many things, a few at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

ThingT = TypeVar("ThingT")

#: Locks, or groups of jobs, looked at side by side: a lost host's lock must not wait for all the others.
AT_ONCE = 8


async def for_each(look: Callable[[ThingT], Awaitable[None]], things: Iterable[ThingT]) -> None:
    """Look at all things, several at a time, started in their order.

    After a failure, which is raised, no more are started; what is under way is seen to its end.
    """
    left, has_failed = iter(things), False

    async def go_through() -> None:
        nonlocal has_failed
        for thing in left:
            try:
                await look(thing)
            except Exception:
                has_failed = True
                raise
            if has_failed:
                return

    ends = await asyncio.gather(*(go_through() for _ in range(AT_ONCE)), return_exceptions=True)
    for failure in filter(None, ends):
        raise failure
