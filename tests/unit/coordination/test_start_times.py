"""Start times: a job waits outside the line until its time, is put into it then, and never starts before."""

import json
import math
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.unit.coordination.every_order import Turns, in_every_order
from tests.unit.coordination.journaled_lock import BEGAN, LOCK, PARTITION, JournaledLock
from tests.unit.coordination.setting import Setting

from contracts.identifiers import new_id, order_from
from contracts.policies import JobPolicy, RetryPolicy
from coordination.clients.cancellation import build_cancellation
from coordination.clients.conflicts import read_occupants
from coordination.clients.job_writer import JobWriter
from coordination.clients.submission import SOON, NewJob, Submitter
from coordination.journal import rows
from coordination.journal.events import timestamp
from coordination.journal.line_reading import read_line_at
from coordination.journal.rows import JobRow
from coordination.maintenance.pauses import Pace
from coordination.maintenance.resting import Rest, RestingSweeper
from coordination.maintenance.start_times import MOST_AT_ONCE, StartTimes
from coordination.maintenance.sweeper import Sweeper
from coordination.outcomes import Completed, Failed
from coordination.ports import ActiveJob, RefusedError, UnknownOutcomeError
from coordination.slot import Slot
from coordination.testing.memory import InMemoryNotifier, InMemoryRegister, VirtualClock


def at(seconds: float) -> datetime:
    """Return a moment of the lock's time: its first write comes at second 1."""
    return BEGAN + timedelta(seconds=seconds)


def starts(lock: JournaledLock, now: float) -> StartTimes:
    """Return a scheduler's part whose clock says so many seconds."""
    clock = VirtualClock(at(now))
    return StartTimes(lock.journal, InMemoryRegister(), InMemoryNotifier(), clock, Pace())


async def put(lock: JournaledLock, now: float) -> list[str]:
    return [str(row.values["job_id"]) for row in await starts(lock, now).put_lock_in_line(PARTITION)]


async def cancel(lock: JournaledLock, job_id: str) -> JobRow:
    registration = ActiveJob(job_id, LOCK, PARTITION, at(0))
    return await JobWriter(lock.journal, InMemoryNotifier(), VirtualClock()).change(
        registration, "ann", build_cancellation
    )


# --- the submission ------------------------------------------------------------------


async def test_a_job_with_a_start_time_waits_outside_the_line() -> None:
    lock = JournaledLock()
    job = await lock.submit("a", start_at=at(100))
    start_at = timestamp(at(100))
    assert (job.start_at, job.due_at, job.queued_at, job.is_delayed) == (start_at, start_at, start_at, True)
    assert job.submitted_at == timestamp(at(1))
    assert (lock.tickets(), lock.passed(), lock.later()) == ([], [], ["a"])
    # The row of the lock is its holder's: the submission does not write it.
    assert lock.row(rows.lock_key()) is None
    assert json.loads(lock.events("a")[0].data)["start_at"] == start_at
    assert await lock.build_take_over() is None


@pytest.mark.parametrize("seconds", [-1e9, 0, 1])
async def test_a_start_time_that_is_over_means_at_once(seconds: float) -> None:
    lock = JournaledLock()
    job = await lock.submit("a", start_at=at(seconds))
    assert (job.start_at, job.due_at, job.order, lock.tickets()) == (None, None, "a", ["a"])
    assert (await lock.take_over()).job is not None


async def test_a_job_that_starts_soon_is_in_line_at_once_and_holds_its_place() -> None:
    lock = JournaledLock()
    soon = await lock.submit("soon", start_at=at(1) + SOON)
    await lock.submit("later", start_at=at(2.001) + SOON)
    assert (lock.tickets(), lock.later(), soon.is_delayed) == (["soon"], ["later"], False)
    assert await lock.build_take_over() is None
    lock.wait(5)
    draft = await lock.take_over()
    assert draft.job is not None
    assert draft.job.job_id == "soon"


async def test_a_job_without_a_start_time_has_the_rows_of_earlier_releases(world: Setting) -> None:
    job_id = await world.submit()
    stored = world.journal.partitions[PARTITION]
    assert not any({"start_at", "due_at", "holds_place"} & row.values.keys() for row in stored.values())
    assert "start_at" not in str(stored[rows.event_key(job_id, 1)].values["data"])


async def test_its_time_in_line_counts_from_its_start_time() -> None:
    lock = JournaledLock()
    job = await lock.submit("a", start_at=at(100), expires_in=10.0)
    assert job.expires_at == timestamp(at(110))


