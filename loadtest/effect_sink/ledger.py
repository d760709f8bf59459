"""What the sink knows: the highest fence of each key and slot, and a file with all that was asked of it."""

import json
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

_LONGEST_TEXT = 2000


class MalformedEffectError(ValueError):
    """The body is not an effect; the text names the field."""


@dataclass
class Ledger:
    """Accepts effects in the order of their fences, as a careful target outside would.

    The file has one JSON object per effect: `key`, `fence`, `job`, `step` and what else came, such as `slot`
    (without it, slot 0), `at` (seconds of the machine's boot-time clock), `accepted`, and `highest`, the
    highest fence seen before. It is not synced: a process that dies loses nothing by that, and no machine is
    meant to lose its power here.
    """

    path: Path
    _highest: dict[tuple[str, int], int] = field(default_factory=dict)
    _accepted: int = 0
    _refused: int = 0
    _mutex: threading.Lock = field(default_factory=threading.Lock)
    _file: TextIO = field(init=False)

    def __post_init__(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open("a", buffering=1)

    def apply(self, effect: Any) -> bool:
        """Accept an effect, or refuse it because its key and slot were seen with a higher fence.

        Raises MalformedEffectError.
        """
        place, fence = _checked(effect)
        with self._mutex:
            highest = self._highest.get(place, 0)
            is_accepted = fence >= highest
            self._highest[place] = max(fence, highest)
            self._accepted += is_accepted
            self._refused += not is_accepted
            line = {
                **effect,
                "at": time.clock_gettime(time.CLOCK_BOOTTIME),
                "accepted": is_accepted,
                "highest": highest,
            }
            self._file.write(json.dumps(line) + "\n")
        return is_accepted

    def close(self) -> None:
        """Close the file; there can be no effects afterwards."""
        self._file.close()

    def metrics(self) -> str:
        """Return how many effects there were, as Prometheus reads it."""
        return (
            f"# TYPE effect_accepted_total counter\neffect_accepted_total {self._accepted}\n"
            f"# TYPE effect_refused_total counter\neffect_refused_total {self._refused}\n"
        )


def _checked(effect: Any) -> tuple[tuple[str, int], int]:
    """Return what the fence of an effect counts for, and the fence. Raises MalformedEffectError."""
    if not isinstance(effect, dict):
        raise MalformedEffectError("an effect is a JSON object with key, fence, job and step")
    for name in ("key", "job", "step"):
        value = effect.get(name)
        if not isinstance(value, str) or not 1 <= len(value) <= _LONGEST_TEXT:
            raise MalformedEffectError(f"{name} must be a text of 1 to {_LONGEST_TEXT} characters")
    numbers = {"fence": (effect.get("fence"), 1), "slot": (effect.get("slot", 0), 0)}
    for name, (number, least) in numbers.items():
        # A bool is an int to Python, not to the sender.
        if not isinstance(number, int) or isinstance(number, bool) or number < least:
            raise MalformedEffectError(f"{name} must be a whole number from {least}")
    return (effect["key"], effect.get("slot", 0)), effect["fence"]
