"""What a snapshot sees, what it costs, and which waiting jobs it looks at."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from tests.unit.coordination.small_world import Script, World

from contracts import lock_names
from coordination.journal import rows
from coordination.maintenance.queue_snapshot import (
    MOST_LOCKS,
    MOST_LOOKS,
    PLACES,
    QueueSnapshot,
    SnapshotReader,
    looks_due,
)
from coordination.ports import ActiveJob, UnknownOutcomeError

NOTHING = QueueSnapshot(0, 0, [], [], [])


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World(seed=1, workers=2)
    yield made
    await made.close()


async def active(world: World) -> list[ActiveJob]:
    return [job async for job in world.register.active(world.clock.now())]


async def snapshot(world: World, snapshot_reader: SnapshotReader | None = None) -> QueueSnapshot:
    snapshot_reader = snapshot_reader or SnapshotReader(world.journal, world.clock, 15.0)
    return await snapshot_reader.snapshot(await active(world))


async def test_lines_and_runs_are_seen(world: World) -> None:
    for _ in range(3):
        await world.submit("long", script=Script(steps=1000))
    world.deliver()
    await world.clock.advance(20)
    await world.submit("short")
    await world.clock.advance(10)
    seen = await snapshot(world)
    assert (seen.queued, seen.running) == (3, 1)
    assert [(line.lock_name, line.length) for line in seen.lines] == [("long", 2), ("short", 1)]
    assert [round(line.seconds) for line in seen.lines] == [30, 10]
    (run,) = seen.runs
    assert (run.lock_name, run.kind, round(run.seconds)) == ("long", "scripted", 30)
    assert run.worker


async def test_nothing_is_seen_where_nothing_is(world: World) -> None:
    assert await snapshot(world) == NOTHING


async def test_the_longest_come_first(world: World) -> None:
    for number in (1, 3, 2):
        for _ in range(number):
            await world.submit(f"lock-{number}")
    assert [line.length for line in (await snapshot(world)).lines] == [3, 2, 1]


async def test_a_line_longer_than_what_is_read_is_counted_all_the_same(world: World) -> None:
    for _ in range(PLACES + 7):
        await world.submit("L", script=Script(steps=1000))
    assert (await snapshot(world)).queued == PLACES + 7
    world.deliver()
    await world.clock.advance(6)
    seen = await snapshot(world)
    assert (seen.queued, seen.running, seen.lines[0].length) == (PLACES + 6, 1, PLACES + 6)
    assert len(seen.looks) == PLACES


async def test_of_too_many_locks_the_rest_is_only_counted(world: World) -> None:
    jobs = [
        ActiveJob(str(number), f"lock-{number}", lock_names.partition(f"lock-{number}"), world.clock.now())
        for number in range(MOST_LOCKS + 5)
    ]
    seen = await SnapshotReader(world.journal, world.clock, 15.0).snapshot(jobs)
    assert seen.queued == 5


async def test_a_row_of_another_lock_is_left_out(world: World) -> None:
    await world.submit("L", script=Script(steps=1000))
    world.deliver()
    await world.clock.advance(6)
    stored = world.journal.partitions[lock_names.partition("L")]
    stored[rows.lock_key()] = replace(
        stored[rows.lock_key()], values={**stored[rows.lock_key()].values, "lock_name": "M"}
    )
    assert await snapshot(world) == NOTHING


async def test_storage_that_does_not_answer_is_told(world: World) -> None:
    await world.submit()
    jobs = await active(world)

    async def fail(when: str, name: str) -> None:
        raise UnknownOutcomeError

    world.journal.calls.fault = fail
    with pytest.raises(UnknownOutcomeError):
        await SnapshotReader(world.journal, world.clock, 15.0).snapshot(jobs)


async def test_a_scheduler_back_on_duty_does_not_tell_what_another_told(world: World) -> None:
    await world.submit()
    snapshot_reader = SnapshotReader(world.journal, world.clock, 15.0)
    await snapshot(world, snapshot_reader)
    await world.clock.advance(550)
    assert (await snapshot(world, snapshot_reader)).looks == []


async def test_looks_are_bounded_and_go_to_the_first_in_line(world: World) -> None:
    for number in range(6):
        for _ in range(PLACES):
            await world.submit(f"lock-{number}")
    await world.clock.advance(6)
    looks = (await snapshot(world)).looks
    assert len(looks) == MOST_LOOKS
    assert {look.position for look in looks if look.position <= 33} == set(range(1, 34))
    assert max(look.position for look in looks) == 34


def test_looks_are_due_at_these_times() -> None:
    times = [0, 4.9, 5, 9.9, 10, 20, 40, 80, 160, 320, 640, 1239, 1240, 1840]
    assert [looks_due(seconds) for seconds in times] == [0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 8, 9, 10]
    assert looks_due(float("-inf")) == 0
