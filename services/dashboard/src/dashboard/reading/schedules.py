"""What pages show of schedules, asked of the publisher once for all viewers."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from contracts.schedules import Schedule, ScheduleDetails, ScheduleEvent
from coordination.ports import Clock
from dashboard.publisher_api import NotFoundError, PublisherApi
from dashboard.reading.shared import Shared

#: How long all viewers share an answer, in seconds, and schedules whose answers are kept.
_SECONDS, _MOST_KEPT = 5.0, 100


@dataclass(frozen=True)
class ScheduleView:
    """A schedule and its audit trail, from the first event."""

    #: None when it was deleted.
    schedule: ScheduleDetails | None
    events: Sequence[ScheduleEvent]
    #: Whether there are later events than these.
    is_cut: bool


class ScheduleReader:
    """Asks for the list of schedules, and for those that a page shows."""

    def __init__(self, publisher: PublisherApi, clock: Clock, seconds: float = _SECONDS) -> None:
        self._publisher = publisher
        self._clock = clock
        self._seconds = seconds
        self._turn = threading.Lock()
        self._list: Shared[list[Schedule]] = Shared(publisher.schedules, clock, seconds)
        self._views: OrderedDict[str, Shared[ScheduleView]] = OrderedDict()

    def all(self) -> list[Schedule]:
        """Return the schedules by name. Raises PublisherAwayError."""
        return self._list.get().content

    def view(self, name: str) -> ScheduleView:
        """Return a schedule with its trail. Raises NotFoundError, RefusedError or PublisherAwayError."""
        with self._turn:
            shared = self._views.get(name)
            if shared is None:
                shared = Shared(lambda: self._ask(name), self._clock, self._seconds)
                self._views[name] = shared
            self._views.move_to_end(name)
            while len(self._views) > _MOST_KEPT:
                self._views.popitem(last=False)
        return shared.get().content

    def forget(self, name: str) -> None:
        """Ask again at the next look, as a schedule was changed."""
        with self._turn:
            self._views.pop(name, None)
            self._list = Shared(self._publisher.schedules, self._clock, self._seconds)

    def _ask(self, name: str) -> ScheduleView:
        try:
            schedule = self._publisher.schedule(name)
        except NotFoundError:
            schedule = None
        events, is_cut = self._publisher.schedule_events(name)
        return ScheduleView(schedule, events, is_cut)
