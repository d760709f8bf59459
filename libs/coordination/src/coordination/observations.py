"""What the protocol tells an observer: one fact at the point of truth, for metrics, spans and logs alike."""

from collections.abc import Callable
from dataclasses import dataclass

from coordination.outcomes import Outcome
from coordination.rows import JobRow


@dataclass(frozen=True)
class LeaseAcquired:
    """The lease was got, after so many seconds."""

    lock_name: str
    seconds: float


@dataclass(frozen=True)
class LeaseDenied:
    """Someone else holds the lease."""

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
    """The lease can no longer be trusted."""

    lock_name: str
    reason: str


@dataclass(frozen=True)
class LeaseReleased:
    """The lease was given back."""

    lock_name: str


@dataclass(frozen=True)
class RunStarted:
    """A job was started; `interrupted` names the run that was found cut off and ended by the take-over."""

    job: JobRow
    interrupted: str | None = None
    chained: bool = False


@dataclass(frozen=True)
class RunEnded:
    """A run is over and its end is in the journal."""

    job: JobRow
    outcome: Outcome


@dataclass(frozen=True)
class Fenced:
    """A write was refused because someone else has moved the lock on, or the time to write was over."""

    lock_name: str
    job_id: str
    reason: str


@dataclass(frozen=True)
class TablesCutOff:
    """The journal does not answer although leases can be renewed."""

    lock_name: str


@dataclass(frozen=True)
class BellDeferred:
    """A doorbell was put off because the lock is held or nobody is free."""

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
    | RunEnded
    | Fenced
    | TablesCutOff
    | BellDeferred
    | NotForThisWorker
)

Observe = Callable[[Observation], None]
