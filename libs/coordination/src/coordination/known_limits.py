"""The limits of locks as a process knows them: hints where to look, never what a start depends on."""

#: Locks that are remembered; those heard of least lately are forgotten.
_MOST = 10_000


class KnownLimits:
    """Remembers which locks have more slots than one, from what is read and heard anyway."""

    def __init__(self) -> None:
        self._limits: dict[str, int] = {}

    def of(self, lock_name: str) -> int:
        """Return how many slots a lock is known to have; 1 where nothing is known."""
        return self._limits.get(lock_name, 1)

    def learn(self, lock_name: str, limit: int) -> None:
        """Take in how many slots a lock has."""
        self._limits.pop(lock_name, None)
        if limit > 1:
            self._limits[lock_name] = limit
            if len(self._limits) > _MOST:
                del self._limits[next(iter(self._limits))]
