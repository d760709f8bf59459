"""Cancelling: at once while a job waits, by request while it runs, never after its end."""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from tests.unit.coordination.journaled_lock import LOCK, PARTITION, JournaledLock

from coordination.clients.cancellation import Canceller, CancelTooLateError
from coordination.clients.job_writer import JobWriter, NoSuchJobError
from coordination.journal import events, rows
from coordination.journal.rows import JobRow
from coordination.outcomes import Cancelled, Completed, Failed, Interrupted, RunOutcome, TimedOut
from coordination.ports import CoordinationError, Insert, Registration, Transaction, UnknownOutcomeError
from coordination.testing.faults import Fault
from coordination.testing.memory import InMemoryNotifier, VirtualClock


@dataclass
class Desk:
    """Where cancellations of the jobs of one lock are asked for."""

    lock: JournaledLock
    notifier: InMemoryNotifier
    clock: VirtualClock

    async def cancel(self, job_id: str, actor: str = "bob", reason: str = "") -> JobRow:
        registration = Registration(job_id, LOCK, PARTITION, "hash", self.clock.now())
        return await Canceller(JobWriter(self.lock.journal, self.notifier, self.clock)).cancel(
            registration, actor, reason
        )

    async def refused(self, job_id: str, error: type[CoordinationError]) -> CoordinationError:
        """Ask for what must be refused, which must change nothing."""
        before = dict(self.lock.journal.partitions[PARTITION])
        with pytest.raises(error) as refused:
            await self.cancel(job_id)
        assert self.lock.journal.partitions[PARTITION] == before
        assert self.notifier.announcements == []
        return refused.value

    def with_fault(self, fault: Fault) -> None:
        self.lock.journal.calls.fault = fault


@pytest.fixture
async def desk() -> Desk:
    """A desk for a lock whose jobs `a` and `b` wait."""
    lock = JournaledLock()
    await lock.submit("a", traceparent="00-trace")
    await lock.submit("b")
    return Desk(lock, InMemoryNotifier(), VirtualClock())


async def test_a_waiting_job_ends_at_once_and_its_ticket_goes(desk: Desk) -> None:
    job = await desk.cancel("a")
    now = events.timestamp(desk.clock.now())
    assert job == desk.lock.job("a")
    assert (job.status, job.finished_at, job.cancel_requested, job.cancel_actor) == (
        "Cancelled",
        now,
        True,
        "bob",
    )
    assert desk.lock.tickets() == ["b"]
    event = desk.lock.events("a")[-1]
    assert (event.status, event.message, event.actor) == (
        "Cancelled",
        "cancelled by bob while waiting",
        "bob",
    )
    assert (event.seq, event.timestamp, event.fence, event.worker) == (2, now, None, None)
    assert desk.notifier.announcements == events.announcements([event])
    assert desk.lock.row(rows.lock_key()) is None
    # It is not started by who takes over then.
    await desk.lock.take_over()
    assert desk.lock.lock.job_id == "b"


async def test_a_running_job_is_only_asked_to_stop(desk: Desk) -> None:
    await desk.lock.take_over("w1")
    before = desk.lock.row(rows.lock_key())
    job = await desk.cancel("a")
    assert job == desk.lock.job("a")
    assert (job.status, job.finished_at, job.cancel_requested, job.cancel_actor) == (
        "Running",
        "",
        True,
        "bob",
    )
    event = desk.lock.events("a")[-1]
    assert (event.status, event.message) == ("CancelRequested", "cancellation requested by bob")
    assert (event.actor, event.fence, event.attempt, event.worker) == ("bob", 1, 1, None)
    assert event.traceparent == "00-trace"
    assert desk.notifier.announcements == events.announcements([event])
    # The lock row is the holder's.
    assert desk.lock.row(rows.lock_key()) == before


async def test_asking_again_changes_nothing_and_names_who_asked_first(desk: Desk) -> None:
    await desk.lock.take_over("w1")
    first = await desk.cancel("a", "bob")
    assert await desk.cancel("a", "eve") == first
    assert desk.lock.statuses("a").count("CancelRequested") == 1
    assert len(desk.notifier.announcements) == 1


async def test_the_reason_is_in_the_job_and_in_the_events(desk: Desk) -> None:
    await desk.lock.take_over("w1")
    assert (await desk.cancel("a", reason="wrong month")).cancel_reason == "wrong month"
    requested = desk.lock.events("a")[-1]
    assert requested.message == "cancellation requested by bob: wrong month"
    desk.lock.look()
    await desk.lock.end(Cancelled())
    ended = desk.lock.events("a")[-1]
    assert ended.message == "cancelled, asked by bob: wrong month"
    waiting = await desk.cancel("b", reason="not needed")
    at_once = desk.lock.events("b")[-1]
    assert (waiting.cancel_reason, at_once.message) == (
        "not needed",
        "cancelled by bob while waiting: not needed",
    )
    assert [json.loads(event.data) for event in (requested, ended, at_once)] == [
        {"reason": "wrong month"},
        {"reason": "wrong month"},
        {"reason": "not needed"},
    ]


