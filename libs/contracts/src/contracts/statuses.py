"""The statuses of jobs and of their events, and what each of them means."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum, auto


class JobStatus(StrEnum):
    """Status of a job. Every accepted job ends in exactly one terminal status."""

    QUEUED = "Queued"
    RUNNING = "Running"
    COMPLETED = "Completed"
    FAILED = "Failed"
    CANCELLED = "Cancelled"
    TIMED_OUT = "TimedOut"
    #: It did not start in the time that its submitter or its kind gave it.
    EXPIRED = "Expired"

    @property
    def is_terminal(self) -> bool:
        """Whether nothing can happen to the job any more."""
        return _IS_TERMINAL[self]


class JobState(StrEnum):
    """How much of a job is there."""

    #: All of it.
    PRESENT = "Present"
    #: Its audit trail, and what that tells: its time is over, and what it kept is gone.
    ARCHIVED = "Archived"
    #: Its id, which stays in use for a time.
    DELETED = "Deleted"


#: Each status has its own row: none is terminal, or not, by default.
_IS_TERMINAL: Mapping[JobStatus, bool] = {
    JobStatus.QUEUED: False,
    JobStatus.RUNNING: False,
    JobStatus.COMPLETED: True,
    JobStatus.FAILED: True,
    JobStatus.CANCELLED: True,
    JobStatus.TIMED_OUT: True,
    JobStatus.EXPIRED: True,
}


class RunPart(Enum):
    """Which part of a run an event is."""

    START = auto()
    WITHIN = auto()
    END = auto()


class EventStatus(StrEnum):
    """What an event says happened."""

    SUBMITTED = "Submitted"
    LEASE_ACQUIRED = "LeaseAcquired"
    STARTED = "Started"
    STEP = "Step"
    STATE_SAVED = "StateSaved"
    CANCEL_REQUESTED = "CancelRequested"
    INTERRUPTED = "Interrupted"
    #: The attempt failed, and there will be another one.
    ATTEMPT_FAILED = "AttemptFailed"
    COMPLETED = "Completed"
    FAILED = "Failed"
    CANCELLED = "Cancelled"
    TIMED_OUT = "TimedOut"
    EXPIRED = "Expired"
    FINALIZED = "Finalized"
    #: It stays after its end, whatever time is set for it; or does not any more.
    PINNED = "Pinned"
    UNPINNED = "Unpinned"

    @property
    def run_part(self) -> RunPart | None:
        """Which part of a run this event is; None when it belongs to no run.

        An end may also be recorded of a job that does not run: one that waits can be cancelled or expire, and
        an interruption can fail its job in the same transaction.
        """
        return _MEANINGS[self].run_part

    @property
    def starts_run(self) -> bool:
        """Whether a run begins with this event."""
        return self.run_part is RunPart.START

    @property
    def ends_run(self) -> bool:
        """Whether a run that is in progress is over with this event."""
        return self.run_part is RunPart.END

    @property
    def is_terminal(self) -> bool:
        """Whether the job ends with this event. Only FINALIZED, PINNED and UNPINNED may follow."""
        return _MEANINGS[self].is_terminal

    @property
    def is_last(self) -> bool:
        """Whether nothing is expected to happen to the job after this event."""
        return self.is_terminal or self.follows_end

    @property
    def follows_end(self) -> bool:
        """Whether this event can only come after the end of a job."""
        return self in {EventStatus.FINALIZED, EventStatus.PINNED, EventStatus.UNPINNED}

    @property
    def changes_summary(self) -> bool:
        """Whether the job's summary may differ after this event."""
        return _MEANINGS[self].changes_summary


@dataclass(frozen=True)
class _Meaning:
    run_part: RunPart | None
    is_terminal: bool
    changes_summary: bool


_MEANINGS: Mapping[EventStatus, _Meaning] = {
    EventStatus.SUBMITTED: _Meaning(None, is_terminal=False, changes_summary=True),
    EventStatus.LEASE_ACQUIRED: _Meaning(None, is_terminal=False, changes_summary=True),
    EventStatus.STARTED: _Meaning(RunPart.START, is_terminal=False, changes_summary=True),
    EventStatus.STEP: _Meaning(RunPart.WITHIN, is_terminal=False, changes_summary=False),
    EventStatus.STATE_SAVED: _Meaning(RunPart.WITHIN, is_terminal=False, changes_summary=False),
    EventStatus.CANCEL_REQUESTED: _Meaning(None, is_terminal=False, changes_summary=True),
    EventStatus.INTERRUPTED: _Meaning(RunPart.END, is_terminal=False, changes_summary=True),
    EventStatus.ATTEMPT_FAILED: _Meaning(RunPart.END, is_terminal=False, changes_summary=True),
    EventStatus.COMPLETED: _Meaning(RunPart.END, is_terminal=True, changes_summary=True),
    EventStatus.FAILED: _Meaning(RunPart.END, is_terminal=True, changes_summary=True),
    EventStatus.CANCELLED: _Meaning(RunPart.END, is_terminal=True, changes_summary=True),
    EventStatus.TIMED_OUT: _Meaning(RunPart.END, is_terminal=True, changes_summary=True),
    EventStatus.EXPIRED: _Meaning(RunPart.END, is_terminal=True, changes_summary=True),
    EventStatus.FINALIZED: _Meaning(None, is_terminal=False, changes_summary=True),
    # Not what lists show, but when the job may go.
    EventStatus.PINNED: _Meaning(None, is_terminal=False, changes_summary=True),
    EventStatus.UNPINNED: _Meaning(None, is_terminal=False, changes_summary=True),
}
