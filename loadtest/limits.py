"""Limits of locks: whether more jobs ran at the same time than were allowed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from loadtest.findings import Finding, finding
from loadtest.histories import History, Run, jobs_per_second, runs_by_lock

#: How long before it counts a limit may have been noted, and how much later than it counts a start.
_RACED = timedelta(seconds=2)


@dataclass(frozen=True)
class Limit:
    """How many jobs of a lock may run at the same time, and since when."""

    limit: int
    set_at: datetime


def judge(
    limits: Mapping[str, Sequence[Limit]], asked: Mapping[str, Sequence[int]], ended: Iterable[History]
) -> Iterable[Finding]:
    """Judge a run in which locks had limits: those that are recorded, and those that were asked for."""
    runs = runs_by_lock(ended)
    recorded = {lock: [each.limit for each in of_lock] for lock, of_lock in limits.items()}
    wrong = [
        f"{lock}: {list(wanted)} was asked for, {recorded[lock]} is recorded"
        for lock, wanted in asked.items()
        if recorded[lock] != list(wanted)
    ]
    said = "; ".join(", ".join(map(str, wanted)) for wanted in asked.values())
    yield finding("each limit is recorded once, in order", wrong, said)
    above = [text for lock, of_lock in limits.items() for text in beyond(runs.get(lock, []), of_lock)]
    together = [most_at_once(runs.get(lock, [])) for lock in limits]
    seen = f"at most {', '.join(map(str, together))} at once"
    yield finding("never more jobs of a lock run at once than its limit", above, seen)
    yield Finding("several jobs of a lock ran at once", seen, max(together, default=0) > 1)
    moved = [lock for lock, wanted in asked.items() if _rises(wanted) and _rises(wanted[::-1])]
    yield Finding("a limit was lowered and raised under load", f"of {len(moved)} locks", bool(moved))


def beyond(runs: Sequence[Run], limits: Sequence[Limit]) -> list[str]:
    """Return which runs of a lock began when as many ran as its limit allowed; limits are in their order.

    What runs when a limit is lowered continues. So of all runs that began at a moment or later, no more may
    be in progress than the highest limit since that moment.
    """
    found = []
    for run in runs:
        others = [other for other in runs if other.start <= run.start < other.end]
        # The latest first: each of them is the first of one more that began since it did.
        for count, first in enumerate(sorted(others, key=lambda other: other.start, reverse=True), 1):
            allowed = _highest(limits, first.start - _RACED, run.start + _RACED)
            if count > allowed:
                found.append(f"{run.job_id} began as number {count} of {run.lock}, limit {allowed}")
                break
    return found


def most_at_once(runs: Sequence[Run]) -> int:
    """Return how many of these runs were in progress at the same time, at most."""
    return max((sum(other.start <= run.start < other.end for other in runs) for run in runs), default=0)


def figures(
    limits: Mapping[str, Sequence[Limit]], ended: Iterable[History]
) -> Mapping[str, Mapping[str, object]]:
    """Return what each lock with a limit did, by its name."""
    runs = runs_by_lock(ended)
    return {
        lock: {
            "limits": [each.limit for each in of_lock],
            "runs": len(runs.get(lock, [])),
            "most_at_once": most_at_once(runs.get(lock, [])),
            "jobs_per_second": jobs_per_second(runs.get(lock, [])),
        }
        for lock, of_lock in limits.items()
    }


def _highest(limits: Sequence[Limit], since: datetime, until: datetime) -> int:
    # A lock that was given none has 1.
    before = [1, *(each.limit for each in limits if each.set_at <= since)]
    return max(before[-1], *(each.limit for each in limits if since < each.set_at <= until), 1)


def _rises(limits: Sequence[int]) -> bool:
    return any(earlier < later for earlier, later in pairwise(limits))
