"""What the protocol reports to an observer, for metrics, spans and logs: one fact, where it becomes true."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from coordination.call_tracing import Took
from coordination.journal.rows import JobRow
from coordination.outcomes import Outcome


class HandOverCause(StrEnum):
    """Why a lock went from one run to the next."""

    #: One transaction ended the one and started the other.
    CHAINED = "chained"
    #: The run before had ended of its own.
    RELEASED = "released"
    #: The run before was cut off: its process died, its worker was stopped, its worker was lost.
    RUNNER_DIED = "runner_died"
    WORKER_STOPPED = "worker_stopped"
    WORKER_LOST = "worker_lost"


class Refusal(StrEnum):
    """Why a holder's write was not made."""

    TAKEN_OVER = "taken_over"
    TOO_LATE = "too_late"
    #: It is unknown whether it was made: the store does not answer.
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class ActionOver:
    """An action of the protocol is over."""

    #: When it began, and the storage calls it took; no part of what happened.
    took: Took = field(default_factory=Took, kw_only=True, repr=False, compare=False)


@dataclass(frozen=True)
class HandOver:
    """How a lock came from the run before."""

    cause: HandOverCause
    #: ISO 8601; when the run before ended, empty when that is unknown because its worker was lost.
    since: str = ""
    #: The worker that was lost.
    lost_worker: str = ""


@dataclass(frozen=True)
class LeaseAcquired(ActionOver):
    """The lease was acquired; it took `seconds`."""

    lock_name: str
    seconds: float


@dataclass(frozen=True)
class LeaseDenied:
    """Another worker holds the lease."""

    lock_name: str


@dataclass(frozen=True)
class LeaseRenewed:
    """The lease goes on; `margin` seconds were left before the run would have been stopped."""

    lock_name: str
    margin: float


@dataclass(frozen=True)
class RenewalFailed:
    """A renewal got no definite answer and is tried again."""

    lock_name: str
    reason: str


@dataclass(frozen=True)
class LeaseEnded:
    """The lease can no longer be trusted; `is_lost` when the store has said so."""

    lock_name: str
    reason: str
    is_lost: bool


@dataclass(frozen=True)
class LeaseReleased(ActionOver):
    """The lease was given back."""

    lock_name: str


@dataclass(frozen=True)
class RunStarted(ActionOver):
    """A job was started."""

    job: JobRow
    #: None for the first run of a lock.
    hand_over: HandOver | None = None
    #: The job whose run the take-over found cut off, as it is now.
    interrupted: JobRow | None = None
    #: The job that ended in the same transaction.
    after: JobRow | None = None


@dataclass(frozen=True)
class StepRecorded(ActionOver):
    """A step of the run is in the journal."""

    job: JobRow
    name: str
    seconds: float


@dataclass(frozen=True)
class StateSaved(ActionOver):
    """State of the run is in the journal."""

    job: JobRow
    characters: int


@dataclass(frozen=True)
class ProgressWritten(ActionOver):
    """The progress of the run is in the journal."""

    job: JobRow


@dataclass(frozen=True)
class RunCutOff:
    """A take-over has recorded that a run was cut off, its worker lost; the job as it is then."""

    job: JobRow
    lost_worker: str


@dataclass(frozen=True)
class RunEnded(ActionOver):
    """A run is over and its end is in the journal."""

    job: JobRow
    outcome: Outcome


@dataclass(frozen=True)
class Fenced:
    """A write was refused: another worker has taken over, or the time to write was over."""

    lock_name: str
    job_id: str
    refusal: Refusal
    reason: str


@dataclass(frozen=True)
class TablesCutOff:
    """The journal does not answer although leases can be renewed."""

    lock_name: str


@dataclass(frozen=True)
class LockLeft(ActionOver):
    """The lock was released, and other workers know of what waits."""

    lock_name: str


@dataclass(frozen=True)
class WakeUpDeferred:
    """A wake-up was put off because the lock is held or no worker is free."""

    lock_name: str


@dataclass(frozen=True)
class NotForThisWorker:
    """The next job in line is of a kind that this worker does not know."""

    lock_name: str
    kind: str


Observation = (
    LeaseAcquired
    | LeaseDenied
    | LeaseRenewed
    | RenewalFailed
    | LeaseEnded
    | LeaseReleased
    | RunStarted
    | RunCutOff
    | RunEnded
    | StepRecorded
    | StateSaved
    | ProgressWritten
    | Fenced
    | TablesCutOff
    | LockLeft
    | WakeUpDeferred
    | NotForThisWorker
)

Observe = Callable[[Observation], None]
