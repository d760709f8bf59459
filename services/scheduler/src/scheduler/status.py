"""What the scheduler's heartbeat says of it: whether it is on duty, when it swept last, what it repaired."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from pydantic import JsonValue

from contracts.jobs import Worker
from coordination.maintenance.due_jobs import Went
from coordination.maintenance.queue_snapshot import QueueSnapshot
from coordination.maintenance.sweeper import Swept
from coordination.ports import Clock, UnknownOutcomeError
from scheduler.observer import Observer


class ObservedStatus:
    """Passes on what the scheduler reports, and remembers its status."""

    def __init__(self, observer: Observer, clock: Clock) -> None:
        self._observer = observer
        self._clock = clock
        self._leads = False
        self._swept_at: datetime | None = None
        self._repairs = 0

    def details(self) -> Mapping[str, JsonValue]:
        """Return the status. Repairs are counted since the start of this process."""
        swept_at = self._swept_at.isoformat() if self._swept_at else None
        return {"leads": self._leads, "swept_at": swept_at, "repairs": self._repairs}

    def on_duty(self) -> None:
        """Remember that this scheduler is on duty now."""
        self._leads = True
        self._observer.on_duty()

    def lost(self, reason: str) -> None:
        """Pass on that the duty was lost."""
        self._observer.lost(reason)

    def off_duty(self) -> None:
        """Remember that this scheduler is not on duty any more."""
        self._leads = False
        self._observer.off_duty()

    def failed(self, task: str, error: UnknownOutcomeError) -> None:
        """Pass on that the storage did not answer a periodic task."""
        self._observer.failed(task, error)

    def swept(self, swept: Swept, seconds: float) -> None:
        """Remember when the sweeper made a pass, and add what it repaired."""
        self._swept_at = self._clock.now()
        self._repairs += swept.notified + swept.announced + swept.abandoned
        self._observer.swept(swept, seconds)

    def rested(self) -> None:
        """Remember when there was no need to sweep: a sweep would have found nothing."""
        self._swept_at = self._clock.now()
        self._observer.rested()

    def retained(self, went: Went) -> None:
        """Pass on what became of jobs whose time is over."""
        self._observer.retained(went)

    def snapshot_taken(self, snapshot: QueueSnapshot, workers: Sequence[Worker]) -> None:
        """Pass on a snapshot of all queues."""
        self._observer.snapshot_taken(snapshot, workers)
