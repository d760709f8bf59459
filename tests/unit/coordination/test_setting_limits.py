"""Setting the limit of a lock: what it records, which rows it opens and closes, and what it leaves alone."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from tests.unit.coordination.setting import Setting

from contracts import lock_names
from contracts.policies import MOST_SLOTS
from coordination.clients.limits import LimitOutOfRangeError, LimitSetter
from coordination.journal import rows
from coordination.journal.limits import read_limit, read_records, read_slots, record_key
from coordination.journal.line import WrongLockError, read_line
from coordination.journal.rows import LockRow
from coordination.ports import UnknownOutcomeError, WakeUp
from coordination.slot import Slot

PARTITION = lock_names.partition("L")


@pytest.fixture
async def world() -> AsyncIterator[Setting]:
    made = Setting()
    yield made
    await made.close()


def setter(world: Setting) -> LimitSetter:
    return LimitSetter(world.journal, world.notifier, world.clock)


async def open_slots(world: Setting) -> list[int]:
    return [each.slot.number for each in await read_slots(world.journal, "L") if not each.lock.is_closed]


async def test_a_lock_has_one_slot_until_a_limit_is_set(world: Setting) -> None:
    assert (await read_limit(world.journal, "L")).limit == 1
    assert (await setter(world).set("L", 1, "ann")).record is None
    assert PARTITION not in world.journal.partitions


async def test_a_limit_is_recorded_with_who_when_from_to_and_why(world: Setting) -> None:
    done = await setter(world).set("L", 3, "ann", "more machines")
    [record] = await read_records(world.journal, "L")
    assert (done.limit, done.record) == (3, record)
    assert (record.number, record.previous, record.limit) == (1, 1, 3)
    assert (record.actor, record.reason) == ("ann", "more machines")
    assert record.at.startswith(world.clock.now().isoformat()[:10])
    assert json.loads(record.fences) == {"1": 0, "2": 0}
    assert await open_slots(world) == [1, 2]
    assert (await read_line(world.journal, Slot("L"))).slots == 3


async def test_records_are_chained(world: Setting) -> None:
    for limit in (3, 2, 5):
        await setter(world).set("L", limit, "ann")
    records = await read_records(world.journal, "L")
    assert [(record.number, record.previous, record.limit) for record in records] == [
        (1, 1, 3),
        (2, 3, 2),
        (3, 2, 5),
    ]
    assert [record.previous_hash for record in records] == ["", *[record.hash for record in records[:-1]]]
    assert all(record.hash == record.computed_hash for record in records)
    assert [json.loads(record.fences) for record in records] == [
        {"1": 0, "2": 0},
        {"2": 0},
        {"2": 0, "3": 0, "4": 0},
    ]


async def test_a_lower_limit_closes_rows_and_a_higher_one_opens_them_again(world: Setting) -> None:
    await setter(world).set("L", 4, "ann")
    await setter(world).set("L", 2, "ann")
    assert await open_slots(world) == [1]
    assert len(await read_slots(world.journal, "L")) == 3
    await setter(world).set("L", 3, "ann")
    assert await open_slots(world) == [1, 2]
    await setter(world).set("L", 1, "ann")
    assert await open_slots(world) == []
    assert (await read_limit(world.journal, "L")).limit == 1
    # Slot 1 may have a run that is cut off one day.
    assert (await read_line(world.journal, Slot("L"))).slots == 2


async def test_the_limit_that_a_lock_has_is_not_recorded_again(world: Setting) -> None:
    await setter(world).set("L", 3, "ann")
    world.network.calls.clear()
    assert (await setter(world).set("L", 3, "bob")).record is None
    assert world.network.sent("journal.commit") == []
    assert len(await read_records(world.journal, "L")) == 1


@pytest.mark.parametrize("limit", [0, -1, MOST_SLOTS + 1])
async def test_a_limit_that_no_lock_can_have_is_refused_and_names_the_range(
    world: Setting, limit: int
) -> None:
    with pytest.raises(LimitOutOfRangeError, match=f"limit must be from 1 to 64, not {limit}"):
        await setter(world).set("L", limit, "ann")
    assert world.network.calls == []


async def test_the_highest_limit_fits_into_one_transaction(world: Setting) -> None:
    await setter(world).set("L", MOST_SLOTS, "ann")
    assert await open_slots(world) == list(range(1, MOST_SLOTS))
    await setter(world).set("L", 1, "ann")
    assert await open_slots(world) == []


async def test_workers_are_notified_of_more_slots_and_of_fewer_they_are_not(world: Setting) -> None:
    await setter(world).set("L", 3, "ann")
    assert world.notifier.take_wake_ups() == [WakeUp("L", released=True, slots=3)]
    await setter(world).set("L", 2, "ann")
    assert world.notifier.take_wake_ups() == []


async def test_what_a_holder_wrote_into_the_row_of_slot_0_stays(world: Setting) -> None:
    await world.submit()
    await world.hold()
    before = world.lock()
    await setter(world).set("L", 2, "ann")
    assert world.lock().changed_by_others(before) == before
    assert (world.lock().limit, world.lock().limit_number) == (2, 1)


async def test_a_holder_of_slot_0_goes_on_as_if_nothing_had_happened(world: Setting) -> None:
    job_id = await world.submit()
    tenure, run = await world.hold()
    await setter(world).set("L", 2, "ann")
    await run.save_state('"kept"')
    await setter(world).set("L", 1, "ann")
    assert tenure.running == job_id
    assert world.lock().limit == 1


async def test_a_change_whose_answer_is_lost_is_recorded_once(world: Setting) -> None:
    world.network.after("journal.commit", UnknownOutcomeError())
    setting = asyncio.create_task(setter(world).set("L", 2, "ann"))
    await world.clock.advance(5)
    done = await setting
    assert done.record is not None
    assert [record.op_id for record in await read_records(world.journal, "L")] == [done.record.op_id]


async def test_of_two_changes_at_once_the_second_sees_the_first(world: Setting) -> None:
    async def set_another() -> None:
        await LimitSetter(world.journal, world.notifier, world.clock).set("L", 5, "bob")

    world.network.before("journal.commit", set_another)
    setting = asyncio.create_task(setter(world).set("L", 3, "ann"))
    await world.clock.advance(5)
    await setting
    records = await read_records(world.journal, "L")
    assert [(record.actor, record.previous, record.limit) for record in records] == [
        ("bob", 1, 5),
        ("ann", 5, 3),
    ]
    assert await open_slots(world) == [1, 2]


async def test_a_lock_whose_partition_another_one_has_gets_no_limit(world: Setting) -> None:
    await setter(world).set("L", 2, "ann")
    stored = world.journal.partitions[PARTITION]
    row = stored[rows.lock_key()]
    stored[rows.lock_key()] = type(row)(row.key, {**row.values, "lock_name": "M"}, row.etag)
    with pytest.raises(WrongLockError):
        await setter(world).set("L", 3, "ann")


def test_the_keys_are_apart_from_the_line() -> None:
    assert record_key(7) == "limit|000007"
    assert not record_key(1).startswith((rows.LINE, rows.SLOTS))


def test_a_row_without_a_limit_stores_nothing_of_it() -> None:
    stored = {name for name, value in LockRow("L").values().items() if value is not None}
    assert not {"limit", "limit_number", "is_closed"} & stored
