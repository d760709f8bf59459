"""The line of a lock: what a take-over reads, and what it refuses to touch."""

import asyncio
from collections.abc import Sequence

import pytest
from tests.unit.coordination.journaled_lock import LOCK, PARTITION, JournaledLock

from coordination.clock import VirtualClock
from coordination.journal import rows
from coordination.journal.line import Line, WrongLockError, read_line
from coordination.journal.line_reading import read_line_until
from coordination.journal.rows import LockRow
from coordination.outcomes import Completed
from coordination.ports import Insert, Row, Transaction, UnknownOutcomeError
from coordination.slot import Slot
from coordination.testing.memory import InMemoryJournal


def ids(tickets: Sequence[Row]) -> list[object]:
    return [ticket.values["job_id"] for ticket in tickets]


async def test_a_lock_that_was_never_used_has_no_version_and_no_work() -> None:
    assert await read_line(InMemoryJournal(), Slot(LOCK)) == Line(Slot(LOCK), LockRow(LOCK), None, ())


@pytest.mark.parametrize("tickets", [1, 2, 3, 4])
@pytest.mark.parametrize("is_used", [False, True])
async def test_as_many_tickets_are_read_as_are_asked_for(tickets: int, is_used: bool) -> None:
    lock = JournaledLock()
    if is_used:
        await lock.submit("0")
        await lock.take_over()
        await lock.end(Completed())
    for job_id in ("a", "b", "c"):
        await lock.submit(job_id)
    line = await read_line(lock.journal, Slot(LOCK), tickets)
    assert ids(line.tickets) == ["a", "b", "c"][:tickets]
    assert line.first == lock.job("a")
    assert (line.lock_etag is not None) is is_used
    assert line.lock == (lock.lock if is_used else LockRow(LOCK))
    assert ids((await read_line(lock.journal, Slot(LOCK))).tickets) == ["a"]


async def test_a_line_has_work_when_a_job_waits_or_a_run_is_in_progress() -> None:
    lock = JournaledLock()

    async def line() -> Line:
        return await read_line(lock.journal, Slot(LOCK))

    assert not (await line()).has_work
    await lock.submit("a")
    assert (await line()).has_work
    await lock.take_over()
    running = await line()
    assert (running.has_work, running.first, running.lock.job_id) == (True, None, "a")
    await lock.end(Completed())
    ended = await line()
    assert (ended.has_work, ended.first) == (False, None)


async def with_lock_row(row: LockRow) -> InMemoryJournal:
    journal = InMemoryJournal()
    insert = Insert(rows.lock_key(), row.values())
    await journal.commit(PARTITION, Transaction("op", [insert]), 1)
    return journal


async def test_the_row_of_a_lock_of_another_name_is_refused() -> None:
    journal = await with_lock_row(LockRow("another"))
    with pytest.raises(WrongLockError, match="the row of lock 'L' is in use by lock 'another'"):
        await read_line(journal, Slot(LOCK))


async def test_the_row_of_a_newer_protocol_is_refused_and_that_of_this_one_or_an_older_is_not() -> None:
    for protocol in (rows.PROTOCOL - 1, rows.PROTOCOL):
        journal = await with_lock_row(LockRow(LOCK, protocol=protocol))
        assert (await read_line(journal, Slot(LOCK))).lock.protocol == protocol
    journal = await with_lock_row(LockRow(LOCK, protocol=rows.PROTOCOL + 1))
    with pytest.raises(WrongLockError, match="lock 'L' needs protocol 2: upgrade this worker"):
        await read_line(journal, Slot(LOCK))


async def test_a_line_is_read_again_while_the_journal_does_not_answer_and_not_beyond_its_time() -> None:
    lock, clock = JournaledLock(), VirtualClock()
    await lock.submit("a")
    await lock.submit("b")
    answers = 0

    async def lose(when: str, call: str) -> None:
        nonlocal answers
        if when == "before":
            answers += 1
            if answers < 3:
                raise UnknownOutcomeError

    lock.journal.calls.fault = lose
    reading = asyncio.ensure_future(read_line_until(lock.journal, clock, Slot(LOCK), clock.boot() + 5))
    await clock.advance(2)
    assert ids((await reading).tickets) == ["a"]
    answers = -1000
    reading = asyncio.ensure_future(read_line_until(lock.journal, clock, Slot(LOCK), clock.boot() + 5))
    await clock.advance(5)
    assert isinstance(reading.exception(), UnknownOutcomeError)
