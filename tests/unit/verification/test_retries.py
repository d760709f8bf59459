"""Retries by hand in a history: both jobs name each other, and record no step both."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.coordination.removal_world import Installation
from tests.unit.verification.asking import broken
from tests.unit.verification.authored import Author, job_id
from tests.unit.verification.records import Records

from contracts.statuses import EventStatus
from coordination.journal import rows

FIRST, SECOND, THIRD, OTHER = (job_id(number) for number in (1, 2, 3, 9))


def retried() -> Author:
    """Return a history in which a job fails, and its retry, and the retry of that one completes."""
    author = Author()
    author.submit()
    author.start(FIRST)
    author.step(FIRST, "one")
    author.end(FIRST, EventStatus.FAILED)
    author.submit(retry_of=FIRST, history=[FIRST])
    author.start(SECOND)
    author.step(SECOND, "two")
    author.end(SECOND, EventStatus.FAILED)
    author.submit(retry_of=SECOND, history=[FIRST, SECOND])
    author.start(THIRD)
    author.step(THIRD, "three")
    author.end(THIRD)
    return author


def changed(author: Author, job: str, **values: Any) -> Records:
    """Return the records with changed values in a job's row."""
    stored, at = author.rows[rows.job_key(job)]
    author.rows[rows.job_key(job)] = stored | values, at
    return Records(author)


async def test_a_history_with_retries_holds() -> None:
    assert await broken(Records(retried())) == {}


async def test_a_job_that_expired_may_be_retried() -> None:
    author = Author()
    author.submit(expires_in=60)
    author.pause(60)
    author.expire(FIRST)
    author.submit(retry_of=FIRST)
    author.start(SECOND)
    author.end(SECOND)
    assert await broken(Records(author)) == {}


@pytest.mark.parametrize(
    ("job", "values", "says"),
    [
        (FIRST, {"retried_by": THIRD}, [
            f"its row says retried_by {THIRD!r}, which does not retry it",
            f"it retries job {FIRST}, whose row says retried_by {THIRD!r}",
        ]),
        (FIRST, {"retried_by": ""}, [f"it retries job {FIRST}, whose row says retried_by ''"]),
        (THIRD, {"retried_by": OTHER}, [
            f"its row says retried_by {OTHER!r}, which the journal does not have"
        ]),
        (SECOND, {"retry_of": ""}, [f"its row says retry_of '', its events {FIRST!r}"]),
    ],
)  # fmt: skip
async def test_jobs_that_do_not_name_each_other_are_found(
    job: str, values: dict[str, str], says: list[str]
) -> None:
    found = await broken(changed(retried(), job, **values))
    assert {key: sorted(messages) for key, messages in found.items()} == {"I1": sorted(says)}


def step_again(author: Author) -> None:
    author.step(SECOND, "one")
    author.end(SECOND)


def of_a_stranger(author: Author) -> None:
    author.end(SECOND, EventStatus.FAILED)
    author.submit(retry_of=SECOND, history=[OTHER])


def of_a_completed_job(author: Author) -> None:
    author.end(SECOND)
    author.submit(retry_of=SECOND)


@pytest.mark.parametrize(
    ("act", "invariant", "says"),
    [
        (step_again, "I10", f"step 'one' was recorded again, which job {FIRST} had recorded"),
        (of_a_stranger, "I1", f"it continues with the steps of job {OTHER}, which it does not retry"),
        (of_a_completed_job, "I1", f"it retries job {SECOND}, which is Completed"),
    ],
)
async def test_a_retry_that_the_protocol_does_not_write_is_found(
    act: Callable[[Author], None], invariant: str, says: str
) -> None:
    author = Author()
    author.submit()
    author.start(FIRST)
    author.step(FIRST, "one")
    author.end(FIRST, EventStatus.FAILED)
    author.submit(retry_of=FIRST, history=[FIRST])
    author.start(SECOND)
    act(author)
    assert await broken(Records(author)) == {invariant: [says]}


async def test_a_retry_whose_old_job_was_removed_is_no_violation() -> None:
    author = Author()
    author.submit()
    author.start(FIRST)
    author.step(FIRST, "one")
    author.end(FIRST, EventStatus.FAILED)
    ended = author.now
    author.pause(100)
    author.submit(retry_of=FIRST, history=[FIRST])
    author.start(SECOND)
    author.end(SECOND)
    made = Installation()
    await made.write(author)
    await made.prune(ended_before=ended + timedelta(seconds=1))
    assert made.removed() == {FIRST}
    assert await broken(made.records()) == {}
