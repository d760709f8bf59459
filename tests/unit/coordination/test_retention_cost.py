"""A month of days with equally many jobs: neither what is stored nor what is asked for may grow with it."""

from collections import Counter
from datetime import timedelta

from tests.unit.audit_projector.doubles import World
from tests.unit.coordination.removal_world import QUICK, Installation
from tests.unit.verification.asking import broken

from contracts.policies import JobPolicy
from coordination.clients.job_writer import JobWriter
from coordination.clients.submission import NewJob, Submitter
from coordination.outcomes import Completed
from coordination.retention_times import RetentionTimes
from coordination.testing.memory import InMemoryNotifier

DAY = 86_400.0
DAYS = 30

#: Jobs of a day, where a real installation has 100,000: what is counted does not depend on the number.
JOBS = 12

#: Looks of a day.
LOOKS = 4


class Month(Installation):
    """Lives through days of work, and counts what is stored and what is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.times = RetentionTimes(keep=2 * DAY, trail=5 * DAY, ids=DAY)
        self.requests: Counter[str] = Counter()
        self.world = World(self.journal, self.register, InMemoryNotifier(), self.clock, self.models)
        self.world._projection = self.projection()
        self.submitter = Submitter(self.register, JobWriter(self.journal, self.world.notifier, self.clock))
        self.let_jobs_go = self.retention(QUICK)
        self.began = self.clock.now()

    async def live(self, day: int) -> None:
        """Run the jobs of a day, some of which stay for longer than others and some of which never run."""
        for number in range(JOBS):
            job_id = str(self.world.ids.next())
            policy = JobPolicy(keep=3 * DAY if number % 3 else None)
            new = NewJob(job_id, job_id, "ten-steps", "ledger", "{}", "test", policy=policy)
            await self.submitter.submit(new)
            if number % 4 == 0:
                await self.world.cancel(job_id)
            else:
                await self.world.start()
                await self.world.step("one")
                await self.world.end(Completed())
            await self.world.project(job_id)
        for look in range(1, LOOKS + 1):
            moment = self.began + timedelta(days=day, seconds=look * DAY / LOOKS)
            self.clock.jump((moment - self.clock.now()).total_seconds())
            self.journal.calls.fault = self.register.calls.fault = self.models.calls.fault = self._count
            while await self.let_jobs_go.go() is not None:
                pass
            self.journal.calls.fault = self.register.calls.fault = self.models.calls.fault = None

    async def _count(self, when: str, call: str) -> None:
        self.requests[call] += when == "before"

    def stored(self) -> Counter[str]:
        """Return how many rows there are in each place."""
        register, models = self.register, self.models
        return Counter(
            journal=sum(map(len, self.journal.partitions.values())),
            register=len(register._registered) + len(register._active) + len(register.removals),
            trail=len(models.trail),
            lists=len(models.recent) + len(models.runs) + len(models.summaries),
        )


async def test_a_month_costs_each_day_what_the_day_before_did() -> None:
    month = Month()
    stored: list[Counter[str]] = []
    asked: list[Counter[str]] = []
    for day in range(DAYS):
        month.requests = Counter()
        await month.live(day)
        stored.append(month.stored())
        asked.append(month.requests)
    # From the eighth day on, as much goes as comes: two or three days, five for the trail, one for the id.
    assert stored[8:] == [stored[8]] * (DAYS - 8)
    assert asked[8:] == [asked[8]] * (DAYS - 8)
    mark = month.mark(next(iter(month.journal.partitions)))
    assert mark.forgotten_jobs > 20 * JOBS
    assert mark.forgotten_fences.startswith("1-")
    assert len(mark.forgotten_fences) < 100
    assert await broken(month.records()) == {}
    # What one job costs from its end to its last row.
    assert sum(asked[-1].values()) / JOBS < 30
