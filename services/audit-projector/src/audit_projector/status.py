"""What the audit-projector's heartbeat says of it: how far it is behind, and when it last projected."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from pydantic import JsonValue

from audit_projector.observations import EventsProjected, Observation, Observe
from coordination.ports import Clock

#: After this time without a new event, the delay of the last one does not count any more.
_QUIET_AFTER = timedelta(seconds=20)


class ProjectionStatus:
    """Passes on what the projection reports, and remembers the latest projection."""

    def __init__(self, observe: Observe, clock: Clock) -> None:
        self._observe = observe
        self._clock = clock
        self._projected_at: datetime | None = None
        self._delay = 0.0

    def observe(self, observation: Observation) -> None:
        """Remember when events were projected, and how long after they happened."""
        if isinstance(observation, EventsProjected):
            now = self._clock.now()
            happened = datetime.fromisoformat(observation.events[-1].timestamp)
            # The time is the writer's, whose clock may be ahead of this one.
            self._projected_at, self._delay = now, max(0.0, (now - happened).total_seconds())
        self._observe(observation)

    def details(self, oldest_seconds: float) -> Mapping[str, JsonValue]:
        """Return the status of a projector whose oldest message in hand has waited for this time."""
        behind = oldest_seconds
        if self._projected_at is not None and self._clock.now() - self._projected_at <= _QUIET_AFTER:
            behind = max(behind, self._delay)
        projected_at = self._projected_at.isoformat() if self._projected_at else None
        return {"behind_seconds": round(behind, 3), "projected_at": projected_at}
