"""Jobs of locks with several slots that are tried again: who finds them in time, and who may pass."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.unit.coordination.every_order import Turns, in_every_order
from tests.unit.coordination.limited_lock import PARTITION, held, limit, row_of, tenure
from tests.unit.coordination.setting import Setting

from contracts.policies import JobPolicy, RetryPolicy
from coordination.clients.cancellation import Canceller
from coordination.clients.conflicts import LockBusyError
from coordination.clients.job_writer import JobWriter
from coordination.holder.runs import StepDone
from coordination.journal import rows
from coordination.journal.line import Line
from coordination.journal.line_reading import read_line_at
from coordination.journal.rows import JobRow
from coordination.maintenance.sweeper import Sweeper
from coordination.outcomes import Completed, Failed
from coordination.ports import UnknownOutcomeError
from coordination.slot import Slot

ERROR = Failed("OSError", "no route", error_classes=("OSError", "Exception"))


def policy(**more: Any) -> JobPolicy:
    told: dict[str, Any] = {"attempts": 5, "delay": 5.0, "backoff": "fixed", "jitter": 0.0} | more
    return JobPolicy(retry=RetryPolicy(**told))


@pytest.fixture
async def world() -> AsyncIterator[Setting]:
    made = Setting()
    yield made
    await made.close()


async def nothing_projected(_: object) -> dict[str, int]:
    return {}


def accept(_: JobRow) -> bool:
    return True


def outside(world: Setting) -> list[str]:
    """Return the due times of the tickets outside the line, none before what the row of slot 0 says."""
    stored = world.journal.partitions[PARTITION]
    times = [key.split("|")[1] for key in sorted(stored) if key.startswith(rows.DUE)]
    if times:
        assert "" < (world.lock().next_due or "") <= times[0]
    return times


async def line_of(world: Setting, number: int = 0, tickets: int = 1) -> Line:
    return await read_line_at(world.journal, world.clock, Slot("L", number), tickets)


async def cancel(world: Setting, job_id: str) -> None:
    registration = await world.register.find(job_id)
    assert registration is not None
    await Canceller(JobWriter(world.journal, world.notifier, world.clock)).cancel(registration, "ann")


# --- due times -------------------------------------------------------------------------


async def test_the_row_of_slot_0_says_when_a_job_of_another_slot_is_due(world: Setting) -> None:
    await limit(world, 2)
    first, waits = [await world.submit(policy=policy()) for _ in range(2)]
    zero, one = await held(world, 0), await held(world, 1, "w2")
    before = world.lock()
    await one.finish(ERROR, None)
    job = world.job(waits)
    assert (job.status, job.slot, outside(world)) == ("Queued", 0, [job.due_at])
    assert (row_of(world, 1).job_id, row_of(world, 1).next_due, row_of(world, 1).next_number) == (
        "",
        None,
        None,
    )
    # Nothing else changes there: its holder goes on, and what it writes leaves that as it is.
    assert world.lock() == before.changed_by_others(world.lock())
    assert (world.lock().next_due, world.lock().next_number) == (job.due_at, 1)
    assert await zero.finish(Completed(), accept) is None
    assert (world.job(first).status, outside(world)) == ("Completed", [job.due_at])


async def test_each_slot_finds_a_job_that_is_due(world: Setting) -> None:
    await limit(world, 2)
    for number in (0, 1):
        waits = [await world.submit(policy=policy()) for _ in range(2)][1]
        both = [await held(world, 0), await held(world, 1)]
        await both[1].finish(ERROR, None)
        await both[0].finish(Completed(), None)
        assert not (await line_of(world, number)).has_work
        await world.clock.advance(5)
        assert (await line_of(world, number)).has_work
        for each in both:
            await each.keeper.release()
        again = await held(world, number, "w3")
        assert again.running == waits
        assert (world.job(waits).attempt, world.job(waits).slot, outside(world)) == (2, number, [])
        await again.finish(Completed(), None)
        await again.keeper.release()


async def test_a_lost_answer_of_such_an_end_puts_the_job_back_once(world: Setting) -> None:
    await limit(world, 2)
    [_, waits] = [await world.submit(policy=policy()) for _ in range(2)]
    await held(world, 0)
    one = await held(world, 1)
    world.network.after("journal.commit", UnknownOutcomeError())
    ending = asyncio.ensure_future(one.finish(ERROR, None))
    await world.clock.advance(0.2)
    await ending
    assert (len(outside(world)), world.job(waits).retries, world.lock().next_number) == (1, 1, 1)


async def test_an_own_write_that_is_found_again_takes_in_what_is_due_since(world: Setting) -> None:
    await limit(world, 2)
    jobs = [await world.submit(policy=policy()) for _ in range(2)]
    zero, one = await held(world, 0), await held(world, 1)
    run = await zero._make_run(world.job(jobs[0]))

    async def fail_and_lose_the_answer() -> None:
        await one.finish(ERROR, None)
        raise UnknownOutcomeError

    world.network.after("journal.commit", fail_and_lose_the_answer)
    step = asyncio.ensure_future(run.record_step(StepDone("one", "1", 0.1)))
    await world.clock.advance(0.2)
    await step
    assert await zero.finish(ERROR, None) is None
    assert (len(outside(world)), world.lock().next_number) == (2, 2)


async def test_a_holder_does_not_say_a_later_time_that_it_read_before_another_slot_put_a_job_back(
    world: Setting,
) -> None:
    await limit(world, 2)
    early = await world.submit(policy=policy())
    await world.submit(policy=policy(delay=60.0))
    both = [await held(world, 0), await held(world, 1)]
    for each in both:
        await each.finish(ERROR, None)
        await each.keeper.release()
    await cancel(world, early)
    world.clock.jump(6)
    jobs = [await world.submit(policy=policy()) for _ in range(5)]
    # The one that slot 0 reads is due in a minute, and so it says.
    one, zero = await held(world, 1), await held(world, 0)
    assert outside(world) == [world.lock().next_due]
    await one.finish(ERROR, None)
    run = await zero._make_run(world.job(jobs[1]))
    await run.record_step(StepDone("one", "1", 0.1))
    reads = len(world.network.sent("journal.read_range"))
    assert await zero.finish(Completed(), accept) is not None
    assert len(world.network.sent("journal.read_range")) == reads
    assert len(outside(world)) == 2


@pytest.mark.parametrize("outcome", [Completed(), ERROR])
async def test_in_every_order_two_slots_that_end_leave_no_due_time_unsaid(outcome: Any) -> None:
    async def play(turns: Turns) -> None:
        world = Setting()
        await limit(world, 2)
        early = await world.submit(policy=policy())
        zero = await held(world, 0)
        await zero.finish(ERROR, None)
        await zero.keeper.release()
        await cancel(world, early)
        # The time that the row says is over, and nothing is due: who ends a run in slot 0 takes it back.
        world.clock.jump(6)
        for _ in range(2):
            await world.submit(policy=policy())
        both = [await held(world, 0), await held(world, 1)]
        world.network.fault = turns
        ended = await turns.play(
            *(each.finish(end, accept) for each, end in zip(both, (outcome, ERROR), strict=True))
        )
        world.network.fault = None
        assert ended == [None, None]
        assert len(outside(world)) == 1 + (outcome == ERROR)
        await world.close()

    assert await in_every_order(play) > 10


async def test_in_every_order_a_take_over_of_slot_0_leaves_no_due_time_unsaid() -> None:
    async def play(turns: Turns) -> None:
        world = Setting()
        await limit(world, 2)
        early = await world.submit(policy=policy())
        zero = await held(world, 0)
        await zero.finish(ERROR, None)
        await zero.keeper.release()
        await cancel(world, early)
        await world.submit(policy=policy())
        one = await held(world, 1)
        await world.submit()
        world.clock.jump(6)
        again = tenure(world, 0, "w2")
        await again.keeper.acquire()
        world.network.fault = turns
        await turns.play(again.take_over(accept), one.finish(ERROR, None))
        world.network.fault = None
        assert len(outside(world)) == 1
        await world.close()

    assert await in_every_order(play) > 10


async def test_a_submission_that_looks_at_other_jobs_sees_one_that_failed_in_another_slot(
    world: Setting,
) -> None:
    await limit(world, 2)
    [first, waits] = [await world.submit(policy=policy()) for _ in range(2)]
    zero, one = await held(world, 0), await held(world, 1)
    await zero.finish(Completed(), None)

    async def fail() -> None:
        await one.finish(ERROR, None)

    # It has read the line, and reads the slots now.
    world.network.before("journal.read_range", None, fail)
    with pytest.raises(LockBusyError, match=waits):
        await world.submit(on_conflict="reject")
    assert world.job(first).status == "Completed"


async def test_an_attempt_that_fails_in_a_closed_slot_is_followed_in_an_open_one(world: Setting) -> None:
    await limit(world, 2)
    [_, waits] = [await world.submit(policy=policy()) for _ in range(2)]
    zero, one = await held(world, 0), await held(world, 1)
    await limit(world, 1)
    assert await one.finish(ERROR, accept) is None
    assert len(outside(world)) == 1
    await world.clock.advance(5)
    zero.hint()
    run = await zero.finish(Completed(), accept)
    assert run is not None
    assert (run.job.job_id, run.job.attempt) == (waits, 2)


# --- places ------------------------------------------------------------------------------


async def test_a_job_that_holds_its_place_takes_one_slot_from_those_behind_it(world: Setting) -> None:
    await limit(world, 3)
    jobs = [await world.submit(policy=policy(hold_place=True)) for _ in range(3)]
    slots = [await held(world, number) for number in range(3)]
    behind = [await world.submit() for _ in range(2)]
    assert await slots[0].finish(ERROR, accept) is None
    assert await slots[2].finish(Completed(), accept) is None
    assert world.job(jobs[0]).waits_at == world.job(jobs[0]).ticket_key
    assert [(await line_of(world, number)).has_work for number in range(3)] == [True, True, False]
    second = await slots[1].finish(Completed(), accept)
    assert second is not None
    assert second.job.job_id == behind[0]
    await slots[0].keeper.release()
    assert (await held(world, 0, "w2")).running == behind[1]
    # When it is due, each slot may take it.
    await world.clock.advance(5)
    await slots[2].keeper.release()
    assert (await held(world, 2, "w2")).running == jobs[0]


async def test_as_many_that_hold_their_places_as_there_are_slots_stop_the_line(world: Setting) -> None:
    await limit(world, 2)
    for _ in range(2):
        await world.submit(policy=policy(hold_place=True))
    slots = [await held(world, number) for number in range(2)]
    await world.submit()
    await slots[1].finish(ERROR, accept)
    assert (await line_of(world)).has_work
    await slots[0].finish(ERROR, accept)
    line = await line_of(world)
    assert (line.has_work, line.tickets, len(line.held)) == (False, (), 2)
    assert line.changes_at == world.job(str(line.held[1].values["job_id"])).due_at


async def test_a_lower_limit_counts_for_those_behind_one_that_holds_its_place(world: Setting) -> None:
    await limit(world, 2)
    for _ in range(2):
        await world.submit(policy=policy(hold_place=True))
    zero, one = await held(world, 0), await held(world, 1)
    behind = await world.submit()
    await one.finish(ERROR, None)
    await limit(world, 1)
    assert await zero.finish(Completed(), accept) is None
    assert not (await line_of(world)).has_work
    await limit(world, 2)
    assert (await line_of(world)).has_work
    assert not (await line_of(world, 1)).has_work
    await zero.keeper.release()
    assert (await held(world, 0)).running == behind


async def test_what_waits_behind_many_that_hold_their_places_is_read(world: Setting) -> None:
    await limit(world, 8)
    for _ in range(6):
        await world.submit(policy=policy(hold_place=True))
    slots = [await held(world, number) for number in range(6)]
    for each in slots:
        await each.finish(ERROR, None)
    behind = await world.submit()
    line = await line_of(world)
    assert [row.values["job_id"] for row in line.tickets] == [behind]
    assert [(await line_of(world, number)).has_work for number in range(8)] == [True] * 2 + [False] * 6


async def test_a_run_cut_off_behind_one_that_holds_its_place_goes_on_in_a_slot_that_may_pass(
    world: Setting,
) -> None:
    await limit(world, 2)
    await world.submit(policy=policy(hold_place=True))
    behind = await world.submit()
    zero, one = await held(world, 0), await held(world, 1, "lost")
    await zero.finish(ERROR, None)
    for each in (zero, one):
        await each.keeper.release()
    worker = world.worker(capacity=2)
    await world.notify(worker)
    await world.clock.advance(0)
    wake_ups = world.notifier.take_wake_ups()
    for wake_up in wake_ups:
        await world.notify(worker, wake_up)
    assert (world.job(behind).status, world.job(behind).slot) == ("Running", 0)


# --- workers ------------------------------------------------------------------------------


async def test_a_worker_that_serves_another_slot_starts_a_job_when_it_is_due(world: Setting) -> None:
    await limit(world, 2)
    long = await world.submit()
    waits = await world.submit(policy=policy())
    worker = world.worker(capacity=3)
    await world.notify(worker)
    await world.clock.advance(0)
    assert sorted(world.runs.jobs) == sorted([long, waits])
    await world.end(ERROR)
    await world.clock.advance(4)
    assert worker.running == {"L": long}
    await world.clock.advance(1.5)
    assert worker.running == {"L": long, "L (slot 1)": waits}


async def test_the_sweeper_finds_what_is_due_and_a_lost_slot_also_while_others_wait(world: Setting) -> None:
    await limit(world, 2)
    jobs = [await world.submit(policy=policy(delay=60.0)) for _ in range(2)]
    zero, one = await held(world, 0), await held(world, 1)
    await zero.finish(ERROR, None)
    await zero.keeper.release()
    sweeping = Sweeper(
        world.leases, world.journal, world.register, world.notifier, world.clock, nothing_projected
    )
    world.clock.jump(10)
    assert (await sweeping.sweep()).notified == 0
    # The holder of slot 1 is lost: that is no reason to wait until the other job is due.
    await one.keeper.release()
    world.clock.jump(5)
    assert (await sweeping.sweep()).notified == 1
    [wake_up] = world.notifier.take_wake_ups()
    assert (wake_up.job_id, wake_up.slots) == (jobs[1], 2)
