"""The sweeper looks after every slot of a lock that has several."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime

import pytest
from tests.unit.coordination.limited_lock import held, limit
from tests.unit.coordination.setting import Setting

from coordination.maintenance.pauses import Pace
from coordination.maintenance.sweeper import Sweeper
from coordination.ports import WakeUp
from coordination.slot import Slot


@pytest.fixture
async def world() -> AsyncIterator[Setting]:
    made = Setting()
    yield made
    await made.close()


async def _know_everything(jobs: Mapping[str, datetime]) -> dict[str, int]:
    return dict.fromkeys(jobs, 1000)


def sweeper(world: Setting, slots: int = 2) -> Sweeper:
    """Make a sweeper that has heard of the slots of lock L."""
    made = Sweeper(
        world.leases,
        world.journal,
        world.register,
        world.notifier,
        world.clock,
        _know_everything,
        Pace(patience=-1.0),
    )
    made.known_slots.learn("L", slots)
    return made


async def swept(world: Setting, made: Sweeper) -> list[WakeUp]:
    await made.sweep()
    return world.notifier.take_wake_ups()


@pytest.mark.parametrize("lowered", [False, True])
async def test_a_run_that_was_cut_off_in_another_slot_is_found_while_slot_0_is_held(
    world: Setting, lowered: bool
) -> None:
    await limit(world, 2)
    jobs = [await world.submit() for _ in range(2)]
    await held(world, 0)
    lost = await held(world, 1)
    if lowered:
        await limit(world, 1)
    made = sweeper(world)
    assert await swept(world, made) == []
    await lost.keeper.release()
    [wake_up] = await swept(world, made)
    assert (wake_up.job_id, wake_up.slots, wake_up.released) == (jobs[1], 2, True)
    # Not with every pass.
    assert await swept(world, made) == []


async def test_a_run_that_was_cut_off_is_found_when_slot_0_is_free_and_nothing_waits(world: Setting) -> None:
    await limit(world, 2)
    jobs = [await world.submit() for _ in range(2)]
    first, lost = await held(world, 0), await held(world, 1)
    await lost.keeper.release()
    await first.keeper.release()
    [wake_up] = await swept(world, sweeper(world, slots=1))
    assert wake_up.job_id in jobs


async def test_a_free_slot_is_found_while_a_job_waits(world: Setting) -> None:
    await limit(world, 2)
    await world.submit()
    await held(world, 0)
    made = sweeper(world)
    assert await swept(world, made) == []
    second = await world.submit()
    [wake_up] = await swept(world, made)
    assert (wake_up.job_id, wake_up.slots) == (second, 2)


async def test_a_free_slot_whose_lease_is_held_has_a_worker_already(world: Setting) -> None:
    await limit(world, 2)
    await world.submit()
    await held(world, 0)
    await world.submit()
    await world.leases.acquire(Slot("L", 1).lease_name, 60, "another's", 1)
    assert await swept(world, sweeper(world)) == []


async def test_a_closed_slot_is_left_alone(world: Setting) -> None:
    await limit(world, 2)
    await limit(world, 1)
    await world.submit()
    await held(world, 0)
    await world.submit()
    assert await swept(world, sweeper(world)) == []


async def test_nothing_is_read_of_a_held_lock_that_is_not_known_to_have_slots(world: Setting) -> None:
    await world.submit()
    await held(world, 0)
    await world.submit()
    world.network.calls.clear()
    await sweeper(world, slots=1).sweep()
    names = [call.name for call in world.network.calls]
    assert "leases.is_free" in names
    assert "journal.read_range" not in names