async def test_it_is_no_conflict_for_others_until_it_is_in_line() -> None:
    lock = JournaledLock()
    await lock.submit("a", start_at=at(100))
    found = await read_occupants(lock.journal, Slot(LOCK), timestamp(at(5)))
    assert found is not None
    assert found.first is None
    await put(lock, 100)
    found = await read_occupants(lock.journal, Slot(LOCK), timestamp(at(100)))
    assert found is not None
    assert found.first == lock.job("a")


# --- its time comes ------------------------------------------------------------------


async def test_it_is_put_into_the_line_when_its_time_comes_and_not_before() -> None:
    lock = JournaledLock()
    before = await lock.submit("a", start_at=at(100))
    assert await put(lock, 99.999) == []
    assert lock.later() == ["a"]
    assert await put(lock, 100) == ["a"]
    assert (lock.tickets(), lock.later()) == (["a"], [])
    job = lock.job("a")
    assert (job.seq, job.due_at, job.holds_place, job.is_delayed) == (1, before.due_at, True, False)
    lock.wait(100)
    draft = await lock.take_over()
    assert draft.job is not None
    assert (draft.job.job_id, draft.job.due_at, draft.job.start_at) == ("a", "", before.start_at)
    assert lock.tickets() == []


async def test_a_worker_whose_clock_is_behind_does_not_start_it_early() -> None:
    lock = JournaledLock()
    job = await lock.submit("a", start_at=at(100))
    await put(lock, 101)
    line = await read_line_at(lock.journal, VirtualClock(at(99)), Slot(LOCK), 4)
    assert (line.has_work, line.changes_at) == (False, job.start_at)
    # Nor does a transaction that was made from a line read later.
    later = await read_line_at(lock.journal, VirtualClock(at(100)), Slot(LOCK), 4)
    assert later.first is not None
    assert await lock.build_take_over() is None


async def test_it_passes_nobody_who_came_before_its_time_and_none_who_comes_later_passes_it() -> None:
    lock = JournaledLock()
    await lock.submit("a", start_at=at(100), order=new_id())
    await lock.submit("before", order=order_from(at(99), "x"))
    await lock.submit("after", order=order_from(at(101), "x"))
    await lock.submit("b", start_at=at(100), order=new_id())
    await put(lock, 100)
    assert lock.tickets() == ["before", "a", "b", "after"]


async def test_more_than_one_transaction_takes_are_put_into_line_one_after_the_other() -> None:
    lock = JournaledLock()
    jobs = [f"{number:03}" for number in range(2 * MOST_AT_ONCE + 1)]
    for job_id in jobs:
        await lock.submit(job_id, start_at=at(500))
    await lock.submit("later", start_at=at(501))
    assert await put(lock, 500) == jobs
    assert (lock.tickets(), lock.later()) == (jobs, ["later"])


async def test_a_failed_attempt_of_it_is_tried_again_like_any() -> None:
    lock = JournaledLock(JobPolicy(retry=RetryPolicy(attempts=2, delay=5.0)))
    await lock.submit("a", start_at=at(10))
    lock.wait(10)
    await put(lock, 10)
    await lock.take_over()
    _, ended = await lock.end(Failed("OSError", "no route", error_classes=("OSError",)))
    assert (lock.passed(), ended.waits_at.startswith(rows.DUE)) == (["a"], True)
    assert (ended.holds_place, ended.next_attempt_at) == (False, ended.due_at)


# --- races ---------------------------------------------------------------------------


async def test_in_every_order_a_job_is_either_put_into_line_or_cancelled_before() -> None:
    ends: set[tuple[str, bool]] = set()

    async def play(turns: Turns) -> None:
        lock = JournaledLock()
        await lock.submit("a", start_at=at(100))
        lock.journal.calls.fault = turns
        moved, cancelled = await turns.play(put(lock, 100), cancel(lock, "a"))
        lock.journal.calls.fault = None
        assert not isinstance(moved, BaseException), moved
        assert not isinstance(cancelled, BaseException), cancelled
        # It waits all the while, so that its cancellation is terminal at once.
        assert (lock.job("a").status, lock.tickets(), lock.later()) == ("Cancelled", [], [])
        assert lock.statuses("a") == ["Submitted", "Cancelled"]
        ends.add((lock.job("a").status, bool(moved)))

    assert await in_every_order(play) >= 10
    assert ends == {("Cancelled", True), ("Cancelled", False)}


