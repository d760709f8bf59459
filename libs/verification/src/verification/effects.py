"""The file in which an effect sink recorded what was asked of it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

#: A run, by its lock, slot, fence and job.
RunKey = tuple[str, int, int, str]

#: More seconds than any sink's clock counts, and a higher fence than any.
_NO_TIME, _NO_FENCE = 1e11, 2**63


class LedgerError(ValueError):
    """The file is not a ledger of an effect sink."""


@dataclass(frozen=True, slots=True)
class Effect:
    """One effect that was asked for; `at` counts seconds of the sink's clock."""

    key: str
    fence: int
    job: str
    step: str
    at: float
    is_accepted: bool
    #: The slot of the lock: each has fences of its own.
    slot: int = 0
    #: How often the sink's clock had restarted before.
    restarts: int = 0

    @property
    def place(self) -> tuple[str, int]:
        """What its fence counts for: the lock and the slot."""
        return self.key, self.slot

    @property
    def run(self) -> RunKey:
        """The run that had it."""
        return self.key, self.slot, self.fence, self.job


def read_effects(path: Path) -> Iterator[Effect]:
    """Go through the effects of a ledger. Raises OSError, and LedgerError when the file is none."""
    restarts, last = 0, float("-inf")
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n"):
                return  # it is being written
            effect = _read(line, number)
            restarts += effect.at < last
            last = effect.at
            yield replace(effect, restarts=restarts) if restarts else effect


def _read(line: bytes, number: int) -> Effect:
    try:
        values = json.loads(line)
        effect = Effect(
            str(values["key"]),
            int(values["fence"]),
            str(values["job"]),
            str(values["step"]),
            float(values["at"]),
            bool(values["accepted"]),
            # Targets of jobs that know no slots name none.
            int(values.get("slot", 0)),
        )
        f"{effect.key}{effect.job}{effect.step}".encode()  # raises UnicodeEncodeError
        if not (abs(effect.at) < _NO_TIME and abs(effect.fence) < _NO_FENCE and 0 <= effect.slot < _NO_FENCE):
            raise ValueError("its time, its fence or its slot is out of range")
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise LedgerError(f"line {number} of the ledger is not an effect: {error}") from None
    return effect
