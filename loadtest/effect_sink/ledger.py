"""What the sink knows: the highest fence of each lock, and a file with everything that was asked of it."""

import json
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Ledger:
    """Accepts effects in the order of their fences, as a careful target outside would."""

    path: Path
    _highest: dict[str, int] = field(default_factory=dict)
    _accepted: int = 0
    _refused: int = 0
    _mutex: threading.Lock = field(default_factory=threading.Lock)

    def apply(self, effect: dict[str, Any]) -> bool:
        """Accept an effect, or refuse it because its lock was seen with a higher fence."""
        key, fence = str(effect["key"]), int(effect["fence"])
        with self._mutex:
            highest = self._highest.get(key, 0)
            is_accepted = fence >= highest
            self._highest[key] = max(fence, highest)
            self._accepted += is_accepted
            self._refused += not is_accepted
            line = {
                **effect,
                "at": time.clock_gettime(time.CLOCK_BOOTTIME),
                "accepted": is_accepted,
                "highest": highest,
            }
            with self.path.open("a") as file:
                file.write(json.dumps(line) + "\n")
        return is_accepted

    def metrics(self) -> str:
        """Give how many effects there were, as Prometheus reads it."""
        return (
            f"# TYPE effect_accepted_total counter\neffect_accepted_total {self._accepted}\n"
            f"# TYPE effect_refused_total counter\neffect_refused_total {self._refused}\n"
        )
