"""Failed attempts in a history: how many there may be, when the next one starts, and what the rows say."""

from collections.abc import Callable

import pytest
from tests.unit.verification.asking import broken
from tests.unit.verification.authored import Author, job_id
from tests.unit.verification.records import Records

from contracts.statuses import EventStatus
from coordination.journal import rows

FIRST, SECOND = job_id(1), job_id(2)


def failed(delay: float = 60.0, *, hold_place: bool = False) -> Author:
    """Return a history with a job whose first attempt has failed."""
    author = Author()
    author.submit()
    author.submit()
    author.start(FIRST)
    author.fail_attempt(FIRST, delay, hold_place=hold_place)
    return author


def passed() -> Author:
    author = failed()
    author.start(SECOND)
    author.end(SECOND)
    author.pause(60)
    author.start(FIRST, "w2")
    author.fail_attempt(FIRST, 120)
    author.pause(120)
    author.start(FIRST)
    author.end(FIRST, EventStatus.FAILED)
    return author


def held() -> Author:
    author = failed(hold_place=True)
    author.pause(60)
    author.start(FIRST)
    author.interrupt(FIRST)
    author.start(FIRST)
    author.end(FIRST, chain=SECOND)
    author.end(SECOND)
    return author


def cancelled() -> Author:
    author = failed()
    author.cancel(FIRST)
    return author


@pytest.mark.parametrize("make", [failed, passed, held, cancelled, lambda: failed(0.0)])
async def test_a_history_with_failed_attempts_is_in_order(make: Callable[[], Author]) -> None:
    assert await broken(Records(make())) == {}


def too_early() -> Author:
    author = failed()
    author.pause(59)
    author.start(FIRST)
    return author


def one_too_many() -> Author:
    author = failed(0.0)
    author.start(FIRST)
    author.fail_attempt(FIRST, 0.0, attempts=2)
    return author


def though_to_be_cancelled() -> Author:
    author = Author()
    author.submit()
    author.start(FIRST)
    author.ask_to_cancel(FIRST)
    author.fail_attempt(FIRST)
    return author


def without_a_run() -> Author:
    author = failed()
    author.fail_attempt(FIRST)
    return author


def miscounted() -> Author:
    author = failed()
    event = author.event(FIRST, 4)
    return _altered(author, event, '"retries":1', '"retries":2')


def misdated() -> Author:
    author = failed()
    return _altered(author, author.event(FIRST, 4), '"delay":60.0', '"delay":6.0')


def _altered(author: Author, event: dict[str, object], old: str, new: str) -> Author:
    assert old in str(event["data"])
    event["data"] = str(event["data"]).replace(old, new)
    return author


@pytest.mark.parametrize(
    ("make", "invariant", "says"),
    [
        (too_early, "I3", "event 6: it was started at 2026-11-21T08:00:59.500000Z, and was due at "),
        (one_too_many, "I3", "event 7: another attempt is to follow the failed attempt 2 of 2"),
        (
            though_to_be_cancelled,
            "I3",
            "event 5: another attempt is to follow, although its cancellation was requested",
        ),
        (without_a_run, "I2", "event 5: w1 wrote AttemptFailed, although no run of the job was open"),
        (miscounted, "I3", "event 4: it counts 2 failed attempts, and there were 1"),
        (
            misdated,
            "I3",
            "event 4: the next attempt is due at '2026-11-21T08:01:00.400000Z', and the delay is 6",
        ),
    ],
)
async def test_what_cannot_have_happened_is_found(
    make: Callable[[], Author], invariant: str, says: str
) -> None:
    found = await broken(Records(make()))
    assert any(str(what).startswith(says) for what in found[invariant]), found


async def test_a_ticket_that_no_worker_would_look_at_in_time_is_found() -> None:
    for known in ("", "2026-11-21T08:01:00.500000Z"):
        author = failed()
        author.rows[rows.lock_key()][0]["next_due"] = known
        found = await broken(Records(author))
        assert list(found) == ["I8"]
        (what,) = found["I8"]
        assert str(what) == (
            "its next attempt is due at 2026-11-21T08:01:00.400000Z, "
            f"and the lock's row says {known or 'that none is'}"
        )


async def test_a_ticket_at_another_due_time_than_its_job_has_is_found() -> None:
    author = failed()
    (key,) = (key for key in author.rows if key.startswith(rows.DUE))
    moved = key.replace("08:01:00.4", "08:01:00.3")
    author.rows[moved] = author.rows.pop(key)
    author.rows[rows.lock_key()][0]["next_due"] = "2026-11-21T08:01:00.300000Z"
    assert "I1" in await broken(Records(author))


@pytest.mark.parametrize("column", ["due_at", "retries", "failure_type", "failure_message", "queued_at"])
async def test_a_row_that_says_something_else_of_the_next_attempt_is_found(column: str) -> None:
    author = failed()
    (key,) = (key for key in author.rows if key.startswith(rows.DUE))
    author.rows[key][0][column] = 5 if column == "retries" else "x"
    assert set(await broken(Records(author))) == {"I1"}
