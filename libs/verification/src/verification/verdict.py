"""The verdict: what was looked at, what was found, and how long things took."""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from coordination.journal.events import timestamp
from verification.exclusion import HAND_OVER, IN_LINE, TAKE_OVER
from verification.findings import Invariant, Violation
from verification.numbers import Numbers
from verification.quantiles import nearest_rank
from verification.removals import Removal
from verification.scratch_database import Run, ScratchDatabase

CAUSES = ("runner_died", "worker_stopped", "worker_lost")

#: How the reason begins why an invariant was not looked at as a whole.
PARTLY = "partly: "


class Result(StrEnum):
    """What came of an invariant."""

    HOLDS = "holds"
    #: Nothing was found, as far as there was something to look at.
    HOLDS_PARTLY = "holds_partly"
    NOT_CHECKED = "not_checked"
    BROKEN = "broken"


@dataclass(frozen=True)
class Percentiles:
    """A distribution of seconds; all 0 when nothing was measured."""

    p50: float = 0.0
    p95: float = 0.0
    p99: float = 0.0
    max: float = 0.0
    count: int = 0

    @classmethod
    def of(cls, samples: "array[float]") -> "Percentiles":
        """Sum up sorted samples."""
        if not samples:
            return cls()
        p50, p95, p99 = (nearest_rank(samples, share) for share in (0.50, 0.95, 0.99))
        return cls(p50, p95, p99, samples[-1], len(samples))

    def document(self) -> dict[str, float]:
        """Return it as JSON has it."""
        seconds = {"p50": self.p50, "p95": self.p95, "p99": self.p99, "max": self.max}
        return {name: round(value, 3) for name, value in seconds.items()} | {"count": self.count}


@dataclass(frozen=True)
class Verdict:
    """What came of it."""

    since: datetime | None
    until: datetime | None
    counts: Mapping[str, int]
    outcomes: Mapping[str, int]
    #: The first of each invariant; `found` counts all.
    violations: Sequence[Violation]
    found: Mapping[Invariant, int]
    #: Invariants that were not looked at, and why.
    unchecked: Mapping[Invariant, str]
    in_line: Percentiles
    hand_over: Percentiles
    take_over: Mapping[str, Percentiles]
    #: Most seconds by which workers' clocks contradict the storage's order of transactions.
    clocks_apart: float
    numbers: Numbers = field(default_factory=Numbers)
    #: What was removed, by lock.
    removals: Sequence[Removal] = ()
    #: Runs for a picture: those of broken locks first, then the latest.
    runs: Sequence[Run] = field(default=(), repr=False)

    @property
    def holds(self) -> bool:
        """Whether nothing was found."""
        return not self.found

    def result(self, invariant: Invariant) -> Result:
        """Return what came of one invariant."""
        if self.found.get(invariant):
            return Result.BROKEN
        why = self.unchecked.get(invariant)
        if why is None:
            return Result.HOLDS
        return Result.HOLDS_PARTLY if why.startswith(PARTLY) else Result.NOT_CHECKED

    def document(self) -> dict[str, Any]:
        """Return the verdict as JSON has it."""
        return {
            "holds": self.holds,
            "period": {
                "since": None if self.since is None else timestamp(self.since),
                "until": None if self.until is None else timestamp(self.until),
            },
            "counts": dict(self.counts),
            "numbers": self.numbers.document(),
            "outcomes": dict(self.outcomes),
            "removals": [removal.document() for removal in self.removals],
            "results": {invariant.value: self.result(invariant).value for invariant in Invariant},
            "found": {invariant.value: count for invariant, count in sorted(self.found.items())},
            "unchecked": {invariant.value: why for invariant, why in self.unchecked.items()},
            "violations": [violation.document() for violation in self.violations],
            "seconds": {
                "in_line": self.in_line.document(),
                "hand_over": self.hand_over.document(),
                "take_over": {cause: self.take_over[cause].document() for cause in CAUSES},
            },
            "clocks_apart_seconds": round(self.clocks_apart, 3),
        }


def measured(scratch: ScratchDatabase) -> dict[str, Any]:
    """Sum up the samples in the scratch database, by the verdict's names."""
    return {
        "in_line": Percentiles.of(scratch.samples(IN_LINE)),
        "hand_over": Percentiles.of(scratch.samples(HAND_OVER)),
        "take_over": {cause: Percentiles.of(scratch.samples(f"{TAKE_OVER}{cause}")) for cause in CAUSES},
    }
