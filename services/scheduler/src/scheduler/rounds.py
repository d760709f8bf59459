"""The rounds of the elected scheduler: sweep each time, and now and then take a snapshot of all queues."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from contracts.jobs import Worker
from coordination.maintenance.queue_snapshot import QueueSnapshot, SnapshotReader
from coordination.maintenance.sweeper import Sweeper, Swept
from coordination.ports import ActiveJob, Clock, UnknownOutcomeError

#: Reads the latest heartbeat of every worker. Raises UnknownOutcomeError.
ReadWorkers = Callable[[], Awaitable[Sequence[Worker]]]


class Watch(Protocol):
    """Who is told what the rounds found."""

    def swept(self, swept: Swept, seconds: float) -> None:
        """Tell of a pass of the sweeper, and how long it took."""

    def surveyed(self, snapshot: QueueSnapshot, workers: Sequence[Worker]) -> None:
        """Publish a snapshot."""

    def gave_up(self, error: UnknownOutcomeError) -> None:
        """Tell that the storage did not answer; the next round goes on."""


class Rounds:
    """Sweeps, and takes a snapshot of the jobs that the sweep has read, at most once in `survey_seconds`."""

    def __init__(
        self,
        sweeper: Sweeper,
        snapshot_reader: SnapshotReader,
        read_workers: ReadWorkers,
        clock: Clock,
        watch: Watch,
        survey_seconds: float,
    ) -> None:
        self._sweeper = sweeper
        self._surveyor = snapshot_reader
        self._read_workers = read_workers
        self._clock = clock
        self._watch = watch
        self._survey_seconds = survey_seconds
        self._next_survey = float("-inf")

    async def go(self) -> None:
        """Make one round, as far as the storage answers."""
        began = self._clock.boot()
        try:
            swept = await self._sweeper.sweep()
            self._watch.swept(swept, self._clock.boot() - began)
            if began >= self._next_survey:
                await self._snapshot(swept.jobs)
                self._next_survey = began + self._survey_seconds
        except UnknownOutcomeError as error:
            self._watch.gave_up(error)

    async def _snapshot(self, active: Sequence[ActiveJob]) -> None:
        snapshot = await self._surveyor.snapshot(active)
        self._watch.surveyed(snapshot, await self._read_workers())
