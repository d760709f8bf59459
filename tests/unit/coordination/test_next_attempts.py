"""Failed attempts that are followed by another: when it is due, who passes it, and what races come to."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.coordination.every_order import Turns, in_every_order
from tests.unit.coordination.journaled_lock import LOCK, PARTITION, JournaledLock
from tests.unit.coordination.setting import Setting

from contracts.policies import JobPolicy, RetryPolicy
from coordination.clients.cancellation import build_cancellation
from coordination.clients.conflicts import LockBusyError
from coordination.clients.job_writer import JobWriter
from coordination.holder.due_times import LONGEST_KEPT
from coordination.journal import rows
from coordination.journal.line_reading import read_line_at
from coordination.journal.retries import TryAgain, next_attempt, policy_as_text, policy_from_text
from coordination.journal.rows import JobRow, LockRow
from coordination.maintenance.queue_snapshot import SnapshotReader
from coordination.maintenance.sweeper import Sweeper
from coordination.outcomes import Cancelled, Completed, Failed, Interrupted, TimedOut
from coordination.ports import ActiveJob, RefusedError, WakeUp
from coordination.slot import Slot
from coordination.testing.memory import InMemoryNotifier, VirtualClock

ERROR = Failed("OSError", "no route", error_classes=("OSError", "Exception"))


def policy(**more: Any) -> JobPolicy:
    told: dict[str, Any] = {"attempts": 3, "delay": 5.0, "backoff": "fixed", "jitter": 0.0} | more
    return JobPolicy(retry=RetryPolicy(**told))


def tried(**more: Any) -> JournaledLock:
    return JournaledLock(policy(**more))


async def nothing_projected(_: object) -> dict[str, int]:
    return {}


@pytest.fixture
async def world() -> AsyncIterator[Setting]:
    made = Setting()
    yield made
    await made.close()


# --- the end of a failed attempt ---------------------------------------------------


async def test_a_failed_attempt_puts_its_job_back_with_the_time_of_the_next_one() -> None:
    lock = tried()
    await lock.submit("a")
    await lock.take_over()
    draft, ended = await lock.end(ERROR)

    due_at = "2026-01-01T00:00:08.000000Z"
    assert (ended.status, ended.retries, ended.attempt) == ("Queued", 1, 1)
    assert (ended.due_at, ended.queued_at, ended.holds_place) == (due_at, due_at, False)
    assert (ended.failure_type, ended.failure_message, ended.error_type) == ("OSError", "no route", "")
    assert (draft.job, lock.lock.job_id, lock.lock.next_due) == (None, "", due_at)
    assert (lock.tickets(), lock.passed()) == ([], ["a"])
    event = lock.events("a")[-1]
    assert (event.status, event.message, event.fence) == ("AttemptFailed", "no route", 1)
    assert json.loads(event.data) == {
        "error_type": "OSError",
        "retries": 1,
        "attempts": 3,
        "next_attempt_at": due_at,
        "delay": 5.0,
        "reason": "fixed delay of its kind",
        "hold_place": False,
    }


async def test_nobody_starts_it_before_it_is_due_and_the_next_holder_does_then() -> None:
    lock = tried()
    await lock.submit("a")
    await lock.take_over()
    await lock.end(ERROR)
    lock.wait(3)
    assert await lock.build_take_over() is None
    lock.wait(1)
    draft = await lock.take_over()
    assert draft.job is not None
    assert (draft.job.job_id, draft.job.attempt, draft.job.due_at) == ("a", 2, "")
    assert (lock.tickets(), lock.passed()) == ([], [])
    # What the lock row says may be too early, never too late.
    assert lock.lock.next_due == "2026-01-01T00:00:08.000000Z"


async def test_after_the_last_attempt_the_job_fails_as_any_other() -> None:
    lock = tried(attempts=2, delay=1.0)
    await lock.submit("a")
    for _ in range(2):
        lock.wait(2)
        await lock.take_over()
        _, ended = await lock.end(ERROR)
    assert (ended.status, ended.error_type, ended.error_message) == ("Failed", "OSError", "no route")
    assert (ended.retries, ended.attempt) == (1, 2)
    assert lock.statuses("a")[-2:] == ["Started", "Failed"]
    assert (lock.tickets(), lock.passed()) == ([], [])


async def test_a_job_that_completes_in_the_end_has_no_error() -> None:
    lock = tried(delay=1.0)
    await lock.submit("a")
    await lock.take_over()
    await lock.end(ERROR)
    lock.wait(2)
    await lock.take_over()
    _, ended = await lock.end(Completed())
    assert (ended.status, ended.error_type, ended.failure_type) == ("Completed", "", "OSError")


async def test_an_interruption_uses_up_no_attempt_and_the_job_is_in_line_at_once() -> None:
    lock = tried(attempts=2, delay=1.0)
    await lock.submit("a")
    await lock.submit("b")
    await lock.take_over()
    await lock.end(ERROR)
    lock.wait(2)
    await lock.take_over()
    _, ended = await lock.end(Interrupted("the worker is stopping"))
    assert (ended.status, ended.retries, ended.interruptions, ended.due_at) == ("Queued", 1, 1, "")
    assert (lock.tickets(), lock.passed()) == (["a", "b"], [])
    await lock.take_over()
    await lock.take_over("w2")  # the worker was lost
    assert lock.require().job.job_id == "a"
    assert (await lock.end(ERROR))[1].status == "Failed"


async def test_an_interruption_before_the_last_attempt_leaves_it() -> None:
    lock = tried(attempts=2, delay=1.0)
    await lock.submit("a")
    await lock.take_over()
    await lock.end(Interrupted("the worker is stopping"))
    await lock.take_over()
    await lock.take_over("w2")  # the worker was lost
    _, ended = await lock.end(ERROR)
    assert (ended.status, ended.attempt, ended.interruptions, ended.retries) == ("Queued", 3, 2, 1)


async def test_a_job_without_a_policy_has_the_rows_of_earlier_releases() -> None:
    lock = JournaledLock()
    await lock.submit("a")
    await lock.take_over()
    _, ended = await lock.end(ERROR)
    assert ended.status == "Failed"
    new = {"retry", "retries", "failure_type", "failure_message", "due_at", "holds_place", "next_due"}
    assert not any(new & row.values.keys() for row in lock.journal.partitions[PARTITION].values())


# --- whether, and when -----------------------------------------------------------


def row(retries: int = 0, **more: Any) -> JobRow:
    text = policy_as_text(policy(**more).retry)
    return JobRow("a", "kind", LOCK, retry=text, retries=retries or None)


@pytest.mark.parametrize(
    ("outcome", "seconds"),
    [
        (ERROR, 5.0),
        (Failed("OSError", "", error_classes=("OSError",), retry_after=70.0), 70.0),
        (Failed("OSError", "", error_classes=("OSError",), retry_after=0.0), 0.0),
        (TimedOut("too long"), 5.0),
        # Its handler said that it has failed for good, or was never called.
        (Failed("FailJob", "no such account"), None),
        (Failed("KeyError", "", error_classes=("KeyError", "LookupError", "Exception")), None),
        (Failed("Mine", "", error_classes=("x.Mine", "LookupError")), None),
        # What the handler asks for stands above what its policy excludes.
        (Failed("KeyError", "", error_classes=("KeyError", "LookupError"), retry_after=3.0), 3.0),
    ],
)
def test_what_follows_a_failed_attempt(outcome: Failed | TimedOut, seconds: float | None) -> None:
    again = next_attempt(row(except_for=("LookupError",)), outcome)
    assert (again and again.seconds) == seconds


def test_an_excluded_timeout_ends_the_job() -> None:
    assert next_attempt(row(except_for=("TimeoutError",)), TimedOut("too long")) is None


def test_a_delay_says_why_it_is_so_long() -> None:
    assert next_attempt(row(), ERROR) == TryAgain(5.0, "fixed delay of its kind")
    asked = Failed("OSError", "", error_classes=("OSError",), retry_after=1.0)
    assert next_attempt(row(), asked) == TryAgain(1.0, "asked for by the handler")


def test_exponential_delays_double_up_to_the_longest() -> None:
    told = {"attempts": 1000, "backoff": "exponential", "longest_delay": 30.0}
    delays = [next_attempt(row(retries, **told), ERROR) for retries in (0, 1, 2, 3, 998)]
    assert [again.seconds for again in delays if again] == [5.0, 10.0, 20.0, 30.0, 30.0]


def test_jitter_lengthens_a_delay_by_a_part_that_differs_from_job_to_job() -> None:
    jobs = [JobRow(f"job {n}", "kind", LOCK, retry=row(jitter=0.5).retry) for n in range(200)]
    delays = [again.seconds for job in jobs if (again := next_attempt(job, ERROR))]
    assert len(set(delays)) == 200
    assert 5.0 <= min(delays) < 5.1
    assert 7.4 < max(delays) <= 7.5
    again = next_attempt(jobs[0], ERROR)
    assert again is not None
    assert again.seconds == delays[0]


def test_a_policy_of_a_later_release_is_read() -> None:
    told = json.loads(row().retry or "") | {"a later field": 1}
    assert policy_from_text(json.dumps(told)) == policy().retry


def test_the_delay_of_a_handler_is_bounded() -> None:
    asked = Failed("OSError", "", error_classes=("OSError",), retry_after=1e9)
    again = next_attempt(row(), asked)
    assert again is not None
    assert again.seconds == 7 * 86_400


# --- who passes in the meantime ------------------------------------------------------


async def test_others_pass_it_in_the_same_transaction_and_it_keeps_its_place() -> None:
    lock = tried()
    for job in "abc":
        await lock.submit(job)
    await lock.take_over()
    draft, _ = await lock.end(ERROR, chain=True)
    assert draft.job is not None
    assert draft.job.job_id == "b"
    assert lock.lock.next_due == lock.job("a").due_at
    lock.wait(6)
    draft, _ = await lock.end(Completed(), chain=True)
    # It is due: the place that it was given at its submission is before that of c.
    assert draft.job is not None
    assert (draft.job.job_id, lock.tickets(), lock.passed()) == ("a", ["c"], [])


async def test_nobody_passes_one_that_holds_its_place() -> None:
    lock = tried(hold_place=True)
    await lock.submit("a")
    await lock.submit("b")
    await lock.take_over()
    draft, ended = await lock.end(ERROR, chain=True)
    assert (draft.job, ended.holds_place) == (None, True)
    assert (lock.tickets(), lock.passed(), lock.lock.next_due) == (["a", "b"], [], None)
    assert await lock.build_take_over() is None
    lock.wait(5)
    draft = await lock.take_over()
    assert draft.job is not None
    assert draft.job.job_id == "a"


async def test_a_more_urgent_job_goes_before_one_that_holds_its_place() -> None:
    lock = tried(hold_place=True)
    await lock.submit("a")
    await lock.submit("b")
    await lock.take_over()
    await lock.submit("urgent", priority=1)
    draft, _ = await lock.end(ERROR, chain=True)
    assert draft.job is not None
    assert draft.job.job_id == "urgent"
    draft, _ = await lock.end(Completed(), chain=True)
    assert draft.job is None


async def test_a_job_cut_off_behind_one_that_holds_its_place_waits_for_it() -> None:
    lock = tried(hold_place=True)
    await lock.submit("a")
    await lock.submit("b")
    await lock.take_over()
    await lock.end(ERROR)
    line = await read_line_at(lock.journal, lock.journal_clock, Slot(LOCK), tickets=4)
    assert [row.values["job_id"] for row in line.held] == ["a"]
    assert (line.tickets, line.has_work, line.changes_at) == ((), False, lock.job("a").due_at)
    # A worker of an earlier release may have started it.
    assert line.startable(lambda _: True, lock.job("b")) is None
    assert line.startable(lambda _: True, replace(lock.job("b"), priority=1)) is not None


async def test_one_that_is_due_at_once_is_next_itself() -> None:
    for hold_place in (False, True):
        lock = tried(delay=0.0, hold_place=hold_place)
        await lock.submit("a")
        await lock.submit("b")
        await lock.take_over()
        draft, ended = await lock.end(ERROR, chain=True)
        assert (draft.job, ended.due_at, ended.queued_at) == (None, None, ended.queued_at)
        assert (lock.tickets(), lock.passed()) == (["a", "b"], [])
        assert json.loads(lock.events("a")[-1].data)["delay"] == 0
        draft = await lock.take_over()
        assert draft.job is not None
        assert (draft.job.job_id, draft.job.attempt) == ("a", 2)


async def test_of_several_that_are_due_the_first_in_line_comes_first() -> None:
    lock = tried(delay=20.0)
    for job in "abc":
        await lock.submit(job)
    await lock.take_over()
    asked = Failed("OSError", "", error_classes=("OSError",), retry_after=10.0)
    await lock.end(ERROR, chain=True)
    await lock.end(asked, chain=True)
    await lock.end(asked, chain=True)
    assert lock.passed() == ["b", "c", "a"]
    lock.wait(30)
    started = []
    for _ in range(3):
        draft = await lock.take_over() if lock.held is None else (await lock.end(Completed(), chain=True))[0]
        assert draft.job is not None
        started.append(draft.job.job_id)
    assert started == ["a", "b", "c"]


async def test_the_lock_row_forgets_due_times_that_are_over() -> None:
    lock = tried(delay=1.0)
    await lock.submit("a")
    await lock.take_over()
    await lock.end(ERROR)
    lock.wait(2)
    await lock.take_over()
    await lock.submit("b")
    await lock.end(Completed(), chain=True)
    await lock.end(Completed(), chain=True)
    assert lock.lock.next_due == ""


async def test_one_that_is_due_later_is_not_started_after_one_that_is_due() -> None:
    lock = tried(delay=5.0)
    await lock.submit("a")
    await lock.submit("b")
    await lock.take_over()
    asked = Failed("OSError", "", error_classes=("OSError",), retry_after=30.0)
    await lock.end(ERROR, chain=True)
    await lock.end(asked)
    lock.wait(8)
    draft = await lock.take_over()
    assert draft.job is not None
    assert draft.job.job_id == "a"
    draft, _ = await lock.end(Completed(), chain=True)
    assert (draft.job, lock.passed(), lock.lock.next_due) == (None, ["b"], lock.job("b").due_at)
    assert await lock.build_take_over() is None


async def test_of_two_due_times_the_lock_row_has_the_earlier_one() -> None:
    lock = tried(delay=5.0)
    await lock.submit("a")
    await lock.submit("b")
    await lock.take_over()
    asked = Failed("OSError", "", error_classes=("OSError",), retry_after=30.0)
    await lock.end(ERROR, chain=True)
    await lock.end(asked)
    assert lock.passed() == ["a", "b"]
    assert lock.lock.next_due == lock.job("a").due_at


async def test_one_that_is_due_does_not_pass_those_in_line_that_were_not_read() -> None:
    lock = tried(delay=1.0)
    await lock.submit("z")
    await lock.take_over()
    await lock.end(ERROR)
    for job in "abcdef":
        await lock.submit(job)
    for tickets, found in ((4, "abcd"), (5, "abcde"), (8, "abcdefz")):
        line = await read_line_at(lock.journal, lock.journal_clock, Slot(LOCK), tickets)
        assert "".join(str(row.values["job_id"]) for row in line.tickets) == found


async def test_a_more_urgent_job_that_comes_while_due_ones_are_read_is_not_passed(world: Setting) -> None:
    waits = await world.submit(policy=policy())
    tenure, _ = await world.hold()
    await tenure.finish(ERROR, None)
    await tenure.keeper.release()
    await world.clock.advance(6)
    urgent: list[str] = []

    async def submit() -> None:
        urgent.append(await world.submit(priority=1))

    # The line says that one is due; it is read; and then the line, so that nothing is missed for its sake.
    world.network.after("journal.read_range", None, submit)
    _, run = await world.hold("w2")
    assert [run.job.job_id] == urgent
    assert world.job(waits).status == "Queued"


# --- races -----------------------------------------------------------------------------


def registered(job_id: str, clock: VirtualClock) -> ActiveJob:
    return ActiveJob(job_id, LOCK, PARTITION, clock.now())


async def cancel(lock: JournaledLock, job_id: str) -> JobRow:
    clock = VirtualClock()
    writer = JobWriter(lock.journal, InMemoryNotifier(), clock)
    return await writer.change(registered(job_id, clock), "bob", build_cancellation)


@pytest.mark.parametrize("hold_place", [False, True])
async def test_a_job_is_cancelled_at_once_while_it_waits(hold_place: bool) -> None:
    lock = tried(hold_place=hold_place)
    await lock.submit("a")
    await lock.take_over()
    await lock.end(ERROR)
    job = await cancel(lock, "a")
    assert job.status == "Cancelled"
    assert (lock.tickets(), lock.passed()) == ([], [])
    lock.wait(10)
    assert await lock.build_take_over() is None


@pytest.mark.parametrize("hold_place", [False, True])
async def test_in_every_order_a_due_job_is_either_started_or_cancelled(hold_place: bool) -> None:
    ends: set[str] = set()

    async def play(turns: Turns) -> None:
        lock = tried(hold_place=hold_place)
        await lock.submit("a")
        await lock.take_over()
        await lock.end(ERROR)
        lock.wait(10)
        lock.journal.calls.fault = turns
        started, cancelled = await turns.play(lock.build_and_commit(), cancel(lock, "a"))
        lock.journal.calls.fault = None
        assert not isinstance(cancelled, BaseException), cancelled
        job = lock.job("a")
        ends.add(f"{job.status} {job.cancel_requested}")
        assert (lock.tickets(), lock.passed()) == ([], [])
        if job.status == "Cancelled":
            assert isinstance(started, RefusedError) or started is None
            assert lock.statuses("a")[-2:] == ["AttemptFailed", "Cancelled"]

    assert await in_every_order(play) >= 10
    assert ends == {"Cancelled True", "Running True"}


async def test_in_every_order_a_job_whose_cancellation_was_requested_is_not_tried_again() -> None:
    ends: set[tuple[str, ...]] = set()

    async def play(turns: Turns) -> None:
        lock = tried()
        await lock.submit("a")
        await lock.take_over()

        async def end() -> None:
            while True:
                try:
                    await lock.end(ERROR)
                except RefusedError:
                    lock.take_in("a")
                else:
                    return

        lock.journal.calls.fault = turns
        ended, cancelled = await turns.play(end(), cancel(lock, "a"))
        lock.journal.calls.fault = None
        assert ended is None
        assert not isinstance(cancelled, RefusedError), cancelled
        ends.add(tuple(lock.statuses("a")[3:]))
        assert (lock.tickets(), lock.passed()) == ([], [])

    assert await in_every_order(play) >= 4
    # The request came first, or the end did; a caller that was too late hears so.
    assert ends == {("CancelRequested", "Failed"), ("AttemptFailed", "Cancelled")}


async def test_in_every_order_one_of_two_takes_a_due_job() -> None:
    async def play(turns: Turns) -> None:
        lock = tried()
        await lock.submit("a")
        await lock.take_over()
        await lock.end(ERROR)
        lock.wait(10)
        lock.journal.calls.fault = turns
        found = await turns.play(lock.build_and_commit(), lock.build_and_commit())
        lock.journal.calls.fault = None
        # A lease keeps them apart in earnest: one that reads later finds the run, and takes it over.
        drafts = [each for each in found if not isinstance(each, BaseException) and each is not None]
        assert lock.job("a").attempt == 1 + len(drafts)
        assert lock.passed() == []

    assert await in_every_order(play) >= 10


async def test_in_every_order_a_take_over_and_the_end_of_a_failed_attempt_leave_one_ticket() -> None:
    ends: set[tuple[str, ...]] = set()

    async def play(turns: Turns) -> None:
        lock = tried()
        await lock.submit("a")
        await lock.take_over("w1")
        held, stale = lock.require(), JournaledLock(lock.policy)
        stale.journal, stale.held = lock.journal, held
        stale.wait(3)

        lock.wait(1)
        lock.journal.calls.fault = turns
        ended, taken = await turns.play(stale.end(ERROR), lock.build_and_commit())
        lock.journal.calls.fault = None
        assert isinstance(ended, RefusedError) != (isinstance(taken, RefusedError) or taken is None)
        job = lock.job("a")
        ends.add(tuple(lock.statuses("a")[3:]))
        assert len(lock.tickets() + lock.passed()) == (job.status == "Queued")
        if job.due_at:
            assert lock.lock.next_due == job.due_at

    assert await in_every_order(play) >= 4
    assert ends == {("AttemptFailed",), ("Interrupted", "LeaseAcquired", "Started")}


# --- what it costs, and beside earlier releases -----------------------------------------


async def test_a_lock_without_due_times_costs_no_request_more() -> None:
    lock = tried()
    await lock.submit("a")
    await lock.take_over()
    calls: list[str] = []

    async def note(when: str, call: str) -> None:
        calls.append(call) if when == "before" else None

    lock.journal.calls.fault = note
    await read_line_at(lock.journal, lock.journal_clock, Slot(LOCK))
    assert calls == ["journal.read_range"]
    await lock.end(ERROR)
    calls.clear()
    line = await read_line_at(lock.journal, lock.journal_clock, Slot(LOCK))
    # It is known when something is due without a look at it.
    assert calls == ["journal.read_range"]
    assert (line.has_work, line.changes_at) == (False, lock.job("a").due_at)
    lock.wait(10)
    line = await read_line_at(lock.journal, lock.journal_clock, Slot(LOCK))
    # The line says that something may be due; then both are read, the line last.
    assert calls == ["journal.read_range"] * 4
    assert (line.has_work, line.changes_at) == (True, None)
    calls.clear()
    await read_line_at(lock.journal, lock.journal_clock, Slot(LOCK), known=line.outside)
    assert calls == ["journal.read_range"] * 2


async def test_a_worker_of_an_earlier_release_does_not_see_a_job_that_others_may_pass() -> None:
    lock = tried()
    await lock.submit("a")
    await lock.submit("b")
    await lock.take_over()
    await lock.end(ERROR)
    due_at = lock.lock.next_due
    # It reads the line only, and its lock row has no such value: what it writes leaves that as it was.
    line = await lock.journal.read_range(PARTITION, rows.LINE)
    assert [row.key for row in line] == [rows.lock_key(), lock.job("b").ticket_key]
    await lock.take_over()
    known = {"lock_name", "fence", "tenure", "worker", "job_id", "attempt", "op_id", "started_at"}
    earlier = LockRow.from_values({key: value for key, value in line[0].values.items() if key in known})
    assert "next_due" not in earlier.changes(LockRow(LOCK))
    assert lock.lock.next_due == due_at


# --- the workers -----------------------------------------------------------------------


async def test_a_worker_tries_for_a_lock_it_has_left_when_a_job_is_due(world: Setting) -> None:
    job_id = await world.submit(policy=policy())
    await world.notify(world.worker())
    await world.end(ERROR)
    assert world.leases.holder(PARTITION) is None
    await world.clock.advance(4.9)
    assert world.runs.jobs == [job_id]
    await world.clock.advance(0.2)
    assert world.runs.jobs == [job_id, job_id]
    assert world.runs.started[-1].job.attempt == 2
    await world.end()
    assert world.job(job_id).status == "Completed"


async def test_a_worker_without_a_free_place_notifies_the_others_when_a_job_is_due(world: Setting) -> None:
    await world.submit(policy=policy())
    worker = world.worker(capacity=1)
    await world.notify(worker)
    await world.end(ERROR)
    await world.submit(lock="M")
    await world.notify(worker, WakeUp("M"))
    world.notifier.take_wake_ups()
    await world.clock.advance(6)
    assert [(each.lock_name, each.reason) for each in world.notifier.take_wake_ups()] == [("L", "due")]


async def test_a_worker_that_stops_forgets_due_times(world: Setting) -> None:
    await world.submit(policy=policy())
    worker = world.worker()
    await world.notify(worker)
    await world.end(ERROR)
    await worker.stop(0)
    await world.clock.advance(10)
    assert len(world.runs.jobs) == 1


async def test_a_due_time_far_away_is_left_to_the_sweeper(world: Setting) -> None:
    await world.submit(policy=policy(delay=LONGEST_KEPT + 10, longest_delay=LONGEST_KEPT + 10))
    await world.notify(world.worker())
    await world.end(ERROR)
    await world.clock.advance(LONGEST_KEPT + 20)
    assert len(world.runs.jobs) == 1


async def test_the_sweeper_notifies_of_a_job_that_is_due_and_looks_seldom_before(world: Setting) -> None:
    await world.submit(policy=policy(delay=100.0, longest_delay=100.0))
    worker = world.worker()
    await world.notify(worker)
    await world.end(ERROR)
    await worker.stop(0)
    sweeping = Sweeper(
        world.leases, world.journal, world.register, world.notifier, world.clock, nothing_projected
    )
    world.clock.jump(10)
    assert (await sweeping.sweep()).notified == 0
    read = len(world.network.sent("journal.read_range"))
    for _ in range(5):
        world.clock.jump(10)
        await sweeping.sweep()
    assert len(world.network.sent("journal.read_range")) == read
    world.clock.jump(39)
    assert (await sweeping.sweep()).notified == 0
    world.clock.jump(1)
    assert (await sweeping.sweep()).notified == 1
    assert [wake_up.lock_name for wake_up in world.notifier.take_wake_ups()] == ["L"]


async def test_another_job_ends_the_sweepers_rest(world: Setting) -> None:
    await world.submit(policy=policy(delay=100.0, longest_delay=100.0))
    worker = world.worker()
    await world.notify(worker)
    await world.end(ERROR)
    await worker.stop(0)
    sweeping = Sweeper(
        world.leases, world.journal, world.register, world.notifier, world.clock, nothing_projected
    )
    world.clock.jump(10)
    await sweeping.sweep()
    await world.submit()
    world.clock.jump(6)
    assert (await sweeping.sweep()).notified == 1


async def test_a_job_that_is_due_is_counted_among_those_that_wait(world: Setting) -> None:
    waits = await world.submit(policy=policy())
    tenure, _ = await world.hold()
    await tenure.finish(ERROR, None)
    reader = SnapshotReader(world.journal, world.clock, 5.0)
    active = [job async for job in world.register.active(world.clock.now())]
    assert (await reader.snapshot(active)).queued == 0
    await world.clock.advance(11)
    seen = await reader.snapshot(active)
    assert (seen.queued, [look.job.job_id for look in seen.looks]) == (1, [waits])
    assert [(line.length, round(line.seconds)) for line in seen.lines] == [(1, 6)]


async def test_a_job_that_waits_for_its_next_attempt_keeps_its_lock_busy(world: Setting) -> None:
    waits = await world.submit(policy=policy())
    await world.notify(world.worker())
    await world.end(ERROR)
    with pytest.raises(LockBusyError) as refused:
        await world.submit(on_conflict="reject", has_new_id=True)
    assert refused.value.job.job_id == waits
    await world.submit(on_conflict="replace-waiting")
    assert world.job(waits).status == "Cancelled"


async def test_a_job_that_was_asked_to_stop_and_stops_is_cancelled_all_the_same(world: Setting) -> None:
    job_id = await world.submit(policy=policy())
    await world.notify(world.worker())
    await world.end(Cancelled())
    assert world.job(job_id).status == "Cancelled"
