"""A bound on how much may be sent."""

import time


class RateLimit:
    """Allows `rate` a second on average, and `burst` at once. What was not allowed is counted."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = self._left = burst
        self._since = time.monotonic()
        self._refused = 0

    def take(self) -> bool:
        """Return whether one more is allowed now."""
        now = time.monotonic()
        self._left = min(self._burst, self._left + (now - self._since) * self._rate)
        self._since = now
        if self._left < 1:
            self._refused += 1
            return False
        self._left -= 1
        return True

    def take_refused(self) -> int:
        """Return how many were not allowed since this was asked last."""
        refused, self._refused = self._refused, 0
        return refused
