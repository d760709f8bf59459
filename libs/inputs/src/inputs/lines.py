"""How long the line of a lock is, for inputs that pause while it is too long."""

from dataclasses import dataclass, field

from coordination.journal import rows
from coordination.ports import Clock, Journal
from coordination.slot import Slot

#: Seconds for which a line that had room counts as one that has, but for what this process adds to it.
_GOOD_FOR = 5.0

#: Most lines that are remembered.
_MOST_REMEMBERED = 10_000


@dataclass
class Lines:
    """Counts waiting jobs, no more often than it must. Others may fill a line in the meantime."""

    journal: Journal
    clock: Clock
    _rooms: dict[str, tuple[int, float]] = field(default_factory=dict)

    async def take_place(self, lock: str, most: int) -> bool:
        """Return whether fewer jobs wait for a lock, and count one more. Raises UnknownOutcomeError."""
        room, until = self._rooms.get(lock, (0, 0.0))
        if room <= 0 or self.clock.boot() >= until:
            until = self.clock.boot() + _GOOD_FOR
            room = await self._room(lock, most)
            if len(self._rooms) >= _MOST_REMEMBERED:
                self._rooms.clear()
        self._rooms[lock] = room - 1, until
        return room > 0

    async def has_room(self, lock: str, most: int) -> bool:
        """Return whether fewer jobs wait for a lock. Raises UnknownOutcomeError."""
        return await self._room(lock, most) > 0

    async def _room(self, lock: str, most: int) -> int:
        found = await self.journal.read_range(Slot(lock).partition, rows.TICKETS, limit=most)
        return most - len(found)