async def test_an_interrupted_job_that_was_to_be_cancelled_ends_with_the_reason(desk: Desk) -> None:
    await desk.lock.take_over("w1")
    await desk.cancel("a", reason="wrong month")
    desk.lock.look()
    await desk.lock.end(Interrupted("the worker is stopping"))
    ended = desk.lock.events("a")[-1]
    assert (ended.message, json.loads(ended.data)) == (
        "cancelled, asked by bob: wrong month",
        {"reason": "wrong month"},
    )


async def test_asking_again_with_another_reason_keeps_the_first(desk: Desk) -> None:
    await desk.lock.take_over("w1")
    await desk.cancel("a", "bob", "wrong month")
    assert (await desk.cancel("a", "eve", "other")).cancel_reason == "wrong month"


async def test_a_job_that_waits_again_after_an_interruption_ends_at_once(desk: Desk) -> None:
    await desk.lock.take_over("w1")
    await desk.lock.end(Interrupted("the worker is stopping"))
    job = await desk.cancel("a")
    assert (job.status, job.attempt, job.interruptions) == ("Cancelled", 1, 1)
    assert desk.lock.tickets() == ["b"]
    assert desk.lock.statuses("a")[-2:] == ["Interrupted", "Cancelled"]


async def test_a_waiting_job_that_was_asked_to_stop_before_ends_at_once(desk: Desk) -> None:
    """An interruption ends such a job; one that another version left in line must not wait for ever."""
    job = desk.lock.job("a")
    partition = desk.lock.journal.partitions[PARTITION]
    for key in (rows.job_key("a"), job.ticket_key):
        partition[key] = replace(partition[key], values={**partition[key].values, "cancel_requested": True})
    assert (await desk.cancel("a")).status == "Cancelled"
    assert desk.lock.tickets() == ["b"]


@pytest.mark.parametrize("outcome", [Completed(), Failed("ValueError", "no"), TimedOut("too long")])
async def test_a_job_that_has_ended_cannot_be_cancelled(desk: Desk, outcome: RunOutcome) -> None:
    await desk.lock.take_over("w1")
    _, ended = await desk.lock.end(outcome)
    error = await desk.refused("a", CancelTooLateError)
    assert isinstance(error, CancelTooLateError)
    assert error.job == ended
    assert str(error) == f"the job has ended already: {ended.status}"


async def test_a_cancelled_job_cannot_be_cancelled_again(desk: Desk) -> None:
    await desk.cancel("a")
    desk.notifier.take_announcements()
    await desk.refused("a", CancelTooLateError)


async def test_an_id_without_a_job_cannot_be_cancelled(desk: Desk) -> None:
    await desk.refused("nothing", NoSuchJobError)
    tombstone = JobRow("closed", "", LOCK, status=JobRow.TOMBSTONE)
    closing = Insert(rows.job_key("closed"), tombstone.values())
    await desk.lock.journal.commit(PARTITION, Transaction("op", [closing]), 1)
    await desk.refused("closed", NoSuchJobError)


def in_between(desk: Desk, call: str, act: Callable[[], Awaitable[object]]) -> list[str]:
    """Act once, when a call for this is about to be carried out; return the list of all calls."""
    calls: list[str] = []

    async def fault(when: str, seen: str) -> None:
        if when != "before":
            return
        calls.append(seen)
        if seen == call.split(maxsplit=1)[0] and calls.count(seen) == int(call.split()[1]):
            desk.lock.journal.calls.fault = None
            await act()
            desk.with_fault(fault)

    desk.with_fault(fault)
    return calls


async def test_a_job_that_is_started_between_the_reads_is_asked_to_stop(desk: Desk) -> None:
    in_between(desk, "journal.read 2", lambda: desk.lock.take_over("w1"))
    job = await desk.cancel("a")
    assert (job.status, job.cancel_requested) == ("Running", True)
    assert desk.lock.statuses("a")[-2:] == ["Started", "CancelRequested"]


