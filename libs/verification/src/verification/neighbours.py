"""Runs of one lock that follow each other by their fences: how many were compared, and the shortest gap."""

from dataclasses import dataclass
from datetime import datetime

from verification.scratch_database import Run, ScratchDatabase


@dataclass
class Neighbours:
    """What comparing the runs of one lock came to."""

    compared: int = 0
    overlaps: int = 0
    #: Pairs of which one transaction ended the first and started the second: no time is between them.
    in_one_transaction: int = 0
    #: The shortest time between two others, in seconds, and their fences; negative where they overlapped.
    gap: float | None = None
    earlier: int = 0
    later: int = 0

    def note(self, earlier: Run, later: Run, *, is_overlap: bool) -> None:
        """Count a pair that was compared."""
        self.compared += 1
        self.overlaps += is_overlap
        if earlier.ended_in == later.begun_in and not is_overlap:
            self.in_one_transaction += 1
            return
        gap = _gap(earlier, later)
        if gap is None:
            return
        # Times that are nearer than they are exact may stand in either order.
        gap = gap if is_overlap else max(0.0, gap)
        if self.gap is None or gap < self.gap:
            self.gap, self.earlier, self.later = gap, earlier.fence, later.fence

    def keep(self, scratch: ScratchDatabase, partition: str) -> None:
        """Keep it, until the lock is read again."""
        scratch.add(
            "neighbours",
            (
                partition,
                self.compared,
                self.overlaps,
                self.in_one_transaction,
                self.gap,
                self.earlier,
                self.later,
            ),
        )


def seconds_between(start: str, end: str) -> float:
    """Return the seconds from one written time to another; 0 where one cannot be read."""
    try:
        return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
    except (ValueError, TypeError):
        return 0.0


def _gap(earlier: Run, later: Run) -> float | None:
    """Return the time between two runs, by the storage's clock where it shows; None if the first is open."""
    if not earlier.ended_at or earlier.fence == later.fence:
        return None
    began, ended, last = later.began_commit, earlier.ended_commit, earlier.last_commit
    if began is not None and ended is not None and last is not None:
        return began - max(ended, last)
    return seconds_between(earlier.ended_at, later.began_at)
