"""Leaving a lock leaves no work behind, and no request that is sent when its time is over."""

import asyncio

import pytest
from tests.unit.coordination.small_world import Script, World

from contracts import lock_names
from contracts.statuses import JobStatus
from coordination.clients.job_writer import JobWriter
from coordination.clients.submission import JobExistsError, NewJob, Submitter
from coordination.journal import rows
from coordination.journal.persistence import commit_until
from coordination.journal.rows import JobRow
from coordination.ports import Insert, Registration, Row, Transaction, UnknownOutcomeError
from coordination.testing.memory import InMemoryJournal, InMemoryNotifier, InMemoryRegister, VirtualClock

JOB_ID = "018f6c3e-7b1a-7c4e-9d3a-0123456789ab"
INSERT = Transaction("op", [Insert("row", {"op_id": "op"})])


async def test_a_job_that_came_while_its_lock_was_given_back_is_run() -> None:
    world = World(seed=1, workers=1)
    await world.submit(script=Script(steps=1))
    release = world.leases.release
    late: list[str] = []

    async def submit_during_release(name: str, lease_id: str, timeout: float) -> None:
        if not late:
            late.append(await world.submit(script=Script(steps=0)))
            world.notifier.take_wake_ups()  # its wake-up is answered here, while the lock is still served
        await release(name, lease_id, timeout)

    world.leases.release = submit_during_release  # type: ignore[method-assign]
    world.deliver()
    await world.clock.advance(5)
    assert [job.status for job in world.jobs()] == [JobStatus.COMPLETED, JobStatus.COMPLETED]
    await world.close()


async def test_a_write_is_not_sent_again_after_its_sender_stood_still() -> None:
    """A process that is stopped between two tries must find, when it goes on, that its time is over."""
    clock, sent = VirtualClock(), []

    async def lose(when: str, call: str) -> None:
        if when == "before":
            sent.append(clock.boot())
            raise UnknownOutcomeError

    async def sleep_long(seconds: float) -> None:
        await VirtualClock.sleep(clock, seconds + 60)

    clock.sleep = sleep_long  # type: ignore[method-assign]
    until = clock.boot() + 5
    sending = asyncio.ensure_future(commit_until(InMemoryJournal(lose), clock, "p", INSERT, 1.0, until))
    await clock.advance(200)
    with pytest.raises(UnknownOutcomeError):
        await sending
    assert len(sent) == 1


async def test_a_write_whose_sender_was_cancelled_is_carried_out_and_not_sent_again() -> None:
    clock, sent = VirtualClock(), []

    async def slow_then_lost(when: str, call: str) -> None:
        sent.append(when)
        await clock.sleep(1)
        if when == "after":
            raise UnknownOutcomeError

    journal = InMemoryJournal(slow_then_lost)
    sending = asyncio.ensure_future(commit_until(journal, clock, "p", INSERT, 1.0, clock.boot() + 20))
    await clock.advance(0.5)
    sending.cancel()
    await clock.advance(20)
    assert sending.cancelled()
    assert set(journal.partitions["p"]) == {"row"}
    assert sent == ["before", "after"]


@pytest.mark.parametrize("closed", ["before the repetition", "while it is written"])
async def test_a_submission_repeated_after_its_id_was_closed_is_not_told_that_there_is_a_job(
    closed: str,
) -> None:
    """Else a redelivered command would count as carried out, and its job would never run."""
    clock, notifier = VirtualClock(), InMemoryNotifier()

    async def close_at_commit(when: str, call: str) -> None:
        if when == "before" and call == "journal.commit" and closed == "while it is written":
            await _close(journal)

    journal = InMemoryJournal(close_at_commit)
    register = InMemoryRegister()
    submitter = Submitter(register, JobWriter(journal, notifier, clock))
    new = NewJob(JOB_ID, "order", "kind", "L", "{}", "ann")
    partition = lock_names.partition("L")
    await register.add(Registration(JOB_ID, "L", partition, new.request_hash, clock.now()))
    if closed == "before the repetition":
        await _close(journal)
    with pytest.raises(JobExistsError) as told:
        await submitter.submit(new)
    assert told.value.is_closed
    assert not told.value.same_request
    assert "new id" in str(told.value)


async def _close(journal: InMemoryJournal) -> None:
    """Close the id as the sweeper does when its submission has not arrived for a day."""
    tombstone = JobRow(JOB_ID, "", "L", status=JobRow.TOMBSTONE)
    closing = Insert(rows.job_key(JOB_ID), tombstone.values())
    stored = journal.partitions.setdefault(lock_names.partition("L"), {})
    stored.setdefault(closing.key, Row(closing.key, closing.values, "closed"))