async def test_a_job_that_is_started_before_the_write_is_asked_to_stop(desk: Desk) -> None:
    in_between(desk, "journal.commit 1", lambda: desk.lock.take_over("w1"))
    job = await desk.cancel("a")
    assert (job.status, job.cancel_requested) == ("Running", True)
    assert desk.lock.job("a") == job
    # What was built for the waiting job was neither written nor published.
    assert desk.notifier.announcements == events.announcements(desk.lock.events("a")[-1:])
    assert desk.lock.statuses("a")[-1] == "CancelRequested"


async def test_a_job_that_is_interrupted_before_the_write_ends_at_once(desk: Desk) -> None:
    await desk.lock.take_over("w1")
    in_between(desk, "journal.commit 1", lambda: desk.lock.end(Interrupted("the worker is stopping")))
    job = await desk.cancel("a")
    assert (job.status, desk.lock.tickets()) == ("Cancelled", ["b"])
    assert desk.notifier.announcements == events.announcements(desk.lock.events("a")[-1:])


async def test_a_job_that_ends_before_the_write_is_not_cancelled(desk: Desk) -> None:
    await desk.lock.take_over("w1")
    in_between(desk, "journal.commit 1", lambda: desk.lock.end(Completed()))
    with pytest.raises(CancelTooLateError) as error:
        await desk.cancel("a")
    assert error.value.job.status == "Completed"
    assert not desk.lock.job("a").cancel_requested
    assert desk.notifier.announcements == []


async def test_a_holder_that_wrote_progress_in_the_meantime_does_not_prevent_the_request(desk: Desk) -> None:
    await desk.lock.take_over("w1")
    in_between(desk, "journal.commit 1", lambda: desk.lock.flush(step="half"))
    job = await desk.cancel("a")
    assert (job.cancel_requested, job.step) == (True, "half")
    assert len(desk.notifier.announcements) == 1


@pytest.mark.parametrize("status", ["Queued", "Running"])
async def test_a_lost_answer_is_recognised_as_its_own_write(desk: Desk, status: str) -> None:
    if status == "Running":
        await desk.lock.take_over("w1")
    lost: list[str] = []

    async def lose_first(when: str, call: str) -> None:
        if (when, call) == ("after", "journal.commit") and not lost:
            lost.append(call)
            raise UnknownOutcomeError

    desk.with_fault(lose_first)
    cancelling = asyncio.ensure_future(desk.cancel("a"))
    await desk.clock.advance(1)
    job = await cancelling
    assert lost
    assert job == desk.lock.job("a")
    assert job.cancel_requested
    assert desk.notifier.announcements == events.announcements(desk.lock.events("a")[-1:])


@pytest.mark.parametrize("call", ["journal.read", "journal.commit"])
async def test_a_cancellation_gives_up_when_its_patience_is_over(
    desk: Desk, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(random, "uniform", lambda low, high: (low + high) / 2)

    async def lose(when: str, seen: str) -> None:
        if (when, seen) == ("before", call):
            raise UnknownOutcomeError

    desk.with_fault(lose)
    began = desk.clock.boot()
    cancelling = asyncio.ensure_future(desk.cancel("a"))
    await desk.clock.settle()
    while not cancelling.done():
        assert await desk.clock.advance_to_next()
    assert isinstance(cancelling.exception(), UnknownOutcomeError)
    # Pauses of 0.05, 0.1, 0.2, 0.4 and 0.8 s, and then of one second each, within eight seconds.
    assert desk.clock.boot() - began == pytest.approx(7.55)
    assert desk.notifier.announcements == []


async def test_a_cancellation_that_always_meets_another_write_gives_up_in_time(desk: Desk) -> None:
    await desk.lock.take_over("w1")
    timeouts: list[float] = []
    commit = desk.lock.journal.commit

    async def write_first(partition: str, transaction: Transaction, timeout: float) -> Any:
        if transaction.op_id.startswith("op-"):
            return await commit(partition, transaction, timeout)
        timeouts.append(timeout)
        await desk.clock.sleep(1)
        await desk.lock.flush(progress_value=float(len(timeouts)))
        return await commit(partition, transaction, timeout)

    desk.lock.journal.commit = write_first  # type: ignore[method-assign]
    cancelling = asyncio.ensure_future(desk.cancel("a"))
    await desk.clock.advance(7.5)
    assert not cancelling.done()
    await desk.clock.advance(1)
    assert isinstance(cancelling.exception(), UnknownOutcomeError)
    assert timeouts == [2.0] * 8
    assert not desk.lock.job("a").cancel_requested


async def test_every_cancellation_is_a_write_of_its_own(desk: Desk) -> None:
    """Else one who finds the other's event would take it for its own."""
    await desk.cancel("a")
    await desk.cancel("b")
    ids = [desk.lock.events(job_id)[-1].op_id for job_id in "ab"]
    assert len(set(ids)) == 2
