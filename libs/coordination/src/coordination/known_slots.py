"""Which locks have several slots, as a process knows: hints where to look, never what a start depends on."""

#: Locks that are remembered; those heard of least lately are forgotten.
_MOST = 10_000


class KnownSlots:
    """Remembers which locks have more slots than one, from what is read and heard anyway."""

    def __init__(self) -> None:
        self._slots: dict[str, int] = {}

    def of(self, lock_name: str) -> int:
        """Return how many slots of a lock are known to be worth a look; 1 where nothing is known."""
        return self._slots.get(lock_name, 1)

    def learn(self, lock_name: str, slots: int) -> None:
        """Take in how many slots of a lock are worth a look."""
        self._slots.pop(lock_name, None)
        if slots > 1:
            self._slots[lock_name] = slots
            if len(self._slots) > _MOST:
                del self._slots[next(iter(self._slots))]
