"""Who asked, and why: the actors and reasons of events are those of the callers, unchanged.

The row of a job, and the read models, are compared with its events by others.
"""

import json

from tests.simulation.judges.writes import Tell, Write

from contracts.statuses import EventStatus
from coordination.clients.submission import NewJob
from coordination.journal.rows import EventRow


class Callers:
    """Compares what callers asked for with the events of it."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        #: Actors that asked for a job, by its id, and actors and reasons that asked for its cancellation.
        self._submitted: dict[str, set[str]] = {}
        self._cancelled: dict[str, set[tuple[str, str]]] = {}
        #: Number of recorded cancellations that have a reason.
        self.reasons = 0

    def submits(self, new: NewJob) -> None:
        """Note that a client asks for a job."""
        self._submitted.setdefault(new.job_id, set()).add(new.actor)

    def cancels(self, job_id: str, actor: str, reason: str) -> None:
        """Note that a client asks for a cancellation."""
        self._cancelled.setdefault(job_id, set()).add((actor, reason))

    def see(self, write: Write) -> None:
        """Judge the events of a transaction that callers caused."""
        for event in write.events:
            match EventStatus(event.status):
                case EventStatus.SUBMITTED:
                    self._see_submission(event)
                case EventStatus.CANCEL_REQUESTED:
                    self._see_cancellation(event, f"cancellation requested by {event.actor}")
                case EventStatus.CANCELLED if '"predecessor"' in event.data:
                    pass  # as another job did not complete
                case EventStatus.CANCELLED if event.worker is None:
                    self._see_cancellation(event, f"cancelled by {event.actor} while waiting")
                case _:
                    pass

    def _see_submission(self, event: EventRow) -> None:
        asked = self._submitted.get(event.job_id, set())
        if event.actor not in asked:
            self._tell("callers", f"{event.job_id} was submitted by {event.actor!r}, not by one of {asked}")
        if event.message != f"submitted by {event.actor}":
            self._tell("callers", f"{event.job_id} says {event.message!r}, and was asked by {event.actor!r}")

    def _see_cancellation(self, event: EventRow, message: str) -> None:
        reason = json.loads(event.data).get("reason", "")
        asked = self._cancelled.get(event.job_id, set())
        self.reasons += bool(reason)
        if (event.actor, reason) not in asked:
            found = f"{event.actor!r} for {reason!r}"
            self._tell("callers", f"{event.job_id} was cancelled by {found}, and asked for was {asked}")
        expected = f"{message}: {reason}" if reason else message
        if event.message != expected:
            self._tell("callers", f"{event.job_id} says {event.message!r}, not {expected!r}")
