"""The machine's clock, and a clock that a test advances."""

import asyncio
import heapq
import itertools
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class SystemClock:
    """Time of this machine, counted on while it sleeps where the system can tell."""

    def __init__(self) -> None:
        # CLOCK_MONOTONIC stands still while a machine is suspended, and a lease does not.
        self._clock_id = getattr(time, "CLOCK_BOOTTIME", None)

    def boot(self) -> float:
        """Seconds since some fixed point; never steps back."""
        if self._clock_id is None:
            return time.monotonic()
        return time.clock_gettime(self._clock_id)

    def now(self) -> datetime:
        """The time of day in UTC."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Wait; a duration that has passed only lets others run."""
        await asyncio.sleep(max(0.0, seconds))

    def jitter(self, shortest: float, longest: float) -> float:
        """Return a random number of seconds."""
        return random.uniform(shortest, longest)


class VirtualClock:
    """Time that passes only when a test advances it; sleepers wake in the order of their times."""

    def __init__(
        self,
        start: datetime = datetime(2026, 1, 1, tzinfo=UTC),
        boot: float = 1000.0,
        jitter: Callable[[float, float], float] | None = None,
    ) -> None:
        self._start = start
        self._jitter = jitter
        self._boot_at_start = self._boot = boot
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def boot(self) -> float:
        """Seconds of virtual time."""
        return self._boot

    def now(self) -> datetime:
        """The virtual time of day."""
        return self._start + timedelta(seconds=self._boot - self._boot_at_start)

    async def sleep(self, seconds: float) -> None:
        """Wait until a test has advanced the clock that far."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._boot + seconds, next(self._order), woken))
        await woken

    def jitter(self, shortest: float, longest: float) -> float:
        """Return what the test has chosen; a random number of seconds by default."""
        return (self._jitter or random.uniform)(shortest, longest)

    async def advance(self, seconds: float) -> None:
        """Let time pass: wake each sleeper at its time and let everybody run until they wait again."""
        end = self._boot + seconds
        await self.settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            await self._wake_next()
        self._boot = end

    def jump(self, seconds: float) -> None:
        """Let time pass at once, without waking any sleeper."""
        self._boot += seconds

    async def advance_to_next(self) -> bool:
        """Let time pass until the next sleeper wakes; return whether there was one."""
        await self.settle()
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)
        if not self._sleepers:
            return False
        await self._wake_next()
        return True

    async def _wake_next(self) -> None:
        due, _, woken = heapq.heappop(self._sleepers)
        if not woken.done():
            self._boot = max(self._boot, due)
            woken.set_result(None)
            await self.settle()

    async def settle(self, turns: int = 50) -> None:
        """Let all tasks run that can, for a number of turns of the event loop."""
        for _ in range(turns):
            await asyncio.sleep(0)
