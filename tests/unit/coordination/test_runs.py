"""Asking a run to stop: a stronger reason replaces a weaker one, and who waits hears of it."""

import asyncio
import itertools

import pytest

from coordination.holder.runs import Stop
from coordination.outcomes import StopReason

#: From the weakest: being stopped may be followed by anything, a lost lease by nothing.
BY_STRENGTH = [StopReason.SHUTDOWN, StopReason.CANCELLED, StopReason.DEADLINE, StopReason.LOST]


def test_every_reason_has_its_strength() -> None:
    assert set(BY_STRENGTH) == set(StopReason)


@pytest.mark.parametrize(("weaker", "stronger"), list(itertools.combinations(BY_STRENGTH, 2)))
def test_a_stronger_reason_replaces_a_weaker_one_and_never_the_other_way(
    weaker: StopReason, stronger: StopReason
) -> None:
    stop = Stop()
    assert stop.reason is None
    stop.request(weaker)
    assert stop.reason is weaker
    stop.request(stronger)
    assert stop.reason is stronger
    stop.request(weaker)
    assert stop.reason is stronger


async def test_a_reason_that_is_there_already_is_returned_at_once() -> None:
    stop = Stop()
    stop.request(StopReason.CANCELLED)
    assert await stop.wait() is StopReason.CANCELLED
    assert await stop.wait(StopReason.SHUTDOWN) is StopReason.CANCELLED


async def test_who_waits_is_woken_by_the_first_reason() -> None:
    stop = Stop()
    waiting = [asyncio.ensure_future(stop.wait()) for _ in range(2)]
    await asyncio.sleep(0)
    assert not any(one.done() for one in waiting)
    stop.request(StopReason.SHUTDOWN)
    assert await asyncio.gather(*waiting) == [StopReason.SHUTDOWN] * 2


async def test_who_knows_of_a_reason_that_nobody_gave_waits_for_one() -> None:
    stop = Stop()
    waiting = asyncio.ensure_future(stop.wait(StopReason.SHUTDOWN))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not waiting.done()
    stop.request(StopReason.CANCELLED)
    assert await waiting is StopReason.CANCELLED


async def test_who_knows_a_reason_is_woken_only_by_a_stronger_one() -> None:
    stop = Stop()
    stop.request(StopReason.CANCELLED)
    waiting = asyncio.ensure_future(stop.wait(StopReason.CANCELLED))
    await asyncio.sleep(0)
    for no_news in (StopReason.CANCELLED, StopReason.SHUTDOWN):
        stop.request(no_news)
        for _ in range(5):
            await asyncio.sleep(0)
        assert not waiting.done()
    stop.request(StopReason.LOST)
    assert await waiting is StopReason.LOST
