"""Letting those who are about to write the same table wait for each other, so that few requests carry all."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager

#: Seconds that one waits for others at most.
_LONGEST = 0.1


class Convoy:
    """Gathers those who set out: each may wait until all are there, or for a short while."""

    def __init__(self, longest_seconds: float = _LONGEST) -> None:
        self._longest_seconds = longest_seconds
        self._under_way = 0
        self._gate: asyncio.Event | None = None
        self._timer: asyncio.TimerHandle | None = None

    @contextmanager
    def under_way(self) -> Generator[None]:
        """Be one of those for whom the others wait."""
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._go_on()

    async def wait(self) -> None:
        """Wait until nobody is under way any more, at most for a while; who is alone does not wait."""
        if not self._under_way:
            return
        if self._gate is None:
            self._gate = asyncio.Event()
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._longest_seconds, self._go_on)
        await self._gate.wait()

    def _go_on(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._gate is not None:
            self._gate.set()
        self._gate = self._timer = None
