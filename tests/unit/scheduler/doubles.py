"""A scheduler over the in-memory ports, whose sweeps and snapshots a test can slow down and fail."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from contracts.jobs import Worker
from coordination.maintenance.queue_snapshot import SnapshotReader
from coordination.maintenance.resting import Rest, RestingSweeper
from coordination.maintenance.sweeper import Sweeper, Swept
from coordination.ports import UnknownOutcomeError
from coordination.testing.memory import (
    InMemoryJournal,
    InMemoryLeases,
    InMemoryNotifier,
    InMemoryRegister,
    VirtualClock,
)
from coordination.times import LeaseTimes
from scheduler.leadership import Leadership
from scheduler.periodic import Periodic, Rounds
from scheduler.status import ObservedStatus
from scheduler.tasks import ActiveJobs
from scheduler.telemetry import SchedulerTelemetry


async def nothing(jobs: Mapping[str, datetime]) -> dict[str, int]:
    return {}


#: With these, every round sweeps.
NO_REST = Rest(longest=0.0)


class CountingSweeper(Sweeper):
    """Keeps when it passed, takes its time, and fails when a test wants it."""

    is_failing = False
    seconds = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.began: list[float] = []

    @property
    def passes(self) -> int:
        return len(self.began)

    async def sweep(self, ahead: timedelta = timedelta()) -> Swept:
        self.began.append(self.clock.boot())
        await self.clock.sleep(self.seconds)
        if self.is_failing:
            raise UnknownOutcomeError
        return await super().sweep(ahead)


@dataclass
class Scheduler:
    """A scheduler and what it is made of."""

    duty: Leadership
    sweeper: CountingSweeper
    resting: RestingSweeper
    telemetry: SchedulerTelemetry
    status: ObservedStatus
    snapshots: int = 0
    #: Snapshots that fail from now on.
    failing_snapshots: int = 0
    known_workers: Sequence[Worker] = ()

    @property
    def is_on_duty(self) -> bool:
        return self.telemetry._is_on_duty

    async def workers(self) -> Sequence[Worker]:
        self.snapshots += 1
        if self.failing_snapshots:
            self.failing_snapshots -= 1
            raise UnknownOutcomeError("no heartbeats")
        return self.known_workers


def make_scheduler(
    clock: VirtualClock,
    leases: InMemoryLeases,
    pause: float = 15.0,
    journal: InMemoryJournal | None = None,
    register: InMemoryRegister | None = None,
    rest: Rest | None = None,
) -> Scheduler:
    journal, register = journal or InMemoryJournal(), register or InMemoryRegister()
    sweeper = CountingSweeper(leases, journal, register, InMemoryNotifier(), clock, nothing)
    telemetry = SchedulerTelemetry(clock, 15.0)
    status = ObservedStatus(telemetry, clock)
    made = Scheduler(None, sweeper, None, telemetry, status)  # type: ignore[arg-type]
    made.resting = RestingSweeper(sweeper, register, clock, rest or NO_REST)
    active = ActiveJobs(made.resting, SnapshotReader(journal, clock, 15.0), made.workers, clock, status)
    tasks = [Periodic("sweep", pause, active.sweep), Periodic("snapshot", 15.0, active.snapshot)]
    made.duty = Leadership(leases, clock, Rounds(tasks, clock, status), LeaseTimes.of(15), status)
    return made


@asynccontextmanager
async def serving(made: Scheduler, clock: VirtualClock) -> AsyncIterator[asyncio.Task[None]]:
    """Let a scheduler serve, and stop it in the end."""
    task = asyncio.create_task(made.duty.keep_up())
    try:
        yield task
    finally:
        task.cancel()
        await clock.advance(1)
        await asyncio.gather(task, return_exceptions=True)
