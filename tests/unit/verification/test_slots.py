"""The checker knows slots: runs in different slots may overlap, and each start lay within the limit."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.unit.coordination.limited_lock import held, limit
from tests.unit.coordination.setting import Setting

from contracts import lock_names
from contracts.policies import JobPolicy, RetryPolicy
from coordination.journal import rows
from coordination.journal.limits import record_key
from coordination.outcomes import Completed, Failed, Interrupted
from coordination.ports import Row
from verification.evidence import Stored
from verification.exclusion import RunCheck
from verification.lock_reading import LockReading
from verification.scope import Scope
from verification.scratch_database import ScratchDatabase
from verification.steps import Steps

PARTITION = lock_names.partition("L")

Stored_ = dict[str, Row]


async def history() -> Stored_:
    """Return the rows of a lock that had two slots, then one, and then two again."""
    world = Setting()
    await limit(world, 2)
    for _ in range(6):
        await world.submit()
    first, second = await held(world, 0), await held(world, 1, "w2")
    await second.finish(Completed(), lambda _: True)
    await second.finish(Interrupted("the worker is stopping"), None)
    await second.keeper.release()
    await limit(world, 1)
    for _ in range(3):
        await first.finish(Completed(), lambda _: True)
    await limit(world, 2)
    second = await held(world, 1, "w3")
    await second.finish(Completed(), None)
    await first.finish(Completed(), None)
    return world.journal.partitions[PARTITION]


def found(stored: Stored_) -> list[str]:
    """Return what the checker says of these rows."""
    scratch, scope = ScratchDatabase(), Scope()
    reading = LockReading(
        PARTITION, scratch, Steps(scratch, keeps_all=True), scope, RunCheck(scratch, scope, 5.0, {})
    )
    for key, row in sorted(stored.items()):
        reading.feed(Stored(PARTITION, key, row.values))
    return [violation.message for violation in reading.finish()]


async def test_a_history_with_several_slots_is_in_order() -> None:
    assert found(await history()) == []


async def test_a_job_that_failed_in_another_slot_and_is_tried_again_is_in_order() -> None:
    world = Setting()
    await limit(world, 2)
    for _ in range(2):
        await world.submit(policy=JobPolicy(retry=RetryPolicy(3)))
    await held(world, 0)
    second = await held(world, 1, "w2")
    await second.finish(Failed("OSError", "no route", error_classes=("OSError",)), None)
    stored = world.journal.partitions[PARTITION]
    assert found(stored) == []
    # No worker would look at it in time.
    change(stored, rows.lock_key(), next_due="")
    [what] = found(stored)
    assert what.endswith("and the lock's row says that none is")


def change(stored: Stored_, key: str, **values: object) -> None:
    stored[key] = replace(stored[key], values={**stored[key].values, **values})  # type: ignore[dict-item]


def remove(stored: Stored_, key: str) -> None:
    del stored[key]


def started_in_slot_1(stored: Stored_) -> None:
    """Let the last limit say that it opened slot 1 only after the last start there."""
    key = record_key(3)
    fences = {slot: fence + 1 for slot, fence in json.loads(str(stored[key].values["fences"])).items()}
    change(stored, key, fences=json.dumps(fences, separators=(",", ":")))


BROKEN: dict[str, tuple[Callable[[Stored_], None], str]] = {
    "a start above the limit": (started_in_slot_1, "began in slot 1, which was closed by limit 2"),
    "a limit that nobody recorded": (
        lambda stored: remove(stored, record_key(3)),
        "the lock's row says limit 2 by record 3, the records 1, 2",
    ),
    "a record that was changed": (
        lambda stored: change(stored, record_key(2), actor="nobody"),
        "the hash of limit 2 does not match its content",
    ),
    "a record in the middle that is gone": (
        lambda stored: remove(stored, record_key(2)),
        "limit 3 stands in the place of limit 2",
    ),
    "a slot that is closed within the limit": (
        lambda stored: change(stored, rows.lock_key(1), is_closed=True),
        "slot 1 is closed, and the limit is 2",
    ),
    "a slot's row whose fence is too low": (
        lambda stored: change(stored, rows.lock_key(1), fence=1),
        "the lock's row has fence 1, although a run had fence 3",
    ),
    "a slot's row whose fence is too high": (
        lambda stored: change(stored, rows.lock_key(1), fence=9),
        "no run of slot 1 has the fence 4",
    ),
    "a slot without a row": (
        lambda stored: remove(stored, rows.lock_key(1)),
        "the lock has runs, but no row",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_what_is_not_in_order_is_found(name: str) -> None:
    breaks, expected = BROKEN[name]
    stored = await history()
    breaks(stored)
    assert [message for message in found(stored) if expected in message], found(stored)
