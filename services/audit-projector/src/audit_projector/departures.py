"""Letting what comes in a short while leave together, as many jobs together take few requests."""

import asyncio
import math

from coordination.ports import Clock

#: Seconds from one departure to the next.
INTERVAL = 0.2


class Departures:
    """Lets callers go on: the first at once, those who come soon after it together."""

    def __init__(self, clock: Clock, interval: float = INTERVAL) -> None:
        self._clock = clock
        self._interval = interval
        self._last = -math.inf
        self._next: asyncio.Task[None] | None = None

    async def wait(self) -> None:
        """Wait for the next departure, which is now if the last one was long enough ago."""
        if self._next is None:
            left = self._last + self._interval - self._clock.boot()
            self._next = asyncio.create_task(self._depart(left))
        # A caller that is cancelled takes nobody's departure away.
        await asyncio.shield(self._next)

    async def _depart(self, seconds: float) -> None:
        try:
            # Even at once, those who come at the same moment leave together.
            await (self._clock.sleep(seconds) if seconds > 0 else asyncio.sleep(0))
        finally:
            self._last, self._next = self._clock.boot(), None