async def test_in_every_order_a_job_is_either_started_or_cancelled_at_its_time() -> None:
    ends: set[str] = set()

    async def play(turns: Turns) -> None:
        lock = JournaledLock()
        await lock.submit("a", start_at=at(100))
        await put(lock, 100)
        lock.wait(100)
        lock.journal.calls.fault = turns
        started, cancelled = await turns.play(lock.build_and_commit(), cancel(lock, "a"))
        lock.journal.calls.fault = None
        ends.add(lock.job("a").status)
        assert not isinstance(cancelled, BaseException), cancelled
        assert lock.tickets() == []
        if lock.job("a").status == "Cancelled":
            assert started is None or isinstance(started, RefusedError)
            assert lock.statuses("a") == ["Submitted", "Cancelled"]
        else:
            assert lock.job("a").cancel_requested

    assert await in_every_order(play) > 5
    assert ends == {"Cancelled", "Running"}


async def test_in_every_order_two_schedulers_put_it_into_line_once() -> None:
    async def play(turns: Turns) -> None:
        lock = JournaledLock()
        await lock.submit("a", start_at=at(100))
        await lock.submit("b", start_at=at(100))
        lock.journal.calls.fault = turns
        found = await turns.play(put(lock, 100), put(lock, 100))
        lock.journal.calls.fault = None
        assert sorted(found, key=len) == [[], ["a", "b"]]
        assert (lock.tickets(), lock.later()) == (["a", "b"], [])

    assert await in_every_order(play) >= 6


@pytest.mark.parametrize("is_end", [False, True])
async def test_in_every_order_a_submission_and_its_start_refuse_no_holder(is_end: bool) -> None:
    """Neither the submission of a delayed job nor its way into the line writes what a holder writes."""

    async def play(turns: Turns) -> None:
        lock = JournaledLock()
        await lock.submit("first", order=order_from(at(0), "x"))
        if is_end:
            await lock.take_over()
        lock.journal.calls.fault = turns

        async def submit_and_put() -> None:
            await lock.submit("a", start_at=at(100))
            await put(lock, 100)

        holder = lock.end(Completed(), chain=True) if is_end else lock.build_and_commit()
        held, submitted = await turns.play(holder, submit_and_put())
        lock.journal.calls.fault = None
        assert not isinstance(held, BaseException), held
        assert not isinstance(submitted, BaseException), submitted
        assert (lock.tickets(), lock.job("a").attempt) == (["a"], 0)
        assert lock.job("first").status == ("Completed" if is_end else "Running")

    assert await in_every_order(play) >= 10


# --- the sweeper -----------------------------------------------------------------------


class Scheduled(Setting):
    """A scheduler that makes rounds, with read models that have all events unless a test says otherwise."""

    def __init__(self) -> None:
        super().__init__()
        self.is_projected = True
        self.sweeper = self.make_sweeper()

    def make_sweeper(self) -> Sweeper:
        return Sweeper(
            self.leases, self.journal, self.register, self.notifier, self.clock, self._projected_seqs
        )

    async def _projected_seqs(self, jobs: Mapping[str, datetime]) -> dict[str, int]:
        return dict.fromkeys(jobs, 1_000 if self.is_projected else 0)

    async def delay(self, seconds: float, **more: Any) -> str:
        return await self.submit(start_at=self.clock.now() + timedelta(seconds=seconds), **more)

    async def sweep(self, times: int = 1, every: float = 2.0) -> None:
        for _ in range(times):
            await self.sweeper.sweep(timedelta(seconds=10))
            await self.clock.advance(every)

    async def postponed(self) -> set[str]:
        far = self.clock.now() + timedelta(days=400)
        return {job.job_id async for job in self.register.active(far) if job.is_postponed}

    def keys(self, prefix: str, lock: str = PARTITION) -> list[str]:
        return sorted(key for key in self.journal.partitions[lock] if key.startswith(prefix))


@pytest.fixture
async def world() -> AsyncIterator[Scheduled]:
    made = Scheduled()
    yield made
    await made.close()


async def test_its_submission_notifies_nobody(world: Scheduled) -> None:
    submitter = Submitter(world.register, JobWriter(world.journal, world.notifier, world.clock))
    start_at = world.clock.now() + timedelta(seconds=60)
    await submitter.submit(NewJob(new_id(), new_id(), "kind", "L", "{}", "ann", start_at=start_at))
    assert world.notifier.take_wake_ups() == []
    assert len(world.notifier.take_announcements()) == 1


