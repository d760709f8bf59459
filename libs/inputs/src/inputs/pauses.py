"""Waiting: for a condition, with pauses that grow, and for what may take too long."""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from coordination.ports import Clock

ResultT = TypeVar("ResultT")


@dataclass
class Backoff:
    """Pauses that grow, each with jitter: half of it is chance, so that many instances do not ask at once."""

    clock: Clock
    #: Seconds of the first pause, and of the longest.
    first: float = 1.0
    longest: float = 30.0
    _next: float = field(init=False)

    def __post_init__(self) -> None:
        self._next = self.first

    def seconds(self) -> float:
        """Return the length of the next pause."""
        pause = self.clock.jitter(self._next / 2, self._next)
        self._next = min(self._next * 2, self.longest)
        return pause

    def reset(self) -> None:
        """Begin with the first pause again."""
        self._next = self.first


class Signal:
    """Something that happens once, and ends pauses."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._given = asyncio.Event()

    @property
    def is_given(self) -> bool:
        """Whether it has happened."""
        return self._given.is_set()

    def give(self) -> None:
        """Let it happen."""
        self._given.set()

    async def wait(self) -> None:
        """Return when it has happened."""
        await self._given.wait()

    async def pause(self, seconds: float) -> None:
        """Wait so long, but not longer than until it happens."""
        await first_of(self._clock.sleep(seconds), self.wait())


async def first_of(*works: Awaitable[object]) -> None:
    """Return when the first of these has ended, and cancel the others. Raises what it raised."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await cancelled(tasks)
    for task in done:
        task.result()


async def within(clock: Clock, seconds: float, work: Awaitable[ResultT]) -> ResultT:
    """Return what some work returns. Raises TimeoutError, and cancels it, when it takes longer."""
    working = asyncio.ensure_future(work)
    sleeping = asyncio.ensure_future(clock.sleep(seconds))
    try:
        await asyncio.wait([working, sleeping], return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise TimeoutError
    finally:
        await cancelled([working, sleeping])


async def cancelled(tasks: Sequence[asyncio.Future[Any]]) -> None:
    """Cancel tasks, and return when they have ended."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
