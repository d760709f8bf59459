"""Locks with several slots: what runs side by side, and what a lower limit does to it."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from tests.unit.coordination.every_order import Turns, in_every_order
from tests.unit.coordination.limited_lock import PARTITION, held, limit, row_of, tenure
from tests.unit.coordination.setting import Setting

from contracts.statuses import EventStatus, JobStatus
from coordination.clients.conflicts import LockBusyError
from coordination.clients.limits import LimitSetter
from coordination.holder.dispatcher import LockDispatcher
from coordination.holder.lock_server import WakeUpOutcome
from coordination.holder.runs import Run, StepDone
from coordination.journal import rows
from coordination.journal.limits import read_records
from coordination.journal.line import read_line
from coordination.journal.rows import EventRow
from coordination.outcomes import Completed, Interrupted
from coordination.ports import RefusedError, UnknownOutcomeError, WakeUp
from coordination.slot import Slot


@pytest.fixture
async def world() -> AsyncIterator[Setting]:
    made = Setting()
    yield made
    await made.close()


def events_of(world: Setting, job_id: str) -> list[EventRow]:
    stored = sorted(world.journal.partitions[PARTITION].items())
    return [EventRow.from_row(row) for key, row in stored if key.startswith(rows.event_prefix(job_id))]


# --- the transactions of a slot -----------------------------------------------


async def test_two_slots_run_the_first_two_in_line_at_the_same_time(world: Setting) -> None:
    jobs = [await world.submit() for _ in range(3)]
    await limit(world, 2)
    first, second = await held(world, 0), await held(world, 1, "w2")
    assert [first.running, second.running] == jobs[:2]
    assert [world.job(job_id).slot for job_id in jobs] == [0, 1, 0]
    assert [row_of(world, number).worker for number in (0, 1)] == ["w1", "w2"]
    # Each records its own run, and one takes the next.
    await first.finish(Completed(), None)
    await second.finish(Completed(), lambda _: True)
    assert [world.job(job_id).status for job_id in jobs] == ["Completed", "Completed", "Running"]
    assert second.running == jobs[2]


async def test_events_of_other_slots_say_where_the_job_ran(world: Setting) -> None:
    jobs = [await world.submit() for _ in range(2)]
    await limit(world, 2)
    first, second = await held(world, 0), await held(world, 1)
    await first.finish(Completed(), None)
    await second.finish(Completed(), None)
    slots = [[json.loads(event.data).get("slot") for event in events_of(world, job_id)] for job_id in jobs]
    # Submitted, lease acquired, started, completed.
    assert slots == [[None] * 4, [None, 1, 1, 1]]


async def test_a_slot_that_was_never_opened_starts_nothing(world: Setting) -> None:
    await world.submit()
    for number in (1, 2):
        made = tenure(world, number)
        await made.keeper.acquire()
        assert await made.take_over(lambda _: True) is None
        await made.keeper.release()
        await limit(world, 2)
        await limit(world, 1)
    assert not (await read_line(world.journal, Slot("L", 1))).has_work


async def test_the_fences_of_each_slot_count_up_by_one(world: Setting) -> None:
    await limit(world, 2)
    jobs = [await world.submit() for _ in range(5)]
    first = await held(world, 0)
    for _ in range(3):
        await first.finish(Completed(), lambda _: True)
    assert first.running == jobs[3]
    assert world.job(jobs[3]).fence == 4
    second = await held(world, 1)
    assert world.job(jobs[4]).fence == 1
    await first.finish(Interrupted("the worker is stopping"), None)
    second.hint()
    await second.finish(Completed(), lambda _: True)
    assert second.running == jobs[3]
    assert world.job(jobs[3]).fence == row_of(world, 1).fence == 2
    assert (world.job(jobs[3]).slot, world.job(jobs[3]).attempt) == (1, 2)


async def test_a_job_that_is_back_in_line_is_in_slot_0(world: Setting) -> None:
    await limit(world, 2)
    await world.submit()
    job_id = await world.submit()
    await held(world, 0)
    second = await held(world, 1)
    assert world.job(job_id).slot == 1
    await second.finish(Interrupted("the worker is stopping"), None)
    assert world.job(job_id).slot == 0
    [ticket] = (await read_line(world.journal, Slot("L"))).tickets
    assert ticket.values["slot"] == 0


async def test_two_slots_that_end_at_the_same_time_start_two_jobs(world: Setting) -> None:
    jobs = [await world.submit() for _ in range(4)]
    await limit(world, 2)
    first, second = await held(world, 0), await held(world, 1)
    await asyncio.gather(
        first.finish(Completed(), lambda _: True), second.finish(Completed(), lambda _: True)
    )
    assert {first.running, second.running} == set(jobs[2:])


async def test_a_submission_that_looks_at_other_jobs_sees_those_in_all_slots(world: Setting) -> None:
    await limit(world, 2)
    await world.submit()
    running = await world.submit()
    first = await held(world, 0)
    await held(world, 1)
    await first.finish(Completed(), None)
    with pytest.raises(LockBusyError, match=running):
        await world.submit(on_conflict="reject")
    await world.submit(on_conflict="cancel-running")
    assert world.job(running).cancel_requested


# --- lowering the limit ---------------------------------------------------------


async def test_a_run_above_a_lower_limit_goes_on_and_its_end_starts_no_other(world: Setting) -> None:
    jobs = [await world.submit() for _ in range(3)]
    await limit(world, 2)
    await held(world, 0)
    second = await held(world, 1)
    await limit(world, 1)
    run = await second._make_run(world.job(jobs[1]))
    await run.record_step(StepDone("one", "1", 0.1))
    assert second.running == jobs[1]
    assert await second.finish(Completed(), lambda _: True) is None
    assert [world.job(job_id).status for job_id in jobs] == ["Running", "Completed", "Queued"]


async def test_an_end_that_meets_a_new_limit_starts_no_other(world: Setting) -> None:
    jobs = [await world.submit() for _ in range(3)]
    await limit(world, 2)
    await held(world, 0)
    second = await held(world, 1)
    world.network.before("journal.commit", lambda: limit(world, 1))
    assert await second.finish(Completed(), lambda _: True) is None
    assert [world.job(job_id).status for job_id in jobs] == ["Running", "Completed", "Queued"]


async def test_a_run_cut_off_in_a_closed_slot_goes_back_in_line_and_is_finished_in_an_open_one(
    world: Setting,
) -> None:
    jobs = [await world.submit() for _ in range(3)]
    await limit(world, 2)
    first = await held(world, 0)
    lost = await held(world, 1, "lost")
    await limit(world, 1)
    await lost.keeper.release()
    line = await read_line(world.journal, Slot("L", 1))
    assert line.has_work
    other = tenure(world, 1, "w2")
    await other.keeper.acquire()
    assert await other.take_over(lambda _: True) is None
    assert row_of(world, 1).job_id == ""
    assert world.job(jobs[1]).status == JobStatus.QUEUED
    assert events_of(world, jobs[1])[-1].status == EventStatus.INTERRUPTED
    # It is ahead of the job that was submitted after it.
    await first.finish(Completed(), lambda _: True)
    assert first.running == jobs[1]


async def test_an_own_write_that_is_found_again_takes_in_that_the_slot_was_closed(world: Setting) -> None:
    jobs = [await world.submit() for _ in range(3)]
    await limit(world, 2)
    await held(world, 0)
    second = await held(world, 1)
    run = await second._make_run(world.job(jobs[1]))

    async def close_and_lose_the_answer() -> None:
        await limit(world, 1)
        raise UnknownOutcomeError

    world.network.after("journal.commit", close_and_lose_the_answer)
    step = asyncio.ensure_future(run.record_step(StepDone("one", "1", 0.1)))
    # Not so long that the line is read again.
    await world.clock.advance(0.2)
    await step
    assert [event.status for event in events_of(world, jobs[1])].count(EventStatus.STEP) == 1
    assert await second.finish(Completed(), lambda _: True) is None
    assert world.job(jobs[2]).status == JobStatus.QUEUED


async def test_in_every_order_a_start_and_a_lower_limit_exclude_each_other() -> None:
    """What the record says of the fence tells which was first, and nothing is started after it."""
    outcomes = set()

    async def play(turns: Turns) -> None:
        world = Setting()
        jobs = [await world.submit() for _ in range(2)]
        await limit(world, 2)
        await held(world, 0)
        second = tenure(world, 1)
        await second.keeper.acquire()
        world.network.fault = turns
        setter = LimitSetter(world.journal, world.notifier, world.clock)

        async def start() -> Run | None:
            return await second.take_over(lambda _: True)

        started, lowered = await turns.play(start(), setter.set("L", 1, "ann"))
        world.network.fault = None
        assert started is None or isinstance(started, RefusedError) or started.job.job_id == jobs[1]
        assert lowered.record is not None
        record = (await read_records(world.journal, "L"))[-1]
        assert row_of(world, 1).is_closed
        is_running = world.job(jobs[1]).status == JobStatus.RUNNING
        assert is_running == (row_of(world, 1).fence == 1)
        # Not started after the record: its fence is not higher.
        assert row_of(world, 1).fence <= json.loads(record.fences)["1"]
        outcomes.add(is_running)
        await world.close()

    assert await in_every_order(play) > 10
    assert outcomes == {True, False}


# --- workers ----------------------------------------------------------------------


def running(world: Setting, *workers: LockDispatcher) -> list[dict[str, str]]:
    return [worker.running for worker in workers]


async def test_one_worker_with_room_serves_all_slots(world: Setting) -> None:
    jobs = [await world.submit() for _ in range(4)]
    await limit(world, 3)
    worker = world.worker(capacity=4)
    await world.notify(worker)
    await world.clock.advance(0)
    assert worker.running == {"L": jobs[0], "L (slot 1)": jobs[1], "L (slot 2)": jobs[2]}
    assert [lease.fence for lease in worker.leases] == [1, 1, 1]
    for number in range(3):
        world.runs.end(index=number)
    await world.clock.settle()
    assert [world.job(job_id).status for job_id in jobs[:3]] == ["Completed"] * 3
    assert list(worker.running.values()) == [jobs[3]]


async def test_no_more_jobs_run_than_the_limit_says(world: Setting) -> None:
    for _ in range(6):
        await world.submit()
    await limit(world, 2)
    worker = world.worker(capacity=6)
    await world.notify(worker)
    await world.clock.advance(30)
    assert len(worker.running) == 2


async def test_a_worker_without_room_notifies_others_of_a_free_slot_and_says_the_limit(
    world: Setting,
) -> None:
    jobs = [await world.submit() for _ in range(2)]
    await limit(world, 2)
    full, other = world.worker("w1", capacity=1), world.worker("w2", capacity=1)
    await world.notify(full)
    [wake_up] = world.notifier.take_wake_ups()
    assert wake_up == WakeUp("L", released=True, slots=2)
    assert await world.notify(other, wake_up) is WakeUpOutcome.TAKEN
    assert running(world, full, other) == [{"L": jobs[0]}, {"L (slot 1)": jobs[1]}]


async def test_wake_ups_for_a_slot_that_nobody_takes_come_less_and_less_often(world: Setting) -> None:
    for _ in range(2):
        await world.submit()
    await limit(world, 2)
    await world.notify(world.worker(capacity=1))
    # Not so long that the lock is passed on.
    await world.clock.advance(50)
    assert 4 <= len(world.notifier.take_wake_ups()) <= 8


async def test_a_worker_that_met_slot_0_held_takes_a_free_slot_as_soon_as_it_hears_of_the_limit(
    world: Setting,
) -> None:
    await limit(world, 2)
    first = await world.submit()
    full, other = world.worker("w1", capacity=1), world.worker("w2", capacity=1)
    await world.notify(full)
    second = await world.submit()
    # The wake-up of the second job goes to a worker that knows nothing of a limit.
    assert await world.notify(other) is WakeUpOutcome.HELD
    await world.clock.advance(1)
    [wake_up] = world.notifier.take_wake_ups()
    await world.notify(other, wake_up)
    assert running(world, full, other) == [{"L": first}, {"L (slot 1)": second}]


async def test_a_worker_that_knows_the_limit_takes_a_free_slot_at_once(world: Setting) -> None:
    await limit(world, 2)
    await world.submit()
    full, other = world.worker("w1", capacity=1), world.worker("w2", capacity=1)
    await world.notify(other, WakeUp("M", slots=1))
    other.learn("L", 2)
    await world.notify(full)
    second = await world.submit()
    assert await world.notify(other) is WakeUpOutcome.TAKEN
    assert other.running == {"L (slot 1)": second}


async def test_the_slot_of_a_lost_worker_is_taken_over_by_the_one_that_a_wake_up_leads_there(
    world: Setting,
) -> None:
    await limit(world, 2)
    first, second = await world.submit(), await world.submit()
    lost = await held(world, 0), await held(world, 1, "lost")
    await lost[1].keeper.release()
    worker = world.worker("w2", capacity=1)
    assert await world.notify(worker, WakeUp("L", second, released=True, slots=2)) is WakeUpOutcome.TAKEN
    assert worker.running == {"L (slot 1)": second}
    assert world.job(first).status == JobStatus.RUNNING


async def test_a_worker_leaves_a_closed_slot_and_notifies_of_what_went_back_in_line(world: Setting) -> None:
    await limit(world, 2)
    await world.submit()
    second = await world.submit()
    await held(world, 0)
    lost = await held(world, 1, "lost")
    await limit(world, 1)
    await lost.keeper.release()
    worker = world.worker("w2", capacity=1)
    await world.notify(worker, WakeUp("L", second, released=True, slots=2))
    assert worker.running == {}
    assert world.job(second).status == JobStatus.QUEUED
    assert [wake_up.released for wake_up in world.notifier.take_wake_ups()] == [True]
    assert world.leases.holder(Slot("L", 1).lease_name) is None


async def test_a_lock_without_a_limit_is_looked_at_no_more_often(world: Setting) -> None:
    for _ in range(2):
        await world.submit()
    await world.notify(world.worker(capacity=2))
    world.network.calls.clear()
    await world.clock.advance(6)
    assert {call.name for call in world.network.calls} <= {"leases.renew", "journal.read"}
    world.network.calls.clear()
    other = world.worker("w2")
    assert await world.notify(other) is WakeUpOutcome.HELD
    assert [call.name for call in world.network.calls] == ["leases.acquire", "notifier.defer"]
