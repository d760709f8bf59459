"""What a snapshot counts, in which order, and how many it names, at the limits."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.unit.coordination.setting import Setting
from tests.unit.coordination.wrong_clock import WrongClock

from contracts import lock_names
from coordination.journal import rows
from coordination.maintenance.queue_snapshot import (
    MOST_LOCKS,
    PLACES,
    SHOWN,
    LineSeen,
    Look,
    QueueSnapshot,
    RunSeen,
    SnapshotReader,
    looks_due,
)
from coordination.outcomes import Completed, Interrupted
from coordination.ports import ActiveJob

INTERVAL = 15.0


@pytest.fixture
async def world() -> AsyncIterator[Setting]:
    made = Setting()
    yield made
    await made.close()


async def snapshot(
    world: Setting, snapshot_reader: SnapshotReader | None = None, wrong_by: float = 0.0
) -> QueueSnapshot:
    clock = WrongClock(world.clock, timedelta(seconds=wrong_by))
    snapshot_reader = snapshot_reader or SnapshotReader(world.journal, clock, INTERVAL)
    return await snapshot_reader.snapshot([job async for job in world.register.active(world.clock.now())])


async def test_a_line_and_a_run_are_seen_as_they_are(world: Setting) -> None:
    running, first, second = [await world.submit() for _ in range(3)]
    await world.clock.advance(1)
    await world.hold("w7")
    await world.clock.advance(4)
    seen = await snapshot(world)
    assert (seen.queued, seen.running) == (2, 1)
    assert seen.lines == [LineSeen("L", 2, 5.0)]
    assert seen.runs == [RunSeen("L", running, "w7", 4.0, "kind")]
    assert seen.looks == [
        Look(world.job(first), 1, 2, 5.0, "w7"),
        Look(world.job(second), 2, 2, 5.0, "w7"),
    ]


async def test_where_nothing_runs_a_job_waits_behind_none(world: Setting) -> None:
    """The lock row keeps the worker that ran last."""
    await world.submit()
    tenure, _ = await world.hold("w7")
    await tenure.finish(Completed(), None)
    waiting = await world.submit()
    await world.clock.advance(5)
    seen = await snapshot(world)
    assert (seen.queued, seen.running, seen.runs) == (1, 0, [])
    assert seen.looks == [Look(world.job(waiting), 1, 1, 5.0, "")]


async def test_a_run_without_a_line_is_counted_as_a_run_alone(world: Setting) -> None:
    await world.submit()
    await world.hold()
    seen = await snapshot(world)
    assert (seen.queued, seen.running, seen.lines, seen.looks) == (0, 1, [], [])


async def test_a_job_that_was_interrupted_waits_since_then(world: Setting) -> None:
    await world.submit()
    tenure, _ = await world.hold()
    await world.clock.advance(8)
    await tenure.finish(Interrupted("why"), None)
    await world.clock.advance(7)
    seen = await snapshot(world)
    assert seen.lines == [LineSeen("L", 1, 7.0)]


async def test_moments_that_are_not_known_are_now(world: Setting) -> None:
    await world.submit()
    await world.submit()
    await world.hold()
    await world.clock.advance(5)
    stored = world.journal.partitions[lock_names.partition("L")]
    (ticket,) = (key for key in stored if key.startswith(rows.TICKETS))
    for key, name in ((rows.lock_key(), "started_at"), (ticket, "queued_at"), (ticket, "submitted_at")):
        stored[key] = replace(stored[key], values={**stored[key].values, name: ""})
    seen = await snapshot(world)
    assert seen.lines == [LineSeen("L", 1, 0.0)]
    assert [run.seconds for run in seen.runs] == [0.0]


async def test_a_job_of_which_only_the_submission_is_known_waits_since_then(world: Setting) -> None:
    await world.submit()
    await world.clock.advance(5)
    stored = world.journal.partitions[lock_names.partition("L")]
    (ticket,) = (key for key in stored if key.startswith(rows.TICKETS))
    stored[ticket] = replace(stored[ticket], values={**stored[ticket].values, "queued_at": ""})
    assert (await snapshot(world)).lines == [LineSeen("L", 1, 5.0)]


async def test_moments_that_lie_in_the_future_of_this_host_are_now(world: Setting) -> None:
    await world.submit()
    await world.submit()
    await world.hold("w7")
    seen = await snapshot(world, wrong_by=-3600)
    assert seen.lines == [LineSeen("L", 1, 0.0)]
    assert [run.seconds for run in seen.runs] == [0.0]


async def test_lines_are_sorted_by_length_and_runs_by_time(world: Setting) -> None:
    for lock, jobs in (("A", 2), ("B", 4), ("C", 3)):
        for _ in range(jobs):
            await world.submit(lock)
    for lock in ("B", "C", "A"):
        await world.hold("w1", lock)
        await world.clock.advance(1)
    seen = await snapshot(world)
    assert [(line.lock_name, line.length) for line in seen.lines] == [("B", 3), ("C", 2), ("A", 1)]
    assert [(run.lock_name, run.seconds) for run in seen.runs] == [("B", 3.0), ("C", 2.0), ("A", 1.0)]


async def test_the_kinds_of_the_longest_runs_are_looked_up_and_no_others(world: Setting) -> None:
    for number in range(SHOWN + 2):
        await world.submit(f"lock {number}", kind=f"kind {number}")
        await world.hold("w1", f"lock {number}")
        await world.clock.advance(0.5)
    seen = await snapshot(world)
    kinds = [f"kind {number}" for number in range(SHOWN)]
    assert [run.kind for run in seen.runs] == [*kinds, "", ""]
    assert [run.lock_name for run in seen.runs] == [f"lock {number}" for number in range(SHOWN + 2)]


async def test_a_snapshot_costs_one_query_for_each_active_lock_and_one_row_for_each_of_the_longest_runs(
    world: Setting,
) -> None:
    for number in range(SHOWN + 2):
        for _ in range(2):
            await world.submit(f"lock {number}")
        await world.hold("w1", f"lock {number}")
    await world.submit("idle")
    world.network.calls.clear()
    await snapshot(world)
    queries = ["journal.read_range"] * (SHOWN + 3)
    assert [call.name for call in world.network.calls] == [
        "journal.active",
        *queries,
        *["journal.read"] * SHOWN,
    ]


async def test_a_run_whose_job_is_gone_has_no_kind(world: Setting) -> None:
    job_id = await world.submit()
    await world.hold()
    del world.journal.partitions[lock_names.partition("L")][rows.job_key(job_id)]
    assert (await snapshot(world)).runs == [RunSeen("L", job_id, "w1", 0.0)]


@pytest.mark.parametrize("running", [False, True])
@pytest.mark.parametrize("waiting", [PLACES - 1, PLACES, PLACES + 1])
async def test_a_line_is_counted_right_about_the_length_that_is_read(
    world: Setting, waiting: int, running: bool
) -> None:
    for _ in range(waiting + running):
        await world.submit()
    if running:
        await world.hold()
    await world.clock.advance(6)
    seen = await snapshot(world)
    assert (seen.queued, seen.running) == (waiting, int(running))
    assert [line.length for line in seen.lines] == [waiting]
    assert len(seen.looks) == min(waiting, PLACES)
    assert {look.length for look in seen.looks} == {waiting}


async def test_a_short_line_is_counted_exactly_though_active_jobs_may_be_over(
    world: Setting,
) -> None:
    for _ in range(3):
        await world.submit()
    tenure, _ = await world.hold()
    await tenure.finish(Completed(), None)
    assert (await snapshot(world)).queued == 2


async def test_a_long_line_is_at_least_as_long_as_what_was_read_of_it(world: Setting) -> None:
    for _ in range(PLACES):
        await world.submit()
    active = [job async for job in world.register.active(world.clock.now())][:3]
    seen = await SnapshotReader(world.journal, world.clock, INTERVAL).snapshot(active)
    assert seen.queued == PLACES


async def test_of_too_many_locks_those_with_the_oldest_jobs_are_looked_at(world: Setting) -> None:
    now = world.clock.now()
    await world.submit("oldest")
    await world.submit("youngest")
    jobs = [
        ActiveJob(str(number), f"lock {number}", lock_names.partition(f"lock {number}"), now)
        for number in range(MOST_LOCKS - 1)
    ]
    for lock, age in (("youngest", -1), ("oldest", 1)):
        registered = now - timedelta(seconds=age)
        jobs.insert(0, ActiveJob(lock, lock, lock_names.partition(lock), registered))
    world.network.calls.clear()
    seen = await SnapshotReader(world.journal, world.clock, INTERVAL).snapshot(jobs)
    assert [line.lock_name for line in seen.lines] == ["oldest"]
    assert seen.queued == 2  # one seen, one only counted
    assert len(world.network.sent("journal.read_range")) == MOST_LOCKS


async def test_sixteen_lines_are_read_at_a_time(world: Setting) -> None:
    for number in range(20):
        await world.submit(f"lock {number}")
    jobs = [job async for job in world.register.active(world.clock.now())]
    began = world.clock.boot()
    world.network.before("journal.read_range", *[1.0] * 20)
    looking = asyncio.ensure_future(SnapshotReader(world.journal, world.clock, INTERVAL).snapshot(jobs))
    await world.clock.advance(2)
    assert (await looking).queued == 20
    assert [at - began for at in world.network.times("journal.read_range")] == [0] * 16 + [1] * 4


async def test_the_first_in_line_are_looked_at_first(world: Setting) -> None:
    for lock in ("A", "B"):
        for _ in range(2):
            await world.submit(lock)
    await world.clock.advance(6)
    looks = (await snapshot(world)).looks
    assert [(look.job.lock_name, look.position) for look in looks] == [("A", 1), ("B", 1), ("A", 2), ("B", 2)]


async def test_a_waiting_job_is_looked_at_less_and_less_often(world: Setting) -> None:
    await world.submit()
    await world.submit()
    await world.hold("w7")
    snapshot_reader = SnapshotReader(world.journal, world.clock, INTERVAL)
    looks: list[Look] = []
    for _ in range(4 * 60):
        looks += (await snapshot(world, snapshot_reader)).looks
        await world.clock.advance(INTERVAL)
    assert [look.seconds for look in looks] == [15, 30, 45, 90, 165, 330, 645, 1245, 1845, 2445, 3045]
    assert {(look.position, look.length, look.worker) for look in looks} == {(1, 1, "w7")}


async def test_a_snapshot_reader_looks_at_a_job_once_for_each_time_that_it_is_due(world: Setting) -> None:
    await world.submit()
    snapshot_reader = SnapshotReader(world.journal, world.clock, 1.0)
    looked = []
    for _ in range(50):
        looked += [look.seconds for look in (await snapshot(world, snapshot_reader)).looks]
        await world.clock.advance(1)
    assert looked == [5.0, 10.0, 20.0, 40.0]


@pytest.mark.parametrize(("seconds", "looks"), [(2 * INTERVAL, 1), (2 * INTERVAL + 1, 0)])
async def test_a_snapshot_looks_at_what_became_due_within_two_intervals(
    world: Setting, seconds: float, looks: int
) -> None:
    await world.submit()
    snapshot_reader = SnapshotReader(world.journal, world.clock, INTERVAL)
    await snapshot(world, snapshot_reader)
    await world.clock.advance(40 - 0.5)
    await snapshot(world, snapshot_reader)
    # Due at 40 s; the next snapshot comes late.
    await world.clock.advance(seconds)
    assert len((await snapshot(world, snapshot_reader)).looks) == looks


async def test_what_became_due_while_a_snapshot_was_made_is_looked_at_by_the_next(world: Setting) -> None:
    await world.submit()
    snapshot_reader = SnapshotReader(world.journal, world.clock, INTERVAL)
    await world.clock.advance(9)
    world.network.before("journal.read_range", 2.0)
    looking = asyncio.ensure_future(snapshot(world, snapshot_reader))
    await world.clock.advance(2)
    assert [look.seconds for look in (await looking).looks] == [11.0]
    await world.clock.advance(10)
    assert [look.seconds for look in (await snapshot(world, snapshot_reader)).looks] == [21.0]


def test_looks_are_due_from_exactly_these_times_on() -> None:
    due = [5, 10, 20, 40, 80, 160, 320, 640, 1240, 1840, 2440]
    for number, seconds in enumerate(due):
        assert looks_due(seconds - 0.001) == number
        assert looks_due(seconds) == number + 1
