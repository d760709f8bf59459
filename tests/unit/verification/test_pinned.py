"""Pinned jobs in a history: events after the end of a job, by turns, and its row."""

from collections.abc import Callable

import pytest
from tests.unit.verification.asking import broken
from tests.unit.verification.authored import Author
from tests.unit.verification.records import Records
from tests.unit.verification.test_finalized import FIRST, ended
from tests.unit.verification.test_removals import change

from contracts.statuses import EventStatus
from coordination.journal import rows


@pytest.mark.parametrize("status", [EventStatus.COMPLETED, EventStatus.FAILED])
async def test_a_job_may_be_pinned_and_unpinned_again_and_again(status: EventStatus) -> None:
    author = ended(status)
    for reason in ("the auditors ask for it", ""):
        author.pin(FIRST, reason)
        assert await broken(Records(author)) == {}
        author.pin(FIRST, is_pinned=False)
        assert await broken(Records(author)) == {}


async def test_a_pinned_job_may_be_finalized_and_a_finalized_one_pinned() -> None:
    author = ended()
    author.pin(FIRST)
    author.finalize(FIRST)
    author.pin(FIRST, is_pinned=False)
    assert await broken(Records(author)) == {}


def twice(author: Author) -> None:
    author.pin(FIRST)
    author.pin(FIRST)


def unpinned_at_once(author: Author) -> None:
    author.pin(FIRST, is_pinned=False)


def by_a_worker(author: Author) -> None:
    author.pin(FIRST, worker="w1")


@pytest.mark.parametrize(
    ("act", "says"),
    [
        (twice, "event 6, Pinned, follows the terminal record Failed"),
        (unpinned_at_once, "event 5, Unpinned, follows the terminal record Failed"),
        (by_a_worker, "event 5, Pinned, follows the terminal record Failed"),
    ],
)
async def test_a_pin_that_cannot_be_is_found(act: Callable[[Author], None], says: str) -> None:
    author = ended()
    act(author)
    assert (await broken(Records(author)))["I3"] == [says]


async def test_a_pin_before_the_end_is_found() -> None:
    author = Author()
    author.submit()
    author.pin(FIRST)
    assert "event 2, Pinned, follows no end that it could be for" in (await broken(Records(author)))["I3"]


@pytest.mark.parametrize("values", [{"pinned_at": ""}, {"pinned_by": "eve"}, {"pin_reason": "other"}])
async def test_a_row_that_says_another_pin_is_found(values: dict[str, str]) -> None:
    author = ended()
    author.pin(FIRST, "the auditors ask for it")
    records = Records(author)
    change(records, rows.job_key(FIRST), **values)
    assert set(await broken(records)) == {"I1"}
