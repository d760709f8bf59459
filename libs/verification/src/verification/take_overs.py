"""Take-overs among the runs of a picture: who lost a lock, who took over, and how long it took."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from contracts.statuses import EventStatus
from verification.exclusion import cause_of
from verification.neighbours import seconds_between
from verification.scratch_database import Run

#: Fences from the run that was cut off to the next one: a lost worker's run may have been ended under one of
#: its own. Farther apart, runs between them are not known here.
_NEXT, _NEXT_AFTER_LOSS = 1, 2


@dataclass(frozen=True)
class TakeOver:
    """A run that was cut off, and the next run of its lock."""

    lock: str
    cut_off_fence: int
    fence: int
    lost_worker: str
    worker: str
    cause: str
    #: From when to when the lock was without a run.
    since: str
    at: str
    seconds: float
    #: The time counts from the last event of a worker that was lost: it may have died later.
    is_at_most: bool


def take_overs(runs: Iterable[Run]) -> list[TakeOver]:
    """Return the take-overs among runs, which are in the order of their locks, slots and fences."""
    ordered = list(runs)
    last_starts: dict[tuple[str, str], str] = {}
    for run in ordered:
        job = run.partition, run.job_id
        last_starts[job] = max(run.began_at, last_starts.get(job, ""))
    found = []
    for earlier, later in pairwise(ordered):
        if earlier.place != later.place or not earlier.ended_at:
            continue
        ran_again = last_starts[earlier.partition, earlier.job_id] > earlier.began_at
        was_waited_for = later.queued_at <= earlier.ended_at or ran_again
        if earlier.outcome == EventStatus.INTERRUPTED and was_waited_for and _is_next(earlier, later):
            found.append(_take_over(earlier, later))
    return found


def _is_next(earlier: Run, later: Run) -> bool:
    is_lost = cause_of(earlier, later) == "worker_lost"
    return 0 < later.fence - earlier.fence <= (_NEXT_AFTER_LOSS if is_lost else _NEXT)


def _take_over(earlier: Run, later: Run) -> TakeOver:
    cause = cause_of(earlier, later)
    is_lost = cause == "worker_lost"
    since = (earlier.last_at or earlier.began_at) if is_lost else earlier.ended_at
    return TakeOver(
        lock=later.lock,
        cut_off_fence=earlier.fence,
        fence=later.fence,
        lost_worker=earlier.worker,
        worker=later.worker,
        cause=cause,
        since=since,
        at=later.began_at,
        seconds=round(max(0.0, seconds_between(since, later.began_at)), 3),
        is_at_most=is_lost,
    )
