"""A clock that was set wrong."""

from datetime import datetime, timedelta

from coordination.testing.memory import VirtualClock


class WrongClock:
    """A clock whose time of day is wrong; what it measures is right."""

    def __init__(self, clock: VirtualClock, by: timedelta) -> None:
        self._clock = clock
        self._by = by

    def boot(self) -> float:
        return self._clock.boot()

    def now(self) -> datetime:
        return self._clock.now() + self._by

    async def sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds)

    def jitter(self, shortest: float, longest: float) -> float:
        return self._clock.jitter(shortest, longest)
