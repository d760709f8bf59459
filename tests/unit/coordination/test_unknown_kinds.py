"""Jobs of kinds that a worker does not know: others are given time to run them, whatever any clock says."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.unit.coordination.small_world import ScriptedExecutor, World
from tests.unit.coordination.wrong_clock import WrongClock

from contracts.statuses import EventStatus
from coordination.clock import VirtualClock
from coordination.holder.dispatcher import LockDispatcher
from coordination.holder.policy import HolderSettings, WorkerPolicy
from coordination.holder.unknown_kinds import UnknownKinds
from coordination.journal import events
from coordination.journal.rows import JobRow
from coordination.times import LeaseTimes

PATIENCE = 60.0
HOURS = [-1, 0, 1]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World(seed=1, workers=0)
    yield made
    await made.close()


def add_worker(world: World, hours: int) -> None:
    """Add a worker that knows no kind at all, and whose time of day is wrong."""
    clock = WrongClock(world.clock, timedelta(hours=hours))
    policy = WorkerPolicy(capacity=2, patience_for_kinds=PATIENCE)
    settings = HolderSettings(f"w{len(world.workers)}", LeaseTimes.of(15))
    ports = replace(world.ports, clock=clock)
    executor = ScriptedExecutor(world)
    world.workers.append(
        LockDispatcher(
            ports, settings, policy, executor, knows=lambda _: False, observe=world.observed.append
        )
    )


async def let_pass(world: World, seconds: float) -> None:
    """Let time pass, with deferred wake-ups coming back as from the broker."""
    until = world.clock.boot() + seconds
    while world.clock.boot() < until:
        world.deliver()
        await world.clock.advance(min(5.0, until - world.clock.boot()))
        world.deliver_deferred()


def started(world: World, *jobs: str) -> list[bool]:
    return [any(event.status == EventStatus.STARTED for event in world.events(job_id)) for job_id in jobs]


@pytest.mark.parametrize("hours", HOURS)
async def test_an_unknown_kind_is_waited_for_and_then_fails_whatever_time_the_worker_thinks_it_is(
    world: World, hours: int
) -> None:
    add_worker(world, hours)
    job_id = await world.submit()
    await let_pass(world, PATIENCE - 1)
    assert started(world, job_id) == [False]
    await let_pass(world, 12)
    assert started(world, job_id) == [True]


@pytest.mark.parametrize("hours", HOURS)
async def test_who_knows_the_kind_still_gets_a_job_that_others_have_met(world: World, hours: int) -> None:
    add_worker(world, hours)
    job_id = await world.submit()
    await let_pass(world, PATIENCE / 2)
    world.workers[:] = [world.make_worker("knowing")]
    await let_pass(world, 12)
    assert started(world, job_id) == [True]


async def test_a_line_of_unknown_jobs_does_not_wait_one_by_one(world: World) -> None:
    add_worker(world, 0)
    jobs = [await world.submit() for _ in range(10)]
    await let_pass(world, PATIENCE + 40)
    assert started(world, *jobs) == [True] * 10


@pytest.mark.parametrize("hours", HOURS)
def test_a_kind_that_others_run_is_waited_for_with_every_job(hours: int) -> None:
    """A worker that does not know a kind meets it again and again where others do."""
    clock = VirtualClock()
    kinds = UnknownKinds(WrongClock(clock, timedelta(hours=hours)), PATIENCE)
    for number in range(100):
        job = job_submitted(clock, f"job {number}")
        assert not kinds.waited_enough(job)
        clock.jump(5)
        assert not kinds.waited_enough(job)
        clock.jump(5)


def test_only_for_a_while_is_a_kind_given_up() -> None:
    clock = VirtualClock()
    kinds = UnknownKinds(WrongClock(clock, timedelta(hours=1)), PATIENCE)
    first = job_submitted(clock, "first")
    assert not kinds.waited_enough(first)
    clock.jump(PATIENCE + 1)
    assert kinds.waited_enough(first)
    clock.jump(PATIENCE + 1)
    assert not kinds.waited_enough(job_submitted(clock, "later"))


def test_a_job_is_waited_for_until_the_patience_is_over_and_not_longer() -> None:
    clock = VirtualClock()
    kinds = UnknownKinds(WrongClock(clock, timedelta(hours=-1)), PATIENCE)
    job = job_submitted(clock, "job")
    assert not kinds.waited_enough(job)
    clock.jump(PATIENCE)
    assert not kinds.waited_enough(job)
    clock.jump(0.125)
    assert kinds.waited_enough(job)


def test_patience_is_counted_from_the_first_meeting_not_the_last() -> None:
    clock = VirtualClock()
    kinds = UnknownKinds(clock, PATIENCE)
    job = job_submitted(clock, "job")
    for _ in range(6):
        assert not kinds.waited_enough(job)
        clock.jump(PATIENCE / 6)
    assert not kinds.waited_enough(job)
    clock.jump(1)
    assert kinds.waited_enough(job)


def wait_out(kinds: UnknownKinds, clock: VirtualClock) -> None:
    """Have a job of the kind waited for in vain."""
    job = job_submitted(clock, "waited out")
    assert not kinds.waited_enough(job)
    clock.jump(PATIENCE + 1)
    assert kinds.waited_enough(job)


@pytest.mark.parametrize(("age", "is_enough"), [(PATIENCE, False), (PATIENCE + 1, True)])
def test_after_one_job_was_waited_out_the_age_of_others_of_its_kind_is_believed(
    age: float, is_enough: bool
) -> None:
    clock = VirtualClock()
    kinds = UnknownKinds(clock, PATIENCE)
    wait_out(kinds, clock)
    submitted = events.timestamp(clock.now() - timedelta(seconds=age))
    other = JobRow("other", "unknown", "L", submitted_at=submitted)
    assert kinds.waited_enough(other) is is_enough
    assert not kinds.waited_enough(replace(other, job_id="another", kind="another kind"))


@pytest.mark.parametrize(("later", "is_believed"), [(PATIENCE, True), (PATIENCE + 0.125, False)])
def test_ages_are_believed_for_as_long_as_one_job_was_waited_for(later: float, is_believed: bool) -> None:
    clock = VirtualClock()
    kinds = UnknownKinds(clock, PATIENCE)
    wait_out(kinds, clock)
    clock.jump(later)
    submitted = events.timestamp(clock.now() - timedelta(hours=1))
    assert kinds.waited_enough(JobRow("other", "unknown", "L", submitted_at=submitted)) is is_believed


@pytest.mark.parametrize(("minutes", "is_remembered"), [(60, True), (61, False)])
def test_a_job_is_remembered_for_sixty_times_the_patience_after_each_meeting(
    minutes: int, is_remembered: bool
) -> None:
    clock = VirtualClock()
    kinds = UnknownKinds(WrongClock(clock, timedelta(hours=-1)), PATIENCE)
    job, often = job_submitted(clock, "job"), job_submitted(clock, "often")
    kinds.waited_enough(job)
    for _ in range(minutes):
        clock.jump(PATIENCE)
        kinds.waited_enough(often)
    assert kinds.waited_enough(job) is is_remembered


def test_jobs_that_do_not_come_back_are_forgotten() -> None:
    clock = VirtualClock()
    kinds = UnknownKinds(clock, PATIENCE)
    for number in range(500):
        kinds.waited_enough(job_submitted(clock, f"job {number}"))
        clock.jump(PATIENCE)
    assert len(kinds._met) == 61


def job_submitted(clock: VirtualClock, job_id: str) -> JobRow:
    now = events.timestamp(clock.now())
    return JobRow(job_id, "unknown", "L", submitted_at=now)
