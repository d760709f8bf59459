"""A sweeper, and read models of which a test says what they have."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from tests.unit.coordination.setting import Setting
from tests.unit.coordination.wrong_clock import WrongClock

from coordination.maintenance.sweeper import Sweeper
from coordination.outcomes import Completed


class Models:
    """Read models: the last event that they have of each job, and when they were asked."""

    def __init__(self, world: Setting) -> None:
        self._world = world
        self.began = world.clock.boot()
        self.seqs: dict[str, int] = {}
        self.seconds = 0.0
        self.requests = 0
        self.asked: list[tuple[str, float]] = []

    async def projected_seqs(self, jobs: Mapping[str, datetime]) -> dict[str, int]:
        self.requests += 1
        self.asked += [(job_id, self._world.clock.boot() - self.began) for job_id in jobs]
        if self.seconds:
            await self._world.clock.sleep(self.seconds)
        return {job_id: self.seqs[job_id] for job_id in jobs if job_id in self.seqs}

    @property
    def times(self) -> list[float]:
        return [at for _, at in self.asked]


class Comparing(Setting):
    """A sweeper and the read models that it compares jobs with."""

    def __init__(self) -> None:
        super().__init__()
        self.models = Models(self)
        self.sweeper = self.make_sweeper()

    def make_sweeper(self, wrong_by: float = 0.0) -> Sweeper:
        clock = WrongClock(self.clock, timedelta(seconds=wrong_by))
        return Sweeper(
            self.leases, self.journal, self.register, self.notifier, clock, self.models.projected_seqs
        )

    async def submit_projected(self, lock: str = "L") -> str:
        """Submit a job whose first event the read models have."""
        job_id = await self.submit(lock)
        self.models.seqs[job_id] = 1
        return job_id

    async def run_to_the_end(self) -> None:
        tenure, _ = await self.hold()
        await tenure.finish(Completed(), None)
        await tenure.keeper.release()
        self.notifier.take_announcements()

    async def sweep_until(self, seconds: float, every: float = 1.0) -> list[float]:
        """Sweep every so many seconds; returns when something was announced, in seconds since the start."""
        announced = []
        while self.clock.boot() - self.models.began <= seconds:
            swept = await self.sweeper.sweep()
            announced += [self.clock.boot() - self.models.began] * swept.announced
            await self.clock.advance(every)
        return announced

    async def active(self) -> set[str]:
        return {job.job_id async for job in self.register.active(self.clock.now())}
