"""Counting the requests to the storage, so that the dashboard can say what it costs."""

import threading
import time
from collections import deque

from service_defaults.storage_telemetry import Call, StorageTelemetry

_MINUTE = 60.0


class RequestCount:
    """How many storage requests this process made, in all and within the last minute."""

    def __init__(self) -> None:
        self._telemetry = StorageTelemetry()
        self._lock = threading.Lock()
        self._recent: deque[float] = deque()
        self._began = time.monotonic()
        #: Requests since the start, by operation.
        self.total: dict[str, int] = {}

    def observe(self, call: Call) -> None:
        """Count and measure a call that is just over."""
        self._telemetry.observe(call)
        now = time.monotonic()
        with self._lock:
            self.total[call.operation] = self.total.get(call.operation, 0) + 1
            self._recent.append(now)
            self._forget(now)

    def per_minute(self) -> int:
        """Return the number of requests in the last minute; in the first one, what a whole one would have."""
        now = time.monotonic()
        with self._lock:
            self._forget(now)
            passed = min(_MINUTE, max(1.0, now - self._began))
            return round(len(self._recent) * _MINUTE / passed)

    def _forget(self, now: float) -> None:
        while self._recent and self._recent[0] < now - _MINUTE:
            self._recent.popleft()
