"""The virtual clock: tests that advance it must find everything done that was due, and nothing else."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from coordination.clock import VirtualClock


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


def sleepers(
    clock: VirtualClock, *seconds: float
) -> tuple[list[asyncio.Task[None]], list[tuple[int, float]]]:
    """Start sleepers; return them, and a list of who woke, and when."""
    woken: list[tuple[int, float]] = []
    began = clock.boot()

    async def sleep(number: int, how_long: float) -> None:
        await clock.sleep(how_long)
        woken.append((number, clock.boot() - began))

    return [asyncio.ensure_future(sleep(n, each)) for n, each in enumerate(seconds)], woken


async def test_time_stands_still_until_it_is_advanced(clock: VirtualClock) -> None:
    tasks, woken = sleepers(clock, 0.001)
    await clock.settle()
    assert (woken, clock.boot(), clock.now()) == ([], 1000.0, datetime(2026, 1, 1, tzinfo=UTC))
    await clock.advance(1)
    assert [number for number, _ in woken] == [0]
    assert (clock.boot(), clock.now()) == (1001.0, datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC))
    await asyncio.gather(*tasks)


async def test_both_times_can_begin_anywhere() -> None:
    start = datetime(2030, 5, 6, tzinfo=UTC)
    clock = VirtualClock(start, boot=7.0)
    assert (clock.boot(), clock.now()) == (7.0, start)
    await clock.advance(2.5)
    assert (clock.boot(), clock.now()) == (9.5, start + timedelta(seconds=2.5))


async def test_a_sleeper_wakes_exactly_at_its_time_and_not_before(clock: VirtualClock) -> None:
    tasks, woken = sleepers(clock, 4.0)
    await clock.advance(3.75)
    assert woken == []
    await clock.advance(0.25)
    assert woken == [(0, 4.0)]
    await asyncio.gather(*tasks)


async def test_sleepers_of_the_same_time_wake_in_the_order_in_which_they_went_to_sleep(
    clock: VirtualClock,
) -> None:
    tasks, woken = sleepers(clock, 2, 1, 2, 1, 2)
    await clock.advance(2)
    assert [number for number, _ in woken] == [1, 3, 0, 2, 4]
    await asyncio.gather(*tasks)


async def test_advancing_to_the_next_wakes_one_sleeper_and_passes_over_cancelled_ones(
    clock: VirtualClock,
) -> None:
    tasks, woken = sleepers(clock, 1, 2, 3)
    await clock.settle()
    tasks[0].cancel()
    await clock.settle()
    assert await clock.advance_to_next()
    assert (woken, clock.boot()) == ([(1, 2.0)], 1002.0)
    tasks[2].cancel()
    await clock.settle()
    assert await clock.advance_to_next() is False
    assert clock.boot() == 1002.0
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_cancelled_sleeper_does_not_move_the_time(clock: VirtualClock) -> None:
    tasks, _ = sleepers(clock, 5)
    await clock.settle()
    tasks[0].cancel()
    await clock.advance(1)
    assert clock.boot() == 1001.0
    await clock.advance(10)
    assert clock.boot() == 1011.0
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_who_sleeps_again_when_woken_is_woken_again_within_the_same_time(clock: VirtualClock) -> None:
    ticks: list[float] = []

    async def tick() -> None:
        while True:
            await clock.sleep(1)
            ticks.append(clock.boot())

    task = asyncio.ensure_future(tick())
    await clock.advance(3)
    assert ticks == [1001.0, 1002.0, 1003.0]
    task.cancel()


async def test_who_has_not_begun_to_sleep_yet_is_found_when_time_is_advanced(clock: VirtualClock) -> None:
    for advance in (clock.advance_to_next, lambda: clock.advance(1)):
        tasks, woken = sleepers(clock, 1)
        await advance()
        assert woken == [(0, 1.0)]
        await asyncio.gather(*tasks)


async def test_a_jump_wakes_no_sleeper_until_time_passes_again(clock: VirtualClock) -> None:
    tasks, woken = sleepers(clock, 1)
    await clock.settle()
    clock.jump(5)
    await clock.settle()
    assert (woken, clock.boot()) == ([], 1005.0)
    await clock.advance(0)
    assert woken == [(0, 5.0)]
    await asyncio.gather(*tasks)
