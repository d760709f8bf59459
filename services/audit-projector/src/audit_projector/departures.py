"""Letting what comes in a short while leave together, as many jobs together take few requests."""

import asyncio
import math

from coordination.ports import Clock

#: Seconds from one departure to the next.
INTERVAL = 0.2

#: After a departure with this many callers the next one takes its time: the more leave together, the fewer
#: requests each of them costs.
_MANY, _FACTOR = 20, 2


class Departures:
    """Lets callers go on: the first at once, those who come soon after it together."""

    def __init__(self, clock: Clock, interval: float = INTERVAL) -> None:
        self._clock = clock
        self._interval = interval
        self._last = -math.inf
        self._next: asyncio.Task[None] | None = None
        #: Callers who wait for the next departure, and those who left with the last.
        self._waiting = self._left = 0

    async def wait(self) -> None:
        """Wait for the next departure, which is now if the last one was long enough ago."""
        if self._next is None:
            interval = self._interval * (_FACTOR if self._left >= _MANY else 1)
            self._next = asyncio.create_task(self._depart(self._last + interval - self._clock.boot()))
        self._waiting += 1
        # A caller that is cancelled takes nobody's departure away.
        await asyncio.shield(self._next)

    async def _depart(self, seconds: float) -> None:
        try:
            # Even at once, those who come at the same moment leave together.
            await (self._clock.sleep(seconds) if seconds > 0 else asyncio.sleep(0))
        finally:
            self._last, self._next = self._clock.boot(), None
            self._left, self._waiting = self._waiting, 0
