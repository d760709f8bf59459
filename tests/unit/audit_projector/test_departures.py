"""What comes in a short while leaves together, and in a longer while when much comes."""

import asyncio

import pytest

from audit_projector.departures import Departures
from coordination.clock import VirtualClock


async def moments_of(departures: Departures, clock: VirtualClock, callers: int) -> set[float]:
    """Let so many wait for the next departure; returns when they left, counted from now."""
    began, left = clock.boot(), set[float]()

    async def leave() -> None:
        await departures.wait()
        left.add(round(clock.boot() - began, 3))

    waiting = [asyncio.create_task(leave()) for _ in range(callers)]
    await clock.settle()
    while not all(task.done() for task in waiting):
        await clock.advance_to_next()
        await clock.settle()
    await asyncio.gather(*waiting)
    return left


@pytest.mark.parametrize(("callers", "next_after"), [(1, 0.2), (19, 0.2), (20, 0.4), (200, 0.4)])
async def test_the_more_left_with_the_last_departure_the_later_is_the_next(
    callers: int, next_after: float
) -> None:
    clock = VirtualClock()
    departures = Departures(clock, 0.2)
    assert await moments_of(departures, clock, callers) == {0}
    assert await moments_of(departures, clock, 3) == {next_after}
    assert await moments_of(departures, clock, 1) == {0.2}


async def test_after_a_pause_the_first_leaves_at_once_however_many_left_before() -> None:
    clock = VirtualClock()
    departures = Departures(clock, 0.2)
    await moments_of(departures, clock, 50)
    await clock.advance(0.4)
    assert await moments_of(departures, clock, 1) == {0}
