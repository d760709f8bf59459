"""How much a verdict rests on: counts of what was compared, and the shortest gap between two runs."""

from dataclasses import dataclass
from typing import Any

from verification.scope import Scope
from verification.scratch_database import ScratchDatabase

#: Runs that reach into the period, whose bounds are two parameters.
OF_PERIOD = "began_at < ? AND (ended_at = '' OR ended_at >= ?)"


@dataclass(frozen=True)
class Gap:
    """The shortest time between two runs of a lock, neither ended nor started in the other's transaction."""

    #: By the storage's own times, where it records them; negative if the two overlapped.
    seconds: float
    lock: str
    #: Fences of the two runs.
    earlier: int
    later: int

    def document(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        fences = {"earlier": self.earlier, "later": self.later}
        return {"seconds": round(self.seconds, 6), "lock": self.lock, **fences}


@dataclass(frozen=True)
class Numbers:
    """What was compared, and what came of it."""

    #: Pairs of runs that follow each other under a lock, and those of them that overlapped.
    neighbours: int = 0
    overlaps: int = 0
    #: Pairs of which one transaction ended the first run and started the second.
    in_one_transaction: int = 0
    #: First and last fence; only where all runs are of one lock.
    fences: tuple[int, int] | None = None
    shortest_gap: Gap | None = None
    #: Jobs whose hash chains were computed again, and those of them without a fault.
    chains: int = 0
    chains_intact: int = 0
    #: Events that there are, by the highest number of each job. What was found is among the counts.
    events_expected: int = 0
    workers: int = 0
    steps: int = 0
    #: Jobs in line now.
    waiting: int = 0

    def document(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        fences = None if self.fences is None else dict(zip(("first", "last"), self.fences, strict=True))
        return {
            "neighbours_compared": self.neighbours,
            "overlaps": self.overlaps,
            "in_one_transaction": self.in_one_transaction,
            "fences": fences,
            "shortest_gap": None if self.shortest_gap is None else self.shortest_gap.document(),
            "chains_checked": self.chains,
            "chains_intact": self.chains_intact,
            "events_expected": self.events_expected,
            "workers": self.workers,
            "steps": self.steps,
            "waiting": self.waiting,
        }


def counted(scratch: ScratchDatabase, scope: Scope) -> Numbers:
    """Count in the scratch database what was read."""
    first, behind = scope.bounds
    compared, overlaps, in_one_transaction = scratch.one(
        "SELECT sum(compared), sum(overlaps), sum(in_one_transaction) FROM neighbours"
    )
    locks, lowest, highest, workers = scratch.one(
        "SELECT count(DISTINCT partition), min(fence), max(fence), count(DISTINCT worker)"  # noqa: S608
        f" FROM runs WHERE {OF_PERIOD}",
        behind,
        first,
    )
    chains, intact, expected, steps = scratch.one(
        "SELECT count(*), sum(is_chain_intact), sum(max(events, last_seq)), sum(steps)"
        " FROM jobs WHERE in_scope"
    )
    return Numbers(
        neighbours=compared or 0,
        overlaps=overlaps or 0,
        in_one_transaction=in_one_transaction or 0,
        fences=(lowest, highest) if locks == 1 else None,
        shortest_gap=_shortest_gap(scratch),
        chains=chains,
        chains_intact=intact or 0,
        events_expected=expected or 0,
        workers=workers,
        steps=steps or 0,
        waiting=scratch.count("SELECT count(*) FROM tickets"),
    )


def _shortest_gap(scratch: ScratchDatabase) -> Gap | None:
    found = scratch.one(
        "SELECT gap, partition, earlier, later FROM neighbours WHERE gap IS NOT NULL"
        " ORDER BY gap, partition LIMIT 1"
    )
    if found is None:
        return None
    seconds, partition, earlier, later = found
    (lock,) = scratch.one("SELECT lock FROM runs WHERE partition = ? AND fence = ? LIMIT 1", partition, later)
    return Gap(seconds, lock, earlier, later)
