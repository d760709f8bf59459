"""Who is on duty, over the in-memory ports."""

import asyncio

from coordination.memory import InMemoryBell, InMemoryJournal, InMemoryLeases, VirtualClock
from coordination.sweeper import Sweeper, Swept
from coordination.times import LeaseTimes
from scheduler.duty import DUTY, Duty


async def nothing(job_id: str) -> int:
    return 0


class CountingSweeper(Sweeper):
    """Counts its passes."""

    passes = 0

    async def sweep(self) -> Swept:
        self.passes += 1
        return await super().sweep()


def make_duty(clock: VirtualClock, leases: InMemoryLeases) -> tuple[Duty, CountingSweeper]:
    sweeper = CountingSweeper(leases, InMemoryJournal(), InMemoryBell(), clock, nothing)
    return Duty(leases, clock, sweeper, LeaseTimes.of(15), sweep_seconds=15.0), sweeper


async def test_one_scheduler_sweeps_and_the_other_takes_over_when_it_stops() -> None:
    clock = VirtualClock()
    leases = InMemoryLeases(clock)
    (first, sweeps), (second, standby_sweeps) = make_duty(clock, leases), make_duty(clock, leases)
    serving = asyncio.create_task(first.keep_up())
    await clock.advance(1)
    standing_by = asyncio.create_task(second.keep_up())
    await clock.advance(60)
    assert (first.is_on_duty, second.is_on_duty) == (True, False)
    assert sweeps.passes == 5
    assert standby_sweeps.passes == 0
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
    duty, sweeps = make_duty(clock, leases)
    standing_by = asyncio.create_task(duty.keep_up())
    await clock.advance(14)
    assert sweeps.passes == 0
    await clock.advance(7)
    assert sweeps.passes == 1
    standing_by.cancel()
    await clock.advance(1)
    await asyncio.gather(standing_by, return_exceptions=True)
