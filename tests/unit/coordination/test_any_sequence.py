"""Random sequences of transactions on one lock, against a model that counts and orders in its own way."""

import random
from dataclasses import dataclass, field

import pytest
from tests.unit.coordination.journaled_lock import LOCK, PARTITION, JournaledLock

from contracts.policies import JobPolicy
from coordination.clients.cancellation import Canceller, CancelTooLateError
from coordination.clients.job_writer import JobWriter
from coordination.journal.endings import RUNNER_CRASH_LIMIT, WORKER_LOSS_LIMIT
from coordination.outcomes import Cancelled, Completed, Failed, Interrupted, RunOutcome, TimedOut
from coordination.ports import Registration
from coordination.testing.memory import InMemoryNotifier, VirtualClock

LIMITS = JobPolicy(max_runner_crashes=2, max_worker_losses=2)
OUTCOMES: list[RunOutcome] = [
    Completed(),
    Failed("ValueError", "no"),
    TimedOut("too long"),
    Interrupted("died", died=True),
    Interrupted("stopped"),
]
ENDS: dict[type[RunOutcome], str] = {
    Completed: "Completed",
    Failed: "Failed",
    Cancelled: "Cancelled",
    TimedOut: "TimedOut",
}


@dataclass
class Expected:
    """What is to be true of a job."""

    place: tuple[int, str, str]
    status: str = "Queued"
    attempt: int = 0
    interruptions: int = 0
    deaths: int = 0
    losses: int = 0
    steps: int = 0
    fences: list[int] = field(default_factory=list)
    cancel_requested: bool = False
    error_type: str = ""


class Model:
    """A lock and what is to be true of it."""

    def __init__(self, seed: int) -> None:
        self.randomness = random.Random(seed)
        self.lock = JournaledLock(LIMITS)
        self.canceller = Canceller(JobWriter(self.lock.journal, InMemoryNotifier(), VirtualClock()))
        self.jobs: dict[str, Expected] = {}
        self.running: str | None = None
        self.fence = 0

    @property
    def line(self) -> list[str]:
        waiting = [job_id for job_id, job in self.jobs.items() if job.status == "Queued"]
        return sorted(waiting, key=lambda job_id: self.jobs[job_id].place)

    async def submit(self) -> None:
        job_id = f"{self.randomness.randrange(10**6):06d}"
        order, priority = f"{self.randomness.randrange(10**6):06d}", self.randomness.randrange(3)
        await self.lock.submit(job_id, order, priority=priority)
        self.jobs[job_id] = Expected((priority, order, job_id))

    async def take_over(self) -> None:
        draft = await self.lock.build_take_over(f"w{self.fence + 1}")
        if self.running is None and not self.line:
            assert draft is None
            return
        await self.lock.take_over(f"w{self.fence + 1}")
        self.fence += 1
        if self.running is not None:
            self._cut_off(lost=True)
        self._start()

    async def step(self) -> None:
        if self.running is not None:
            await self.lock.step()
            self.jobs[self.running].steps += 1
            self.jobs[self.running].losses = 0

    async def write_progress(self) -> None:
        if self.running is not None:
            await self.lock.flush(step="half")

    async def end(self) -> None:
        if self.running is None:
            return
        outcome = self.randomness.choice(OUTCOMES)
        chain = bool(self.line) and self.randomness.random() < 0.5
        first = self.line[0] if chain else None
        await self.lock.end(outcome, chain=chain)
        job = self.jobs[self.running]
        if isinstance(outcome, Interrupted):
            self._cut_off(died=outcome.died)
        else:
            job.status = ENDS[type(outcome)]
            job.error_type = {"Failed": "ValueError", "TimedOut": "TimedOut"}.get(job.status, "")
        self.running = None
        # A job that is back in line holds up those behind it.
        if first is not None and self.line[0] == first:
            self.fence += 1
            self._start(first)

    async def cancel(self) -> None:
        if not self.jobs:
            return
        job_id, job = self.randomness.choice(list(self.jobs.items()))
        registration = Registration(job_id, LOCK, PARTITION, "hash", self.canceller.writer.clock.now())
        if job.status not in ("Queued", "Running"):
            with pytest.raises(CancelTooLateError):
                await self.canceller.cancel(registration, "bob")
            return
        await self.canceller.cancel(registration, "bob")
        job.cancel_requested = True
        if job.status == "Queued":
            job.status = "Cancelled"
        else:
            self.lock.take_in(job_id)

    def _cut_off(self, *, lost: bool = False, died: bool = False) -> None:
        assert self.running is not None
        job = self.jobs[self.running]
        job.interruptions += 1
        job.losses += lost
        job.deaths += died
        job.status = "Queued"
        if job.cancel_requested:
            job.status = "Cancelled"
        elif job.deaths == LIMITS.max_runner_crashes:
            job.status, job.error_type = "Failed", RUNNER_CRASH_LIMIT
        elif job.losses == LIMITS.max_worker_losses:
            job.status, job.error_type = "Failed", WORKER_LOSS_LIMIT
        self.running = None

    def _start(self, job_id: str | None = None) -> None:
        job_id = job_id or next(iter(self.line), None)
        self.running = job_id
        if job_id is not None:
            self.jobs[job_id].status = "Running"
            self.jobs[job_id].attempt += 1
            self.jobs[job_id].fences.append(self.fence)

    def check(self) -> None:
        if self.fence:
            assert (self.lock.lock.fence, self.lock.lock.job_id) == (self.fence, self.running or "")
        assert self.lock.tickets() == self.line
        for job_id, expected in self.jobs.items():
            job = self.lock.job(job_id)
            assert (job.status, job.error_type, job.attempt) == (
                expected.status,
                expected.error_type,
                expected.attempt,
            )
            counts = (expected.interruptions, expected.deaths, expected.losses, expected.steps)
            assert (job.interruptions, job.deaths, job.losses, job.steps) == counts
            assert job.cancel_requested == expected.cancel_requested
            trail = self.lock.events(job_id)
            assert [event.seq for event in trail] == list(range(1, job.seq + 1))
            assert [event.fence for event in trail if event.status == "Started"] == expected.fences
            ends = [event.status for event in trail if event.status in ENDS.values()]
            assert ends == ([job.status] if job.is_terminal else [])


@pytest.mark.parametrize("seed", range(15))
async def test_order_counts_and_ends_are_as_promised_whatever_happens_in_which_order(seed: int) -> None:
    model = Model(seed)
    await model.submit()
    acts = [model.submit, model.take_over, model.step, model.write_progress, model.end, model.cancel]
    for _ in range(40):
        await model.randomness.choices(acts, weights=[4, 4, 2, 1, 4, 1])[0]()
        model.check()
    assert model.fence > 3
