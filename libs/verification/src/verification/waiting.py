"""Looking again: what may only be late is a violation once it has stayed so for a while."""

from collections.abc import AsyncIterator, Iterable, Iterator
from itertools import islice
from typing import TypeVar

from coordination.ports import Clock

ItemT = TypeVar("ItemT")

_PAUSE_SECONDS = 0.5


class Patience:
    """Seconds for which everything together is given time to catch up."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._until = clock.boot() + seconds

    async def looks(self) -> AsyncIterator[bool]:
        """Return a look now and then as long as there is time; each is whether it is the last."""
        while True:
            is_last = self._clock.boot() >= self._until
            yield is_last
            if is_last:
                return
            await self._clock.sleep(_PAUSE_SECONDS)


def batches(items: Iterable[ItemT], size: int) -> Iterator[list[ItemT]]:
    """Return at most `size` items at a time, to be asked for at once."""
    left = iter(items)
    while some := list(islice(left, size)):
        yield some
