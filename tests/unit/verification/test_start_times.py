"""Start times in a history: no job starts before its own, and the rows say what its events say."""

from collections.abc import Callable

import pytest
from tests.unit.verification.asking import broken
from tests.unit.verification.authored import Author, job_id
from tests.unit.verification.records import Records

from contracts.statuses import EventStatus
from coordination.journal import rows

FIRST, SECOND = job_id(1), job_id(2)


def delayed(seconds: float = 60.0) -> Author:
    """Return a history with a job that waits for its start time, and one that was submitted after it."""
    author = Author()
    author.submit(start_in=seconds)
    author.submit()
    return author


def passed() -> Author:
    author = delayed()
    author.start(SECOND)
    author.end(SECOND)
    author.pause(60)
    author.put_in_line(FIRST)
    author.start(FIRST)
    author.interrupt(FIRST)
    author.start(FIRST, "w2")
    author.end(FIRST)
    return author


def tried_again() -> Author:
    author = delayed()
    author.pause(60)
    author.put_in_line(FIRST)
    author.start(FIRST)
    author.fail_attempt(FIRST, 10)
    author.pause(10)
    author.start(FIRST)
    author.end(FIRST, EventStatus.FAILED)
    return author


def in_line() -> Author:
    author = delayed()
    author.pause(60)
    author.put_in_line(FIRST)
    return author


def cancelled() -> Author:
    author = delayed()
    author.cancel(FIRST)
    return author


@pytest.mark.parametrize("make", [delayed, passed, tried_again, in_line, cancelled])
async def test_a_history_with_start_times_is_in_order(make: Callable[[], Author]) -> None:
    assert await broken(Records(make())) == {}


async def test_a_job_that_starts_before_its_start_time_is_found() -> None:
    author = delayed()
    author.pause(59.5)
    author.put_in_line(FIRST)
    author.start(FIRST)
    (what,) = (await broken(Records(author)))["I3"]
    assert str(what) == (
        "event 3: it was started at 2026-11-21T08:00:59.800000Z, and was due at 2026-11-21T08:01:00.100000Z"
    )


async def test_a_row_with_another_start_time_than_its_submission_said_is_found() -> None:
    author = delayed()
    later = "2026-11-21T09:00:00.000000Z"
    author.rows[rows.job_key(FIRST)][0]["start_at"] = later
    (what,) = (await broken(Records(author)))["I1"]
    assert str(what) == f"its row says start_at {later!r}, its events '2026-11-21T08:01:00.100000Z'"


async def test_a_ticket_in_line_that_should_wait_outside_is_found() -> None:
    author = delayed()
    (key,) = (key for key in author.rows if key.startswith(rows.LATER))
    in_line = rows.ticket_key(5, "000000000", FIRST)
    author.rows[in_line] = author.rows.pop(key)
    (what,) = (await broken(Records(author)))["I1"]
    assert str(what) == f"it waits in line as {in_line}, but its row names {key}"


async def test_a_delayed_job_without_a_ticket_is_found() -> None:
    author = delayed()
    (key,) = (key for key in author.rows if key.startswith(rows.LATER))
    del author.rows[key]
    assert "I3" in await broken(Records(author))
