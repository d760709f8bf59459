"""Finalized jobs in a history: one event after the end of a job that did not complete, and its row."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.verification.asking import broken
from tests.unit.verification.authored import Author, job_id
from tests.unit.verification.records import Records

from contracts.statuses import EventStatus
from coordination.journal import rows

FIRST = job_id(1)


def ended(status: EventStatus = EventStatus.FAILED) -> Author:
    """Return a history with one job that has ended."""
    author = Author()
    author.submit()
    author.start(FIRST)
    author.end(FIRST, status)
    return author


@pytest.mark.parametrize("status", [EventStatus.FAILED, EventStatus.CANCELLED, EventStatus.TIMED_OUT])
async def test_a_finalized_job_is_in_order(status: EventStatus) -> None:
    author = ended(status)
    author.finalize(FIRST, "booked by hand")
    assert await broken(Records(author)) == {}


async def test_a_job_that_expired_may_be_finalized() -> None:
    author = Author()
    author.submit(expires_in=60)
    author.pause(60)
    author.expire(FIRST)
    author.finalize(FIRST, "not needed any more")
    assert await broken(Records(author)) == {}


def twice(author: Author) -> None:
    author.finalize(FIRST)
    author.finalize(FIRST)


def by_a_worker(author: Author) -> None:
    author.finalize(FIRST, worker="w1")


def a_step_after_it(author: Author) -> None:
    author.finalize(FIRST)
    author.step(FIRST, "late")


@pytest.mark.parametrize(
    ("status", "act", "says"),
    [
        (EventStatus.FAILED, twice, "event 6, Finalized, follows the terminal record Failed"),
        (EventStatus.FAILED, by_a_worker, "event 5, Finalized, follows the terminal record Failed"),
        (EventStatus.FAILED, a_step_after_it, "event 6, Step, follows the terminal record Failed"),
        (EventStatus.COMPLETED, twice, "event 5, Finalized, follows the terminal record Completed"),
    ],
)  # fmt: skip
async def test_what_may_not_follow_an_end_is_found(
    status: EventStatus, act: Callable[[Author], None], says: str
) -> None:
    author = ended(status)
    act(author)
    assert says in (await broken(Records(author)))["I3"]


async def test_a_job_that_has_not_ended_is_not_finalized() -> None:
    author = Author()
    author.submit()
    author.finalize(FIRST)
    assert (await broken(Records(author)))["I3"] == [
        "event 2, Finalized, follows no end that it could be for"
    ]


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"finalized_by": "eve"}, "its row says finalized_by 'eve', its events 'test'"),
        ({"finalize_reason": "x"}, "its row says finalize_reason 'x', its events ''"),
    ],
)
async def test_a_row_that_says_something_else_is_found(values: dict[str, Any], says: str) -> None:
    author = ended()
    author.finalize(FIRST)
    stored, at = author.rows[rows.job_key(FIRST)]
    author.rows[rows.job_key(FIRST)] = stored | values, at
    assert says in (await broken(Records(author)))["I1"]


async def test_a_row_that_is_finalized_without_an_event_is_found() -> None:
    author = ended()
    stored, at = author.rows[rows.job_key(FIRST)]
    author.rows[rows.job_key(FIRST)] = stored | {"finalized_at": "2026-11-21T08:00:00.000000Z"}, at
    found = await broken(Records(author))
    assert found["I1"] == ["its row says finalized_at '2026-11-21T08:00:00.000000Z', its events ''"]
