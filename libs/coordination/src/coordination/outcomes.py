"""How a run ends, and why it is asked to stop."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class StopReason(StrEnum):
    """Why a run is asked to stop before its handler is through."""

    #: A cancellation of the job was requested.
    CANCELLED = "cancelled"
    #: The worker is being stopped; another worker continues the job.
    SHUTDOWN = "shutdown"
    #: The lease could not be renewed in time: stop before it can run out.
    DEADLINE = "deadline"
    #: The lease or the fence is gone: nothing more may be written or done.
    LOST = "lost"


@dataclass(frozen=True)
class Completed:
    """The handler returned; `result` is JSON."""

    result: str = "null"


@dataclass(frozen=True)
class Failed:
    """The handler raised, or could not be started."""

    type: str
    message: str
    #: Where it raised, if that helps; the caller bounds its length.
    traceback: str = field(default="", repr=False)
    #: Full names of the classes of what the handler raised; empty when no handler raised, or it said that the
    #: job has failed for good. Only with names there may be another attempt.
    error_classes: Sequence[str] = field(default=(), repr=False, compare=False)
    #: Seconds after which the handler wants to be called again; None where its kind's policy decides.
    retry_after: float | None = None


@dataclass(frozen=True)
class Cancelled:
    """The handler stopped because the job was cancelled."""


@dataclass(frozen=True)
class TimedOut:
    """The job ran longer than its kind may."""

    message: str


@dataclass(frozen=True)
class Interrupted:
    """The run was cut off; the job is not finished and will be taken up again.

    `died` says that the runner process died, which counts towards the limit that fails a job which kills its
    workers.
    """

    reason: str
    died: bool = False


@dataclass(frozen=True)
class Lost:
    """The lease or the fence is gone: nothing may be written about this run any more."""


#: How a job ends.
Ending = Completed | Failed | Cancelled | TimedOut

#: How a run ends of which something may be recorded.
RunOutcome = Ending | Interrupted

Outcome = RunOutcome | Lost
