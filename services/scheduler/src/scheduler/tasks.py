"""The tasks over active jobs, which are the sweep and the snapshot of the queues, and over old ones."""

from collections.abc import Awaitable, Callable, Sequence

from contracts.jobs import Worker
from coordination.maintenance.queue_snapshot import SnapshotReader
from coordination.maintenance.resting import RestingSweeper
from coordination.maintenance.retention import Retention
from coordination.ports import ActiveJob, Clock, UnknownOutcomeError
from scheduler.observer import Observer

#: Reads the latest heartbeat of every worker. Raises UnknownOutcomeError.
ReadWorkers = Callable[[], Awaitable[Sequence[Worker]]]


class ActiveJobs:
    """Sweeps the active jobs, and takes snapshots of those that the latest sweep has read."""

    def __init__(
        self,
        sweeper: RestingSweeper,
        snapshot_reader: SnapshotReader,
        read_workers: ReadWorkers,
        clock: Clock,
        observer: Observer,
    ) -> None:
        self._sweeper = sweeper
        self._snapshot_reader = snapshot_reader
        self._read_workers = read_workers
        self._clock = clock
        self._observer = observer
        self._active: Sequence[ActiveJob] | None = None

    async def sweep(self) -> None:
        """Make one pass of the sweeper, if there is any need. Raises UnknownOutcomeError."""
        began = self._clock.boot()
        self._active = None
        swept = await self._sweeper.go()
        if swept is None:
            self._active = ()
            self._observer.rested()
            return
        self._active = swept.jobs
        self._observer.swept(swept, self._clock.boot() - began)

    async def snapshot(self) -> None:
        """Take a snapshot of all queues. Raises UnknownOutcomeError, also when the latest sweep failed."""
        if self._active is None:
            raise UnknownOutcomeError("the sweep did not read the active jobs")
        snapshot = await self._snapshot_reader.snapshot(self._active)
        self._observer.snapshot_taken(snapshot, await self._read_workers())


class OldJobs:
    """Lets jobs go whose time is over."""

    def __init__(self, retention: Retention, observer: Observer) -> None:
        self._retention = retention
        self._observer = observer

    async def let_go(self) -> None:
        """Carry out a portion of what is due, if it is time to look. Raises UnknownOutcomeError."""
        went = await self._retention.go()
        if went is not None:
            self._observer.retained(went)
