"""What the scheduler reports of its work."""

from collections.abc import Sequence
from typing import Protocol

from contracts.jobs import Worker
from coordination.maintenance.due_jobs import Went
from coordination.maintenance.queue_snapshot import QueueSnapshot
from coordination.maintenance.sweeper import Swept
from coordination.ports import UnknownOutcomeError


class Observer(Protocol):
    """Takes what happened to a scheduler, for metrics, spans and logs."""

    def on_duty(self) -> None:
        """Record that this scheduler is on duty now."""

    def lost(self, reason: str) -> None:
        """Record that the duty was lost, and why."""

    def off_duty(self) -> None:
        """Record that this scheduler is not on duty any more, for any reason."""

    def failed(self, task: str, error: UnknownOutcomeError) -> None:
        """Record that the storage did not answer a periodic task."""

    def swept(self, swept: Swept, seconds: float) -> None:
        """Record a pass of the sweeper, and how long it took."""

    def rested(self) -> None:
        """Record that there was no need to sweep, as nothing is active and nothing was submitted."""

    def retained(self, went: Went) -> None:
        """Record what became of jobs whose time is over."""

    def snapshot_taken(self, snapshot: QueueSnapshot, workers: Sequence[Worker]) -> None:
        """Record a snapshot of all queues, and the latest heartbeats."""
