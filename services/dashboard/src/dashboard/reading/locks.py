"""What the page of all locks reads: one request for a page of the list, every ten seconds for all viewers."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field

from contracts.jobs import Page
from coordination.ports import Clock
from read_models import ReadModels
from read_models.documents import KnownLock

#: Locks of one page.
PAGE = 50

#: Seconds for which all viewers get the same answer, and pages that are remembered.
_FRESH_SECONDS, _MOST_REMEMBERED = 10.0, 50

#: Requests for one page: names that only begin alike in their partitions may fill the first ones.
_MOST_REQUESTS = 5


@dataclass
class _Kept:
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    page: Page[KnownLock] | None = None
    fresh_until: float = 0.0


class LockListReader:
    """Reads the list of locks for all viewers of a process, on one event loop."""

    def __init__(self, models: ReadModels, clock: Clock) -> None:
        self._models = models
        self._clock = clock
        self._kept: OrderedDict[tuple[str, str | None], _Kept] = OrderedDict()

    async def page(self, prefix: str = "", cursor: str | None = None) -> Page[KnownLock]:
        """Return locks whose names start so, from where a page ended.

        Raises CursorError or UnknownOutcomeError.
        """
        kept = self._kept.setdefault((prefix, cursor), _Kept())
        self._kept.move_to_end((prefix, cursor))
        while len(self._kept) > _MOST_REMEMBERED:
            self._kept.popitem(last=False)
        async with kept.turn:
            now = self._clock.boot()
            if kept.page is None or now >= kept.fresh_until:
                kept.page = await self._read(prefix, cursor)
                kept.fresh_until = now + _FRESH_SECONDS
            return kept.page

    async def _read(self, prefix: str, cursor: str | None) -> Page[KnownLock]:
        found: list[KnownLock] = []
        for _ in range(_MOST_REQUESTS):
            page = await self._models.locks(PAGE - len(found), cursor, prefix)
            found += page.items
            cursor = page.next
            if cursor is None or len(found) >= PAGE:
                break
        return Page[KnownLock](items=found, next=cursor)
