"""How a run got its lock from the run before, and what became of the fences between the two."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum, auto

from contracts.statuses import EventStatus
from coordination.observations import HandOverCause
from read_models.documents import LockRun


class Way(StrEnum):
    """How a run got the lock."""

    #: No run had the lock before.
    FIRST = auto()
    #: One transaction ended the run before and started this one.
    CHAINED = auto()
    #: The job waited already when the run before ended.
    HANDED_OVER = auto()
    #: The lock was free until the job came.
    FREE = auto()
    #: The run before was cut off.
    TAKEN_OVER = auto()


@dataclass(frozen=True)
class Obtained:
    """How a run got the lock, and how long the lock was without a run before that."""

    way: Way
    seconds: float = 0.0
    #: Why the run before was cut off; None when that is not known, or it was not.
    cause: HandOverCause | None = None
    #: The time counts from the last event of a worker that was lost: it may have died later.
    is_at_most: bool = False

    @property
    def is_hand_over(self) -> bool:
        """Whether the lock went from one job to the next one that waited, as it should."""
        return self.way in {Way.CHAINED, Way.HANDED_OVER}


class GapKind(StrEnum):
    """Why no run is known with a fence."""

    #: It was used to end a run that was cut off, when no other could start: nothing is missing.
    CLOSING = auto()
    #: It may not be projected yet.
    PENDING = auto()
    MISSING = auto()


@dataclass(frozen=True)
class Gap:
    """Fences without a run."""

    first: int
    last: int
    kind: GapKind
    #: The slot whose fences they are.
    slot: int = 0


def obtained_by(
    earlier: LockRun | None, later: LockRun, last_fences: Mapping[str | None, int]
) -> Obtained | None:
    """Return how a run got the lock from the run with the fence below; None when that is not known.

    `last_fences` has the last known fence of each job: one that was cut off and ran again has waited for it.
    """
    if earlier is None:
        return Obtained(Way.FIRST) if later.fence == 1 else None
    if later.begun_in is not None and earlier.ended_in == later.begun_in and not _was_cut_off(earlier):
        return Obtained(Way.CHAINED)
    if earlier.ended_at is None or later.began_at is None:
        return None
    seconds = seconds_between(earlier.ended_at, later.began_at)
    came_later = later.queued_at is not None and later.queued_at > earlier.ended_at
    if _was_cut_off(earlier) and (not came_later or last_fences.get(earlier.job_id, 0) > earlier.fence):
        cause = _cause(earlier, later)
        if cause is not HandOverCause.WORKER_LOST:
            return Obtained(Way.TAKEN_OVER, seconds, cause)
        # Nothing records when a lost worker died: its last own event is the latest sign of life.
        since = earlier.last_event_at or earlier.began_at or earlier.ended_at
        return Obtained(Way.TAKEN_OVER, seconds_between(since, later.began_at), cause, is_at_most=True)
    # Without the time at which the job began to wait, it is unknown whether the lock was wanted.
    waited = not came_later if later.queued_at is not None else later.tenure == earlier.tenure is not None
    return Obtained(Way.HANDED_OVER if waited else Way.FREE, seconds)


def gap_behind(earlier: LockRun, next_fence: int, *, is_recent: bool) -> Gap | None:
    """Return the fences between a run and the next known one; None when there are none.

    `is_recent` says that runs of that time may not be projected yet.
    """
    first, last = earlier.fence + 1, next_fence - 1
    if first > last:
        return None
    is_lost = _was_cut_off(earlier) and _cause(earlier, None) is HandOverCause.WORKER_LOST
    if is_lost and first == last:
        return Gap(first, last, GapKind.CLOSING, earlier.slot or 0)
    return Gap(first, last, GapKind.PENDING if is_recent else GapKind.MISSING, earlier.slot or 0)


def seconds_between(start: datetime, end: datetime) -> float:
    """Return the seconds from one moment to another; nothing when the clocks say they went back."""
    return max(0.0, (end - start).total_seconds())


def _was_cut_off(run: LockRun) -> bool:
    return run.outcome == EventStatus.INTERRUPTED


def _cause(cut_off: LockRun, following: LockRun | None) -> HandOverCause | None:
    if cut_off.runner_died:
        return HandOverCause.RUNNER_DIED
    # A worker that ends its own run as interrupted starts no other in the same transaction: one that took
    # over from itself had lost its lease.
    if following is not None and cut_off.ended_in is not None and cut_off.ended_in == following.begun_in:
        return HandOverCause.WORKER_LOST
    if cut_off.ended_by is not None and cut_off.worker is not None:
        is_own = cut_off.ended_by == cut_off.worker
        return HandOverCause.WORKER_STOPPED if is_own else HandOverCause.WORKER_LOST
    return None
