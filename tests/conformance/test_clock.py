"""What every implementation of the clock port does."""

import asyncio
from datetime import timedelta

from coordination.clock import VirtualClock
from coordination.ports import Clock


async def _while_time_passes(clock: Clock, seconds: float) -> None:
    task = asyncio.ensure_future(clock.sleep(seconds))
    if isinstance(clock, VirtualClock):
        await clock.advance(seconds)
    await task


async def test_sleeping_takes_at_least_as_long_as_asked(clock: Clock) -> None:
    before = clock.boot()
    await _while_time_passes(clock, 0.05)
    # The event loop counts in steps of its clock's resolution and may wake one step early.
    assert clock.boot() - before >= 0.05 - 0.002


async def test_both_times_pass_together(clock: Clock) -> None:
    before, day_before = clock.boot(), clock.now()
    await _while_time_passes(clock, 0.05)
    passed = timedelta(seconds=clock.boot() - before)
    assert abs((clock.now() - day_before) - passed) < timedelta(seconds=0.5)


async def test_the_time_of_day_is_in_utc(clock: Clock) -> None:
    assert clock.now().utcoffset() == timedelta(0)


async def test_sleeping_for_no_time_lets_others_run_once(clock: Clock) -> None:
    loop = asyncio.get_running_loop()
    turns: list[asyncio.Handle] = []

    def count() -> None:
        turns.append(loop.call_soon(count))

    turns.append(loop.call_soon(count))
    await clock.sleep(0)
    assert len(turns) == 2
    await clock.sleep(-1)
    assert len(turns) == 3
    turns[-1].cancel()


async def test_a_sleeper_can_be_cancelled(clock: Clock) -> None:
    task = asyncio.ensure_future(clock.sleep(3600))
    await asyncio.sleep(0)
    task.cancel()
    assert (await asyncio.gather(task, return_exceptions=True))[0].__class__ is asyncio.CancelledError
    await _while_time_passes(clock, 0.01)
