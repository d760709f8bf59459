"""The rounds of the scheduler on duty: which tasks run when, and which run after an error."""

import asyncio
import logging
import math
from collections.abc import Iterator
from itertools import pairwise

import pytest
from tests.unit.captured import Captured, capturing
from tests.unit.scheduler.doubles import make_scheduler, serving

from contracts.identifiers import new_id
from contracts.jobs import Worker
from contracts.telemetry import metrics
from coordination.clients.job_writer import JobWriter
from coordination.clients.submission import NewJob, Submitter
from coordination.maintenance.queue_snapshot import SnapshotReader
from coordination.maintenance.sweeper import Swept
from coordination.ports import UnknownOutcomeError
from coordination.testing.memory import (
    InMemoryJournal,
    InMemoryLeases,
    InMemoryNotifier,
    InMemoryRegister,
    VirtualClock,
)
from scheduler.periodic import Periodic, Rounds
from scheduler.tasks import ActiveJobs
from scheduler.telemetry import SchedulerTelemetry


@pytest.fixture(autouse=True)
def captured() -> Iterator[Captured]:
    with capturing() as captured:
        yield captured


async def test_what_stands_is_what_the_sweep_and_the_heartbeats_say(captured: Captured) -> None:
    clock, journal, register = VirtualClock(), InMemoryJournal(), InMemoryRegister()
    submitter = Submitter(register, JobWriter(journal, InMemoryNotifier(), clock))
    for lock in ("ledger", "ledger", "stock"):
        await submitter.submit(NewJob(new_id(), new_id(), "ten-steps", lock, "{}", "test"))
    made = make_scheduler(clock, InMemoryLeases(clock), journal=journal, register=register)
    made.known_workers = [Worker(worker="w", seen_at=clock.now())]
    async with serving(made, clock):
        await clock.advance(1)
        assert captured.values(metrics.JOBS) == {("queued",): 3, ("running",): 0}
        assert captured.values(metrics.LINE_LENGTH) == {("ledger",): 2, ("stock",): 1}
        assert captured.values(metrics.WORKERS) == {("alive",): 1, ("silent",): 0}


async def test_snapshots_are_less_frequent_than_sweeps_and_old_ones_are_not_shown(
    captured: Captured, caplog: pytest.LogCaptureFixture
) -> None:
    clock = VirtualClock()
    made = make_scheduler(clock, InMemoryLeases(clock), pause=3.0)
    began = clock.boot()
    async with serving(made, clock):
        await clock.advance(59)
        assert [at - began for at in made.sweeper.began] == [*range(0, 59, 3)]
        assert made.snapshots == 4
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
    made.failing_snapshots = 2
    async with serving(made, clock):
        await clock.advance(3)
        assert (made.sweeper.passes, made.snapshots) == (2, 2)
        assert captured.values(metrics.SWEEPS) == {(): 2}
        assert captured.points(metrics.JOBS) == []
        await clock.advance(3)
        assert made.snapshots == 3
        assert captured.points(metrics.JOBS)
        await clock.advance(14)  # 15 s after the round at 6 s, which is that at 21 s
        assert made.snapshots == 3
        await clock.advance(1)
        assert made.snapshots == 4


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


async def test_a_pass_is_measured_from_its_beginning_to_its_end(captured: Captured) -> None:
    measured: list[tuple[Swept, float]] = []

    class Observer(SchedulerTelemetry):
        def swept(self, swept: Swept, seconds: float) -> None:
            measured.append((swept, seconds))

    clock = VirtualClock()
    made = make_scheduler(clock, InMemoryLeases(clock))
    made.sweeper.seconds = 2.5
    snapshot_reader = SnapshotReader(made.sweeper.journal, clock, 15.0)
    active = ActiveJobs(made.resting, snapshot_reader, made.workers, clock, Observer(clock, 15.0))
    sweeping = asyncio.create_task(active.sweep())
    await clock.advance(3)
    await sweeping
    assert [seconds for _, seconds in measured] == [2.5]


async def test_a_snapshot_reads_no_jobs_of_its_own_and_none_that_a_failed_sweep_left(
    captured: Captured,
) -> None:
    clock = VirtualClock()
    made = make_scheduler(clock, InMemoryLeases(clock))
    snapshot_reader = SnapshotReader(made.sweeper.journal, clock, 15.0)
    active = ActiveJobs(made.resting, snapshot_reader, made.workers, clock, made.telemetry)
    with pytest.raises(UnknownOutcomeError, match="the sweep did not read the active jobs"):
        await active.snapshot()
    await active.sweep()
    made.sweeper.is_failing = True
    with pytest.raises(UnknownOutcomeError):
        await active.sweep()
    with pytest.raises(UnknownOutcomeError, match="the sweep did not read the active jobs"):
        await active.snapshot()
    assert (made.sweeper.passes, made.snapshots) == (2, 0)


