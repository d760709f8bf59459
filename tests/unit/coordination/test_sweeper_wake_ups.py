"""When the sweeper notifies of a lock, and of which job."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from tests.unit.coordination.setting import TIMES, Setting
from tests.unit.coordination.wrong_clock import WrongClock

from contracts import lock_names
from coordination.clients.cancellation import Canceller
from coordination.clients.job_writer import JobWriter
from coordination.journal import rows
from coordination.maintenance.pauses import Pace
from coordination.maintenance.sweeper import Sweeper, Swept
from coordination.outcomes import Completed
from coordination.ports import UnknownOutcomeError, WakeUp

PARTITION = lock_names.partition("L")
PATIENCE = 5.0


@pytest.fixture
async def world() -> AsyncIterator[Setting]:
    made = Setting()
    yield made
    await made.close()


async def know_everything(jobs: Mapping[str, datetime]) -> dict[str, int]:
    """Stand for read models that have all events."""
    return dict.fromkeys(jobs, 1_000)


def make_sweeper(world: Setting, wrong_by: float = 0.0, pace: Pace | None = None) -> Sweeper:
    clock = WrongClock(world.clock, timedelta(seconds=wrong_by))
    ports = world.leases, world.journal, world.register, world.notifier, clock
    return Sweeper(*ports, know_everything, pace or Pace())


async def times_of_wake_ups(world: Setting, sweeper: Sweeper, seconds: int, every: int = 1) -> list[int]:
    """Sweep every so many seconds; returns when a wake-up was sent, in seconds from now."""
    notified = []
    for passed in range(0, seconds + 1, every):
        swept = await sweeper.sweep()
        assert swept.notified == len(world.notifier.wake_ups)
        notified += [passed] * len(world.notifier.take_wake_ups())
        await world.clock.advance(every)
    return notified


async def hold_and_lose(world: Setting) -> None:
    """Start the job whose turn it is, on a host that is then lost, and let its lease run out."""
    await world.hold("lost")
    await world.clock.advance(TIMES.duration)


async def test_a_young_job_is_left_alone_until_its_patience_is_over(world: Setting) -> None:
    await world.submit()
    sweeper = make_sweeper(world)
    assert (await sweeper.sweep()).notified == 0
    await world.clock.advance(PATIENCE)
    assert (await sweeper.sweep()).notified == 0
    await world.clock.advance(0.125)
    assert (await sweeper.sweep()).notified == 1


async def test_patience_is_counted_from_when_a_job_was_first_seen_where_its_age_cannot_be_right(
    world: Setting,
) -> None:
    await world.submit()
    await world.clock.advance(60)
    sweeper = make_sweeper(world, wrong_by=-3600)
    assert (await sweeper.sweep()).notified == 0
    await world.clock.advance(PATIENCE)
    assert (await sweeper.sweep()).notified == 0
    await world.clock.advance(0.125)
    assert (await sweeper.sweep()).notified == 1


async def test_pauses_between_wake_ups_for_a_lock_where_nothing_moves_double_up_to_ten_minutes(
    world: Setting,
) -> None:
    await world.submit()
    await world.clock.advance(PATIENCE + 1)
    pauses = [10, 20, 40, 80, 160, 320, 600, 600]
    expected = [sum(pauses[:number]) for number in range(len(pauses) + 1)]
    assert await times_of_wake_ups(world, make_sweeper(world), expected[-1], every=5) == expected


async def test_after_a_new_run_was_lost_a_wake_up_is_due_at_once_however_long_the_pause_was(
    world: Setting,
) -> None:
    await world.submit()
    sweeper = make_sweeper(world)
    await times_of_wake_ups(world, sweeper, 700, every=5)
    await hold_and_lose(world)
    assert (await sweeper.sweep()).notified == 1
    world.notifier.take_wake_ups()
    # And the pauses begin with the first again.
    await world.clock.advance(1)
    assert await times_of_wake_ups(world, sweeper, 40) == [9, 29]


async def test_the_pause_of_a_lock_ends_with_its_jobs(world: Setting) -> None:
    job_id = await world.submit()
    sweeper = make_sweeper(world)
    await times_of_wake_ups(world, sweeper, 700, every=5)
    registration = await world.register.find(job_id)
    assert registration is not None
    await Canceller(JobWriter(world.journal, world.notifier, world.clock)).cancel(registration, "bob")
    await world.clock.advance(sweeper.pace.longest_look + PATIENCE)
    await sweeper.sweep()
    await world.clock.advance(PATIENCE + 1)
    await sweeper.sweep()  # takes the cancelled job off the active ones
    assert (await sweeper.sweep()).active == 0
    await world.submit()
    assert await times_of_wake_ups(world, sweeper, 20) == [6, 16]


async def test_a_wake_up_for_a_waiting_job_names_the_first_in_line(world: Setting) -> None:
    await world.submit()
    urgent = await world.submit(priority=0, traceparent="its-trace")
    await world.clock.advance(PATIENCE + 1)
    await make_sweeper(world).sweep()
    wake_up = WakeUp("L", urgent, released=True, traceparent="its-trace", reason="swept")
    assert world.notifier.wake_ups == [wake_up]


async def test_a_wake_up_for_a_lost_run_names_its_job_though_another_is_first_in_line(world: Setting) -> None:
    lost = await world.submit(traceparent="its-trace")
    await hold_and_lose(world)
    await world.submit(priority=0)
    await make_sweeper(world).sweep()
    wake_up = WakeUp("L", lost, released=True, traceparent="its-trace", reason="swept")
    assert world.notifier.wake_ups == [wake_up]


async def test_a_wake_up_for_a_lost_run_whose_job_is_gone_names_the_first_in_line(world: Setting) -> None:
    lost, waiting = await world.submit(), await world.submit()
    await hold_and_lose(world)
    del world.journal.partitions[PARTITION][rows.job_key(lost)]
    await make_sweeper(world).sweep()
    assert [wake_up.job_id for wake_up in world.notifier.wake_ups] == [waiting]


async def test_a_lost_run_with_nothing_behind_it_is_work(world: Setting) -> None:
    lost = await world.submit()
    await hold_and_lose(world)
    del world.journal.partitions[PARTITION][rows.job_key(lost)]
    await make_sweeper(world).sweep()
    assert world.notifier.wake_ups == [WakeUp("L", released=True, reason="swept")]


async def test_there_is_one_wake_up_for_each_lock_that_has_work(world: Setting) -> None:
    for lock in ("L", "M", "L", "M", "N"):
        await world.submit(lock)
    await world.hold("w1", "N")
    await world.clock.advance(PATIENCE + 1)
    assert (await make_sweeper(world).sweep()).notified == 2
    assert sorted(wake_up.lock_name for wake_up in world.notifier.wake_ups) == ["L", "M"]


async def test_a_lock_that_is_held_is_not_even_read(world: Setting) -> None:
    await world.submit()
    await world.hold_elsewhere()
    await world.clock.advance(PATIENCE + 1)
    world.network.calls.clear()
    sweeper = make_sweeper(world, pace=Pace(call_timeout=0.75))
    assert (await sweeper.sweep()).notified == 0
    assert world.network.sent("journal.read_range") == []
    assert [call.timeout for call in world.network.sent("leases.is_free")] == [0.75]


async def test_a_lock_without_work_is_left_alone(world: Setting) -> None:
    await world.submit()
    tenure, _ = await world.hold()
    await tenure.finish(Completed(), None)
    await tenure.keeper.release()
    await world.clock.advance(PATIENCE + 1)
    assert (await make_sweeper(world).sweep()).notified == 0
    assert world.notifier.wake_ups == []


async def test_a_lock_whose_row_is_another_locks_is_left_alone_and_the_others_are_not(world: Setting) -> None:
    for lock in ("L", "M"):
        await world.submit(lock)
        await world.submit(lock)
        tenure, _ = await world.hold("w1", lock)
        await tenure.finish(Completed(), None)
        await tenure.keeper.release()
    stored = world.journal.partitions[PARTITION]
    row = stored[rows.lock_key()]
    stored[rows.lock_key()] = replace(row, values={**row.values, "lock_name": "X"})
    await world.clock.advance(PATIENCE + 1)
    assert (await make_sweeper(world).sweep()).notified == 1
    assert [wake_up.lock_name for wake_up in world.notifier.wake_ups] == ["M"]


async def test_a_pass_says_which_jobs_are_active(world: Setting) -> None:
    jobs = [await world.submit(lock) for lock in ("M", "L", "M")]
    swept = await make_sweeper(world).sweep()
    assert [job.job_id for job in swept.jobs] == sorted(jobs)
    assert swept.active == 3
    assert Swept().active == 0


async def test_a_store_that_does_not_answer_ends_the_pass(world: Setting) -> None:
    await world.submit()
    world.network.before("journal.active", UnknownOutcomeError())
    with pytest.raises(UnknownOutcomeError):
        await make_sweeper(world).sweep()


async def test_eight_locks_are_looked_at_at_a_time_in_the_order_of_their_jobs(world: Setting) -> None:
    for number in range(20):
        await world.submit(f"lock {number}")
    await world.clock.advance(PATIENCE + 1)
    world.network.before("journal.read_range", *[1.0] * 20)
    began = world.clock.boot()
    sweeping = asyncio.ensure_future(make_sweeper(world).sweep())
    await world.clock.advance(3)
    assert (await sweeping).notified == 20
    sent = [at - began for at in world.network.times("journal.read_range")]
    assert sent == [0] * 8 + [1] * 8 + [2] * 4
    # So many leases are looked up together.
    assert [len(world.network.sent(name)) for name in ("leases.list", "leases.is_free")] == [1, 0]
    assert [wake_up.lock_name for wake_up in world.notifier.wake_ups] == [
        f"lock {number}" for number in range(20)
    ]


async def test_after_a_failure_no_more_locks_are_looked_at(world: Setting) -> None:
    for number in range(20):
        await world.submit(f"lock {number}")
    await world.clock.advance(PATIENCE + 1)
    world.network.before("journal.read_range", UnknownOutcomeError(), *[1.0] * 20)
    sweeping = asyncio.ensure_future(make_sweeper(world).sweep())
    await world.clock.advance(0.5)
    assert not sweeping.done()  # what is under way is seen to its end
    await world.clock.advance(0.5)
    with pytest.raises(UnknownOutcomeError):
        await sweeping
    assert len(world.network.sent("journal.read_range")) == 8
    assert len(world.notifier.wake_ups) == 7


async def test_of_many_locks_those_that_are_held_are_left_alone_and_the_others_are_not(
    world: Setting,
) -> None:
    for number in range(20):
        await world.submit(f"lock {number}")
    for number in range(0, 20, 2):
        await world.leases.acquire(lock_names.partition(f"lock {number}"), 15, str(number), 1.0)
    await world.clock.advance(PATIENCE + 1)
    sweeper = make_sweeper(world)
    assert (await sweeper.sweep()).notified == 10
    assert [wake_up.lock_name for wake_up in world.notifier.wake_ups] == [
        f"lock {number}" for number in range(1, 20, 2)
    ]
    assert len(world.network.sent("journal.read_range")) == 10
    await world.clock.advance(15)
    await sweeper.sweep()
    assert {f"lock {number}" for number in range(20)} == {
        wake_up.lock_name for wake_up in world.notifier.wake_ups
    }


async def test_not_knowing_which_of_many_leases_are_free_is_no_answer(world: Setting) -> None:
    for number in range(20):
        await world.submit(f"lock {number}")
    await world.clock.advance(PATIENCE + 1)
    world.network.before("leases.list", UnknownOutcomeError())
    with pytest.raises(UnknownOutcomeError):
        await make_sweeper(world).sweep()
    assert world.notifier.wake_ups == []


async def test_a_wake_up_that_the_broker_did_not_take_leaves_no_pause(world: Setting) -> None:
    await world.submit()
    sweeper = make_sweeper(world)
    await world.clock.advance(PATIENCE + 1)
    # Long enough for a pause of ten minutes, had each of these wake-ups been sent.
    world.network.before("notifier.notify", *[UnknownOutcomeError()] * 2000)
    for _ in range(2000):
        await sweeper.sweep()
        await world.clock.advance(1)
    assert not world.notifier.wake_ups
    assert await times_of_wake_ups(world, sweeper, 9) == [0]
