"""Pairing the start of each run of a job with its end, as the job's events say.

The projector, the load tests and the demo take runs from here. `verification` and the judges in
`tests/simulation` and `tests/e2e` pair starts and ends by themselves, on purpose: they judge the product, and
a fault of this module must not be theirs, too.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from contracts.statuses import EventStatus

EventT = TypeVar("EventT")


@dataclass
class Run(Generic[EventT]):
    """What lies between a start and its end."""

    fence: int
    #: None when the start was before the first event that was followed.
    start: EventT | None = None
    #: None while the run continues, or when another start came without an end.
    end: EventT | None = None
    #: The event since which the job waited for this start: its first, or the last end before.
    queued: EventT | None = None


class Runs(Generic[EventT]):
    """The runs of one job, whose events are followed in order, from any of them on."""

    def __init__(self, running_fence: int = 0) -> None:
        """Begin within a run when `running_fence`, its fence, is not 0."""
        #: The runs that began or ended with an event that was followed.
        self.found: list[Run[EventT]] = []
        self._running: Run[EventT] | None = Run(running_fence) if running_fence else None
        self._queued: EventT | None = None

    @property
    def running_fence(self) -> int:
        """Fence of the run in progress; 0 when none is."""
        return 0 if self._running is None else self._running.fence

    def follow(self, event: EventT, status: EventStatus, fence: int | None) -> None:
        """Take the next event."""
        if self._queued is None:
            self._queued = event
        if status.starts_run and fence is not None:
            self._running = Run(fence, event, queued=self._queued)
            self.found.append(self._running)
        elif status.ends_run:
            # Without a run it ended a job that waited, or failed one whose run was over before.
            if self._running is not None:
                self._running.end = event
                if self._running.start is None:
                    self.found.append(self._running)
                self._running = None
            self._queued = event


def runs_of(events: Iterable[Mapping[str, Any]]) -> list[Run[Mapping[str, Any]]]:
    """Return the runs of one job from all its events, in order, as the HTTP API gives them."""
    runs: Runs[Mapping[str, Any]] = Runs()
    for event in events:
        runs.follow(event, EventStatus(event["status"]), event["fence"])
    return runs.found
