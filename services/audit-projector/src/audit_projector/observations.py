"""What the projection notices and others may want to know: plain facts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from coordination.journal.rows import EventRow


@dataclass(frozen=True)
class EventsProjected:
    """Events of a job are in the audit trail now; `afresh` when they may have been there before."""

    events: Sequence[EventRow]
    afresh: bool


@dataclass(frozen=True)
class TrailBroken:
    """An event does not follow from the one before: the journal was altered."""

    event: EventRow


@dataclass(frozen=True)
class ExclusionViolated:
    """Two runs of a lock overlapped. It can only be that the protocol was broken, or the journal altered."""

    lock: str
    #: The run that should have been over, or should not have been there.
    fence: int
    job_id: str | None
    #: The run it got in the way of, as far as that is known.
    other_fence: int | None
    other_job_id: str | None
    reason: str


Observation = EventsProjected | TrailBroken | ExclusionViolated
Observe = Callable[[Observation], None]