def periodic(name: str, every: float, clock: VirtualClock, ran: list[tuple[str, float]]) -> Periodic:
    async def run() -> None:
        ran.append((name, clock.boot()))

    return Periodic(name, every, run)


async def test_every_task_runs_at_its_own_pace_in_rounds_as_long_as_the_shortest() -> None:
    clock, ran = VirtualClock(), list[tuple[str, float]]()
    tasks = [periodic("often", 2.0, clock, ran), periodic("seldom", 5.0, clock, ran)]
    rounds = Rounds(tasks, clock, SchedulerTelemetry(clock, 15.0))
    began = clock.boot()
    assert rounds.seconds == 2.0
    for _ in range(11):
        await rounds.go()
        await clock.advance(2.0)
    times = {name: [at - began for ran_name, at in ran if ran_name == name] for name in ("often", "seldom")}
    assert times == {"often": [*range(0, 22, 2)], "seldom": [0, 4, 8, 12, 16, 20]}


async def test_a_round_that_begins_a_little_early_leaves_no_task_out() -> None:
    clock, ran = VirtualClock(), list[tuple[str, float]]()
    rounds = Rounds([periodic("sweep", 2.0, clock, ran)], clock, SchedulerTelemetry(clock, 15.0))
    for _ in range(3):
        await rounds.go()
        await clock.advance(1.999)
    assert len(ran) == 3


async def test_a_task_that_fails_keeps_no_other_from_running_and_runs_again_in_the_next_round(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock, ran = VirtualClock(), list[tuple[str, float]]()
    tries: list[float] = []

    async def fail() -> None:
        tries.append(clock.boot())
        raise UnknownOutcomeError("no answer")

    tasks = [Periodic("broken", 60.0, fail), periodic("sound", 2.0, clock, ran)]
    rounds = Rounds(tasks, clock, SchedulerTelemetry(clock, 15.0))
    for _ in range(3):
        await rounds.go()
        await clock.advance(2.0)
    assert (len(tries), len(ran)) == (3, 3)
    assert [(record.levelno, record.message) for record in caplog.records] == [
        (logging.WARNING, "broken failed")
    ] * 3


class Punctual:
    """A task that is due at some moments, in seconds since it was made."""

    name = "start"

    def __init__(self, clock: VirtualClock, *due: float) -> None:
        self._clock = clock
        self._began = clock.boot()
        self._due = list(due)
        self.ran: list[float] = []
        self.is_failing = False

    @property
    def now(self) -> float:
        return self._clock.boot() - self._began

    def seconds_left(self) -> float:
        return max(0.0, self._due[0] - self.now) if self._due else math.inf

    async def run(self) -> None:
        self._due = [due for due in self._due if due > self.now]
        self.ran.append(round(self.now, 6))
        if self.is_failing:
            raise UnknownOutcomeError("silent")


async def test_a_punctual_task_runs_between_two_rounds_and_not_more_often_than_needed() -> None:
    clock = VirtualClock()
    made = make_scheduler(clock, InMemoryLeases(clock))
    punctual = Punctual(clock, 0.7, 1.5, 1.55, 1.58, 2.5)
    rounds = Rounds([Periodic("sweep", 2.0, made.resting.start_due)], clock, made.status, punctual)  # type: ignore[arg-type]
    waiting = asyncio.create_task(rounds.pause(2.0))
    await clock.advance(1.99)
    assert (punctual.ran, waiting.done()) == ([0.7, 1.5, 1.6], False)
    await clock.advance(0.01)
    assert waiting.done()


async def test_a_punctual_task_that_fails_is_left_to_the_next_round(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = VirtualClock()
    made = make_scheduler(clock, InMemoryLeases(clock))
    punctual = Punctual(clock, 0.5, 1.0)
    punctual.is_failing = True
    rounds = Rounds([Periodic("sweep", 2.0, made.resting.start_due)], clock, made.status, punctual)  # type: ignore[arg-type]
    waiting = asyncio.create_task(rounds.pause(2.0))
    await clock.advance(2.0)
    assert (punctual.ran, waiting.done()) == ([0.5], True)
    assert [record.getMessage() for record in caplog.records] == ["start failed"]
