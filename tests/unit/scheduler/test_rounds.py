"""The rounds of the scheduler on duty: when it sweeps and snapshots, and what goes on after an error."""

import asyncio
import logging
from collections.abc import Iterator
from itertools import pairwise

import pytest
from tests.unit.captured import Captured, capturing
from tests.unit.scheduler.doubles import make_scheduler, serving

from contracts.identifiers import new_id
from contracts.jobs import Worker
from contracts.telemetry import metrics
from coordination.clients.submission import NewJob, Submitter
from coordination.maintenance.queue_snapshot import SnapshotReader
from coordination.maintenance.sweeper import Swept
from coordination.testing.memory import (
    InMemoryJournal,
    InMemoryLeases,
    InMemoryNotifier,
    InMemoryRegister,
    VirtualClock,
)
from scheduler.rounds import Rounds
from scheduler.telemetry import SchedulerTelemetry


@pytest.fixture(autouse=True)
def captured() -> Iterator[Captured]:
    with capturing() as captured:
        yield captured


async def test_what_stands_is_what_the_sweep_and_the_heartbeats_say(captured: Captured) -> None:
    clock, journal, register = VirtualClock(), InMemoryJournal(), InMemoryRegister()
    submitter = Submitter(journal, register, InMemoryNotifier(), clock)
    for lock in ("ledger", "ledger", "stock"):
        await submitter.submit(NewJob(new_id(), new_id(), "ten-steps", lock, "{}", "test"))
    made = make_scheduler(clock, InMemoryLeases(clock), journal=journal, register=register)
    made.known_workers = [Worker(worker="w", seen_at=clock.now())]
    async with serving(made, clock):
        await clock.advance(1)
        assert captured.values(metrics.JOBS) == {("queued",): 3, ("running",): 0}
        assert captured.values(metrics.LINE_LENGTH) == {("ledger",): 2, ("stock",): 1}
        assert captured.values(metrics.WORKERS) == {("alive",): 1, ("silent",): 0}


async def test_surveys_are_less_frequent_than_sweeps_and_old_ones_are_not_shown(
    captured: Captured, caplog: pytest.LogCaptureFixture
) -> None:
    clock = VirtualClock()
    made = make_scheduler(clock, InMemoryLeases(clock), pause=3.0)
    began = clock.boot()
    async with serving(made, clock):
        await clock.advance(59)
        assert [at - began for at in made.sweeper.began] == [*range(0, 59, 3)]
        assert made.surveys == 4
        assert captured.values(metrics.SWEEPS) == {(): 20}
        made.sweeper.is_failing = True
        await clock.advance(45.5)  # the last snapshot was at 45 s, and is shown for four times 15 s
        assert captured.points(metrics.JOBS)
        await clock.advance(0.5)
        assert captured.points(metrics.JOBS) == []
        assert made.is_on_duty
        assert made.sweeper.passes == 36
        assert captured.values(metrics.SWEEPS) == {(): 20}
        records = [record for record in caplog.records if record.message == "sweep failed"]
        assert [record.levelno for record in records] == [logging.WARNING] * 16
        made.sweeper.is_failing = False
        await clock.advance(3)
        assert captured.points(metrics.JOBS)


async def test_a_snapshot_that_fails_is_made_again_with_the_next_sweep(captured: Captured) -> None:
    clock = VirtualClock()
    made = make_scheduler(clock, InMemoryLeases(clock), pause=3.0)
    made.failing_surveys = 2
    async with serving(made, clock):
        await clock.advance(3)
        assert (made.sweeper.passes, made.surveys) == (2, 2)
        assert captured.values(metrics.SWEEPS) == {(): 2}
        assert captured.points(metrics.JOBS) == []
        await clock.advance(3)
        assert made.surveys == 3
        assert captured.points(metrics.JOBS)
        await clock.advance(14)  # 15 s after the round at 6 s, which is that at 21 s
        assert made.surveys == 3
        await clock.advance(1)
        assert made.surveys == 4


async def test_rounds_that_take_long_are_no_less_frequent() -> None:
    clock = VirtualClock()
    made = make_scheduler(clock, InMemoryLeases(clock), pause=3.0)
    made.sweeper.seconds = 2.0
    async with serving(made, clock):
        await clock.advance(59)
        assert {after - before for before, after in pairwise(made.sweeper.began)} == {3.0}
        made.sweeper.began.clear()
        made.sweeper.seconds = 5.0
        await clock.advance(61)
        # A fifth of the time between two rounds is left between them.
        pauses = [round(after - before, 6) for before, after in pairwise(made.sweeper.began)]
        assert pauses == [5.6] * 10


async def test_a_pass_is_measured_from_its_beginning_to_its_end(caplog: pytest.LogCaptureFixture) -> None:
    told: list[tuple[Swept, float]] = []

    class Watch(SchedulerTelemetry):
        def swept(self, swept: Swept, seconds: float) -> None:
            told.append((swept, seconds))

    clock = VirtualClock()
    made = make_scheduler(clock, InMemoryLeases(clock))
    made.sweeper.seconds = 2.5
    watch = Watch(clock, 15.0)
    snapshot_reader = SnapshotReader(made.sweeper.journal, clock, 15.0)
    going = asyncio.create_task(Rounds(made.sweeper, snapshot_reader, made.workers, clock, watch, 15.0).go())
    await clock.advance(3)
    await going
    assert [seconds for _, seconds in told] == [2.5]