async def test_jobs_that_wait_for_their_start_times_cost_no_sweep_anything(world: Scheduled) -> None:
    jobs = {await world.delay(3600.0 + number) for number in range(50)}
    assert await world.postponed() == set()
    await world.sweep(6)
    assert await world.postponed() == jobs
    world.network.calls.clear()
    await world.sweep(10)
    assert {call.name for call in world.network.calls} == {"journal.active"}
    assert [job async for job in world.register.active(world.clock.now())] == []


async def test_what_the_read_models_lack_of_it_is_announced_before_it_is_postponed(world: Scheduled) -> None:
    world.is_projected = False
    job_id = await world.delay(3600.0)
    world.notifier.take_announcements()
    await world.sweep(10)
    assert {each.job_id for each in world.notifier.take_announcements()} == {job_id}
    assert await world.postponed() == set()
    world.is_projected = True
    await world.sweep(20)
    assert await world.postponed() == {job_id}


async def test_a_job_that_starts_soon_is_not_postponed(world: Scheduled) -> None:
    await world.delay(64.0)
    await world.sweep(10)
    assert await world.postponed() == set()


async def test_a_postponed_job_is_put_into_line_resumed_and_its_lock_notified(world: Scheduled) -> None:
    job_id, other = await world.delay(3600.0), await world.delay(3601.0)
    await world.sweep(6)
    await world.clock.advance(3600 - 12)
    world.network.calls.clear()
    swept = await world.sweeper.sweep()
    assert (swept.started, await world.postponed()) == (1, {other})
    (wake_up,) = world.notifier.take_wake_ups()
    assert (wake_up.lock_name, wake_up.job_id, wake_up.reason) == ("L", job_id, "due")
    assert world.keys(rows.TICKETS) == [world.job(job_id).ticket_key]
    names = [call.name for call in world.network.calls[:5]]
    assert names == [
        "journal.active",
        "journal.read_range",
        "journal.commit",
        "notifier.notify",
        "journal.resume",
    ]


async def test_a_job_that_was_put_into_line_is_not_looked_for_again(world: Scheduled) -> None:
    await world.delay(6.0)
    await world.sweep(5)
    assert world.keys(rows.LATER) == []
    commits = len(world.network.sent("journal.commit"))
    await world.hold_elsewhere()
    world.network.calls.clear()
    await world.sweep(4)
    assert len(world.network.sent("journal.read_range")) == 0
    assert len(world.network.sent("journal.commit")) == 0 < commits
    # Another scheduler looks once.
    world.sweeper = world.make_sweeper()
    await world.sweep(4)
    assert len(world.network.sent("journal.commit")) == 0


async def test_a_start_between_two_passes_comes_at_its_moment(world: Scheduled) -> None:
    assert world.sweeper.seconds_until_start() == math.inf
    job_id = await world.delay(7.5)
    await world.sweep()
    assert world.sweeper.seconds_until_start() == pytest.approx(5.5)
    await world.clock.advance(5.4)
    assert await world.sweeper.start_due() == 0
    await world.clock.advance(0.1)
    assert await world.sweeper.start_due() == 1
    assert (world.job(job_id).is_delayed, world.sweeper.seconds_until_start()) == (False, math.inf)
    assert [each.reason for each in world.notifier.take_wake_ups()] == ["due"]


async def test_a_resting_scheduler_knows_start_times_and_sweeps_after_them(world: Scheduled) -> None:
    resting = RestingSweeper(world.sweeper, world.register, world.clock, Rest(2.0))
    job_id = await world.delay(150.0)
    for _ in range(40):
        await resting.go()
        await world.clock.advance(2)
    assert await world.postponed() == {job_id}
    assert resting.seconds_until_start() == pytest.approx(70.0)
    await world.clock.advance(70)
    assert await resting.start_due() == 1
    swept = await resting.go()
    assert swept is not None
    assert [job.job_id for job in swept.jobs] == [job_id]


