"""The words for where a job stands and for what happened to it."""

from enum import StrEnum


class JobStatus(StrEnum):
    """Where a job stands. Every accepted job ends in exactly one terminal status."""

    QUEUED = "Queued"
    RUNNING = "Running"
    COMPLETED = "Completed"
    FAILED = "Failed"
    CANCELLED = "Cancelled"
    TIMED_OUT = "TimedOut"

    @property
    def is_terminal(self) -> bool:
        """Whether nothing can happen to the job any more."""
        return self not in {JobStatus.QUEUED, JobStatus.RUNNING}


class EventStatus(StrEnum):
    """What an event says happened."""

    SUBMITTED = "Submitted"
    LEASE_ACQUIRED = "LeaseAcquired"
    STARTED = "Started"
    STEP = "Step"
    STATE_SAVED = "StateSaved"
    CANCEL_REQUESTED = "CancelRequested"
    INTERRUPTED = "Interrupted"
    COMPLETED = "Completed"
    FAILED = "Failed"
    CANCELLED = "Cancelled"
    TIMED_OUT = "TimedOut"

    @property
    def is_terminal(self) -> bool:
        """Whether this event is the last of its job."""
        return self in {
            EventStatus.COMPLETED,
            EventStatus.FAILED,
            EventStatus.CANCELLED,
            EventStatus.TIMED_OUT,
        }
