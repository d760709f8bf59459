"""Who is on duty, over the in-memory ports, and what is shown of it."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest
from tests.unit.captured import Captured, capturing

from contracts.jobs import Worker
from contracts.telemetry import metrics
from coordination.memory import InMemoryBell, InMemoryJournal, InMemoryLeases, VirtualClock
from coordination.ports import UnknownOutcomeError
from coordination.survey import Surveyor
from coordination.sweeper import Sweeper, Swept
from coordination.times import LeaseTimes
from scheduler.duty import DUTY, Duty
from scheduler.rounds import Rounds
from scheduler.telemetry import SchedulerTelemetry


async def nothing(job_id: str) -> int:
    return 0


class CountingSweeper(Sweeper):
    """Counts its passes, takes its time, and fails when told to."""

    passes = 0
    is_failing = False
    seconds = 0.0

    async def sweep(self) -> Swept:
        self.passes += 1
        await self.clock.sleep(self.seconds)
        if self.is_failing:
            raise UnknownOutcomeError
        return await super().sweep()


@dataclass
class Scheduler:
    """A scheduler and what it is made of."""

    duty: Duty
    sweeper: CountingSweeper
    telemetry: SchedulerTelemetry
    surveys: int = 0

    @property
    def is_on_duty(self) -> bool:
        return self.telemetry._is_on_duty

    async def workers(self) -> Sequence[Worker]:
        self.surveys += 1
        return []


def make_scheduler(clock: VirtualClock, leases: InMemoryLeases, pause: float = 15.0) -> Scheduler:
    journal = InMemoryJournal()
    sweeper = CountingSweeper(leases, journal, InMemoryBell(), clock, nothing)
    telemetry = SchedulerTelemetry(clock, 15.0)
    made = Scheduler(None, sweeper, telemetry)  # type: ignore[arg-type]
    rounds = Rounds(sweeper, Surveyor(journal, clock, 15.0), made.workers, clock, telemetry, 15.0)
    made.duty = Duty(leases, clock, rounds, LeaseTimes.of(15), pause, telemetry)
    return made


@pytest.fixture(autouse=True)
def captured() -> Iterator[Captured]:
    with capturing() as captured:
        yield captured


async def test_one_scheduler_sweeps_and_the_other_takes_over_when_it_stops() -> None:
    clock = VirtualClock()
    leases = InMemoryLeases(clock)
    first, second = make_scheduler(clock, leases), make_scheduler(clock, leases)
    serving = asyncio.create_task(first.duty.keep_up())
    await clock.advance(1)
    standing_by = asyncio.create_task(second.duty.keep_up())
    await clock.advance(60)
    assert (first.is_on_duty, second.is_on_duty) == (True, False)
    assert first.sweeper.passes == 5
    assert second.sweeper.passes == 0
    serving.cancel()
    await clock.advance(6)
    assert (first.is_on_duty, second.is_on_duty) == (False, True)
    standing_by.cancel()
    await clock.advance(1)
    await asyncio.gather(serving, standing_by, return_exceptions=True)
    assert leases.holder(DUTY) is None


async def test_a_scheduler_that_vanished_is_replaced_once_its_lease_has_run_out() -> None:
    clock = VirtualClock()
    leases = InMemoryLeases(clock)
    await leases.acquire(DUTY, 15, "00000000-0000-4000-8000-000000000000", 1)
    made = make_scheduler(clock, leases)
    standing_by = asyncio.create_task(made.duty.keep_up())
    await clock.advance(14)
    assert made.sweeper.passes == 0
    await clock.advance(7)
    assert made.sweeper.passes == 1
    standing_by.cancel()
    await clock.advance(1)
    await asyncio.gather(standing_by, return_exceptions=True)


async def test_what_stands_is_shown_by_the_scheduler_on_duty_alone(captured: Captured) -> None:
    clock = VirtualClock()
    made = make_scheduler(clock, InMemoryLeases(clock))
    assert captured.values(metrics.ON_DUTY) == {(): 0}
    assert captured.points(metrics.JOBS) == []
    serving = asyncio.create_task(made.duty.keep_up())
    await clock.advance(1)
    assert captured.values(metrics.ON_DUTY) == {(): 1}
    assert captured.values(metrics.JOBS) == {("queued",): 0, ("running",): 0}
    assert captured.values(metrics.WORKERS) == {("alive",): 0, ("silent",): 0}
    serving.cancel()
    await clock.advance(1)
    await asyncio.gather(serving, return_exceptions=True)
    assert captured.values(metrics.ON_DUTY) == {(): 0}
    assert captured.points(metrics.JOBS) == captured.points(metrics.WORKERS) == []


async def test_surveys_are_less_frequent_than_sweeps_and_old_ones_are_not_shown(captured: Captured) -> None:
    clock = VirtualClock()
    made = make_scheduler(clock, InMemoryLeases(clock), pause=3.0)
    serving = asyncio.create_task(made.duty.keep_up())
    await clock.advance(59)
    assert (made.sweeper.passes, made.surveys) == (20, 4)
    assert captured.values(metrics.SWEEPS) == {(): 20}
    made.sweeper.is_failing = True
    await clock.advance(30)
    assert captured.points(metrics.JOBS)
    await clock.advance(60)
    assert captured.points(metrics.JOBS) == []
    made.sweeper.is_failing = False
    await clock.advance(3)
    assert captured.points(metrics.JOBS)
    serving.cancel()
    await clock.advance(1)
    await asyncio.gather(serving, return_exceptions=True)


async def test_rounds_that_take_long_are_no_less_frequent(captured: Captured) -> None:
    clock = VirtualClock()
    made = make_scheduler(clock, InMemoryLeases(clock), pause=3.0)
    made.sweeper.seconds = 2.0
    serving = asyncio.create_task(made.duty.keep_up())
    await clock.advance(59)
    assert made.sweeper.passes == 20
    made.sweeper.seconds = 5.0
    await clock.advance(60)
    assert 20 + 10 <= made.sweeper.passes <= 20 + 12  # with a pause left between them
    serving.cancel()
    await clock.advance(1)
    await asyncio.gather(serving, return_exceptions=True)
