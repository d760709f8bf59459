"""Who is on duty, over the in-memory ports, and what is shown of it."""

import asyncio
import logging
import math
from collections.abc import Iterator

import pytest
from tests.unit.captured import Captured, capturing
from tests.unit.scheduler.doubles import make_scheduler, serving

from contracts.telemetry import attributes as at
from contracts.telemetry import metrics
from coordination.ports import UnknownOutcomeError
from coordination.testing.memory import InMemoryLeases, VirtualClock
from coordination.times import LeaseTimes
from scheduler.leadership import DUTY


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
    began = clock.boot()
    async with serving(made, clock):
        await clock.advance(60)
        # Every 5 s it tries, and at 15 s the lease has run out.
        assert [at - began for at in made.sweeper.began] == [15, 30, 45, 60]


async def test_a_storage_that_does_not_answer_keeps_no_scheduler_from_trying_again() -> None:
    clock = VirtualClock()

    async def fail(moment: str, call: str) -> None:
        if is_away and call == "leases.acquire":
            raise UnknownOutcomeError

    is_away = True
    made = make_scheduler(clock, InMemoryLeases(clock, fail))
    async with serving(made, clock) as task:
        await clock.advance(60)
        assert (made.sweeper.passes, made.is_on_duty, task.done()) == (0, False, False)
        is_away = False
        await clock.advance(20)
        assert made.sweeper.passes >= 1
        assert made.is_on_duty


async def test_a_lease_is_renewed_as_long_as_the_duty_lasts() -> None:
    clock = VirtualClock()
    leases = InMemoryLeases(clock)
    made = make_scheduler(clock, leases)
    async with serving(made, clock):
        await clock.advance(1)
        holder = leases.holder(DUTY)
        for _ in range(100):
            await clock.advance(3)
            assert leases.holder(DUTY) == holder is not None
        assert made.sweeper.passes == 1 + 300 // 15


async def test_a_duty_that_was_lost_ends_with_its_round_and_is_taken_up_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = VirtualClock()
    leases = InMemoryLeases(clock)
    made = make_scheduler(clock, leases, pause=3.0)
    async with serving(made, clock):
        await clock.advance(1)
        lost = leases.holder(DUTY)
        assert lost is not None
        await leases.release(DUTY, lost, 1)
        await leases.acquire(DUTY, 15, "00000000-0000-4000-8000-000000000000", 1)
        await clock.advance(9)
        passes = made.sweeper.passes
        (record,) = [record for record in caplog.records if record.message == "leadership lost"]
        assert (record.levelno, bool(vars(record)[at.REASON])) == (logging.WARNING, True)
        assert not made.is_on_duty
        await clock.advance(5)
        assert made.sweeper.passes == passes
        await clock.advance(10)
        assert made.sweeper.passes > passes
        assert made.is_on_duty
        assert leases.holder(DUTY) not in {None, lost}


async def test_no_round_begins_once_the_lease_could_not_be_renewed_in_time() -> None:
    clock = VirtualClock()

    async def fail(moment: str, call: str) -> None:
        if is_away and call.startswith("leases."):
            raise UnknownOutcomeError

    is_away = False
    made = make_scheduler(clock, InMemoryLeases(clock, fail), pause=1.0)
    began = clock.boot()
    async with serving(made, clock):
        await clock.settle()
        is_away = True
        await clock.advance(40)
        assert not made.is_on_duty
        assert [at - began for at in made.sweeper.began] == [*range(math.ceil(LeaseTimes.of(15).soft))]
        is_away = False


async def test_a_scheduler_that_stops_renews_nothing_and_reports_no_loss(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = VirtualClock()
    renewals: list[float] = []

    async def note(moment: str, call: str) -> None:
        if (moment, call) == ("before", "leases.renew"):
            renewals.append(clock.boot())

    made = make_scheduler(clock, InMemoryLeases(clock, note))
    async with serving(made, clock):
        await clock.advance(10)
    before = len(renewals)
    assert before == 2
    await clock.advance(60)
    assert len(renewals) == before
    assert [record.message for record in caplog.records if record.message == "leadership lost"] == []


async def test_what_stands_is_shown_by_the_scheduler_on_duty_alone(
    captured: Captured, caplog: pytest.LogCaptureFixture
) -> None:
    clock = VirtualClock()
    made = make_scheduler(clock, InMemoryLeases(clock))
    assert captured.values(metrics.ON_DUTY) == {(): 0}
    assert captured.points(metrics.JOBS) == []
    async with serving(made, clock):
        await clock.advance(1)
        assert captured.values(metrics.ON_DUTY) == {(): 1}
        assert captured.values(metrics.JOBS) == {("queued",): 0, ("running",): 0}
        assert captured.values(metrics.WORKERS) == {("alive",): 0, ("silent",): 0}
    assert captured.values(metrics.ON_DUTY) == {(): 0}
    assert captured.points(metrics.JOBS) == captured.points(metrics.WORKERS) == []
    assert caplog.records == []  # the SDK passes over what a gauge raises, and logs it
