"""Rare states: what few jobs are in, and people look for most. Each has a list of its own.

A job never leaves one: an end is final, and interruptions are only counted up.
"""

from collections.abc import Sequence
from enum import StrEnum

from contracts.jobs import JobSummary
from contracts.statuses import JobStatus
from read_models.filters import JobFilter


class RareState(StrEnum):
    """A rare state. A job may be in several."""

    FAILED = "Failed"
    TIMED_OUT = "TimedOut"
    CANCELLED = "Cancelled"
    EXPIRED = "Expired"
    #: Interrupted at least once, with any status now.
    TAKEN_OVER = "TakenOver"


_BY_STATUS = {
    JobStatus.FAILED: RareState.FAILED,
    JobStatus.TIMED_OUT: RareState.TIMED_OUT,
    JobStatus.CANCELLED: RareState.CANCELLED,
    JobStatus.EXPIRED: RareState.EXPIRED,
}


def rare_states(job: JobSummary) -> list[RareState]:
    """Return the rare states that a job is in."""
    found = [_BY_STATUS[job.status]] if job.status in _BY_STATUS else []
    return found + ([RareState.TAKEN_OVER] if job.interruptions else [])


def lists_with(wanted: JobFilter) -> Sequence[RareState]:
    """Return the rare states whose lists together have every job that fits; none when they do not."""
    if wanted.taken_over:
        return [RareState.TAKEN_OVER]
    if not wanted.statuses <= _BY_STATUS.keys():
        return []
    return [_BY_STATUS[status] for status in sorted(wanted.statuses)]
