"""Jobs that wait for others in a history: none starts before all have completed, under whatever lock."""

from collections.abc import Callable

import pytest
from tests.unit.verification.asking import broken
from tests.unit.verification.authored import Author, job_id
from tests.unit.verification.records import Records

from contracts.statuses import EventStatus

FIRST, SECOND, LAST = job_id(1), job_id(2), job_id(3)


def before(outcome: EventStatus = EventStatus.COMPLETED) -> Author:
    """Return the history of a lock under which the first job ends."""
    author = Author("first")
    author.start(author.submit())
    author.end(FIRST, outcome)
    return author


def behind(*completed: str, after: tuple[str, ...] = (FIRST,)) -> Author:
    """Return the history of a lock under which a job waits for others, some of which have completed."""
    author = Author("last", first_number=3)
    author.pause(60)
    author.submit(after=after)
    for one in completed:
        author.release(LAST, one)
    return author


def ran() -> Author:
    author = behind(FIRST)
    author.start(LAST)
    author.end(LAST)
    return author


def failed() -> Author:
    author = behind()
    author.fail_for(LAST, FIRST, "Failed")
    return author


def cancelled() -> Author:
    author = behind()
    author.cancel(LAST)
    return author


@pytest.mark.parametrize("make", [behind, ran, cancelled])
async def test_a_history_with_jobs_that_wait_for_others_is_in_order(make: Callable[[], Author]) -> None:
    assert await broken(Records(before(), make())) == {}


async def test_a_job_may_fail_as_another_has_not_completed() -> None:
    assert await broken(Records(before(EventStatus.FAILED), failed())) == {}


async def test_a_job_does_not_start_while_it_waits() -> None:
    author = behind(FIRST, after=(FIRST, SECOND))
    author.start(LAST)
    author.end(LAST)
    other = Author("second", first_number=2)
    other.submit()
    found = await broken(Records(before(), author, other))
    assert any(f"it was started, and waits for the end of job {SECOND}" in what for what in found["I3"])


async def test_a_job_does_not_start_before_another_lock_s_job_has_completed() -> None:
    running = Author("first")
    running.start(running.submit())
    found = await broken(Records(running, ran()))
    assert found == {"I3": [f"it says that job {FIRST} was Completed, which is Queued"]}


async def test_a_job_does_not_start_after_another_lock_s_job_has_failed() -> None:
    found = await broken(Records(before(EventStatus.FAILED), ran()))
    assert found == {"I3": [f"it says that job {FIRST} was Completed, which is Failed"]}


async def test_a_job_does_not_fail_for_one_that_has_completed() -> None:
    found = await broken(Records(before(), failed()))
    assert found == {"I3": [f"it says that job {FIRST} was Failed, which is Completed"]}


async def test_a_job_is_not_released_before_the_other_has_ended() -> None:
    late = Author("first")
    late.start(late.submit())
    late.pause(3600)
    late.end(FIRST)
    (what,) = (await broken(Records(late, ran())))["I3"]
    assert what.startswith(f"it waited for job {FIRST} until")


async def test_only_a_job_that_it_waits_for_lets_it_fail() -> None:
    author = behind()
    author.fail_for(LAST, SECOND, "Failed")
    assert list(await broken(Records(before(), author))) == ["I2"]


async def test_a_job_waits_no_more_for_what_it_never_waited_for() -> None:
    author = behind(SECOND)
    assert "I1" in await broken(Records(before(), author))
