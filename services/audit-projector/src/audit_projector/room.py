"""How many jobs are projected at the same time: fewer while the storage is slow, more while it is not."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from coordination.ports import Clock, UnknownOutcomeError

#: Jobs at the same time, at most: together they make few requests to a storage that answers in time.
_MOST = 512

#: Jobs at the same time, however slow the storage is.
_LEAST = 8

#: Seconds for one job, waiting for its turn left out, from which the storage is taken to be slow: its limit
#: for one request is 5 s, and a job needs several.
_SLOW = 2.0


class Room:
    """Lets jobs in as far as there is room: half as many after a slow or failed one, else one more each.

    Those that are inside when the room is halved do not halve it again.
    """

    def __init__(self, clock: Clock, most: int = _MOST, least: int = _LEAST) -> None:
        self._clock = clock
        self._most, self._least = most, least
        self._size = most
        self._inside = 0
        self._halved_at = 0.0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def size(self) -> int:
        """How many jobs there is room for."""
        return self._size

    @asynccontextmanager
    async def place(self) -> AsyncGenerator[None]:
        """Wait for a place and keep it for the body, which tells by its time how the storage does."""
        await self._enter()
        began, has_failed = self._clock.boot(), False
        try:
            yield
        except UnknownOutcomeError:
            has_failed = True
            raise
        finally:
            self._inside -= 1
            self._adapt(began, is_slow=has_failed or self._clock.boot() - began > _SLOW)
            self._let_in()

    async def _enter(self) -> None:
        if self._inside < self._size and not self._waiting:
            self._inside += 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._inside -= 1
                self._let_in()
            raise

    def _let_in(self) -> None:
        while self._waiting and self._inside < self._size:
            turn = self._waiting.popleft()
            if not turn.done():
                self._inside += 1
                turn.set_result(None)

    def _adapt(self, began: float, *, is_slow: bool) -> None:
        if not is_slow:
            self._size = min(self._size + 1, self._most)
        elif began >= self._halved_at:
            self._size = max(self._size // 2, self._least)
            self._halved_at = self._clock.boot()