async def test_a_submission_that_arrives_after_its_start_time_is_put_into_line(world: Scheduled) -> None:
    """It was registered, and its row is written only when the scheduler has looked for it."""
    job_id = new_id()
    submitter = Submitter(world.register, JobWriter(world.journal, world.notifier, world.clock))
    start_at = world.clock.now() + timedelta(seconds=6)
    world.network.before("journal.commit", 8.0)
    new = NewJob(job_id, new_id(), "kind", "L", "{}", "ann", start_at=start_at)

    async def submit() -> None:
        await submitter.submit(new)

    world.spawn(submit())
    await world.clock.settle()
    await world.sweep(7, every=1.0)
    assert PARTITION not in world.journal.partitions
    await world.sweep(10, every=1.0)
    assert world.keys(rows.TICKETS) == [world.job(job_id).ticket_key]


async def test_a_broker_that_is_away_delays_no_job(world: Scheduled) -> None:
    world.sweeper.is_heard = lambda: False
    await world.delay(6.0)
    await world.clock.advance(6)
    assert (await world.sweeper.sweep()).started == 1
    assert world.notifier.take_wake_ups() == []


async def test_silent_storage_leaves_the_rest_to_the_next_pass(world: Scheduled) -> None:
    await world.delay(6.0)
    await world.sweep()
    await world.clock.advance(4)
    silent = [UnknownOutcomeError()] * 50
    world.network.before("journal.read_range", *silent)
    with pytest.raises(UnknownOutcomeError):
        await world.sweeper.start_due()
    world.network.before("journal.read_range")
    assert (await world.sweeper.look_again()).started == 1


async def test_a_worker_starts_it_at_its_time(world: Scheduled) -> None:
    worker = world.worker()
    job_id = await world.delay(6.0)
    await world.sweep(2)
    await world.clock.advance(2)
    assert await world.sweeper.start_due() == 1
    (wake_up,) = world.notifier.take_wake_ups()
    await world.notify(worker, wake_up)
    assert world.runs.jobs == [job_id]
    assert world.job(job_id).started_at >= str(world.job(job_id).start_at)


async def test_a_worker_starts_a_job_at_its_time_that_no_scheduler_knows_of(world: Scheduled) -> None:
    submitter = Submitter(world.register, JobWriter(world.journal, world.notifier, world.clock))
    start_at = world.clock.now() + timedelta(seconds=3)
    new = NewJob(new_id(), new_id(), "kind", "L", "{}", "ann", start_at=start_at)
    await submitter.submit(new)
    (wake_up,) = world.notifier.take_wake_ups()
    await world.notify(world.worker(), wake_up)
    await world.clock.advance(2.9)
    assert world.runs.jobs == []
    await world.clock.advance(0.2)
    assert world.runs.jobs == [new.job_id]


async def test_a_job_that_was_cancelled_before_its_start_time_leaves_the_active_ones(
    world: Scheduled,
) -> None:
    job_id = await world.delay(3600.0)
    await world.sweep(6)
    registration = await world.register.find(job_id)
    assert registration is not None
    # As a publisher does.
    await Submitter(world.register, JobWriter(world.journal, world.notifier, world.clock)).activate(
        registration
    )
    await JobWriter(world.journal, world.notifier, world.clock).change(
        registration, "ann", build_cancellation
    )
    assert world.job(job_id).status == "Cancelled"
    await world.sweep(10)
    assert [job async for job in world.register.active(world.clock.now())] == []
    await world.clock.advance(3600)
    await world.sweep(10)
    assert [job async for job in world.register.active(world.clock.now())] == []


async def test_one_that_was_nearly_cancelled_shortly_before_its_start_time_starts(world: Scheduled) -> None:
    job_id = await world.delay(3600.0)
    await world.sweep(6)
    await world.clock.advance(3600 - 12 - 30)
    registration = await world.register.find(job_id)
    assert registration is not None
    await Submitter(world.register, JobWriter(world.journal, world.notifier, world.clock)).activate(
        registration
    )
    await world.sweep(14)
    assert world.job(job_id).is_delayed
    await world.sweep(2)
    assert not world.job(job_id).is_delayed


async def test_one_that_was_nearly_cancelled_is_postponed_with_its_times(world: Scheduled) -> None:
    job_id = await world.delay(3600.0, expires_in=60.0)
    registration = await world.register.find(job_id)
    assert registration is not None
    await world.sweep(6)
    await Submitter(world.register, JobWriter(world.journal, world.notifier, world.clock)).activate(
        registration
    )
    await world.sweep(10)
    far = world.clock.now() + timedelta(days=400)
    (job,) = [job async for job in world.register.active(far)]
    assert (job.is_postponed, job.due_at, job.expires_at) == (
        True,
        registration.due_at,
        registration.expires_at,
    )
