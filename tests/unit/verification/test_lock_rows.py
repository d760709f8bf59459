"""I2, I3 and I9: what a lock's row and its line say is held against the runs and jobs of the lock."""

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.verification.asking import broken, the_violation, verdict_on
from tests.unit.verification.authored import Author, eventful, job_id
from tests.unit.verification.breaking import FIRST, SECOND, running
from tests.unit.verification.records import Records

from coordination.journal import rows

OTHER = job_id(77)


def set_lock(author: Author, **values: Any) -> None:
    author.rows[rows.lock_key()][0].update(values)


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"fence": 2}, f"job {FIRST} with fence 2, attempt 1, by w1"),
        ({"attempt": 2}, f"job {FIRST} with fence 1, attempt 2, by w1"),
        ({"worker": "w2"}, f"job {FIRST} with fence 1, attempt 1, by w2"),
        ({"job_id": ""}, "no job"),
    ],
)
async def test_a_lock_row_that_does_not_name_the_run_that_goes_on_is_found(
    values: dict[str, Any], named: str
) -> None:
    author = running()
    assert await broken(Records(author)) == {}
    set_lock(author, **values)
    verdict = await verdict_on(Records(author))
    violation = verdict.violations[0]
    assert violation.message == (
        f"it is running with fence 1, attempt 1, by w1, but the lock's row names {named}"
    )
    assert (violation.invariant.value, violation.lock, violation.job_id) == ("I2", "ledger", FIRST)
    also = ["no run has the fence 2, and no removal explains that"] if "fence" in values else []
    assert [other.message for other in verdict.violations[1:]] == also


@pytest.mark.parametrize(
    ("makes_wait", "job", "status"),
    [(True, SECOND, "Queued"), (False, FIRST, "Completed"), (False, OTHER, "unknown")],
)
async def test_a_lock_that_a_job_holds_which_does_not_run_is_found(
    makes_wait: bool, job: str, status: str
) -> None:
    author = running()
    author.end(FIRST)
    if makes_wait:
        author.submit()
    assert await broken(Records(author)) == {}
    author.hold_lock_for(job)
    violation = await the_violation(Records(author))
    assert violation.message == f"it holds the lock, but is {status}"
    assert (violation.invariant.value, violation.lock, violation.job_id) == ("I9", "ledger", job)


@pytest.mark.parametrize(("fence", "is_found"), [(6, True), (7, False)])
async def test_an_idle_locks_fence_is_at_least_that_of_its_last_run(fence: int, is_found: bool) -> None:
    author = eventful()
    assert author.lock_row.fence == 7
    set_lock(author, fence=fence)
    if not is_found:
        assert await broken(Records(author)) == {}
        return
    violation = await the_violation(Records(author))
    assert violation.message == "the lock's row has fence 6, although a run had fence 7"
    assert (violation.invariant.value, violation.lock) == ("I2", "ledger")
    assert violation.job_id == job_id(5), "the job that had that fence"


async def test_a_fence_that_is_no_number_is_lower_than_any() -> None:
    author = running()
    author.end(FIRST)
    set_lock(author, fence="1")
    violation = await the_violation(Records(author))
    assert violation.message == "the lock's row has fence 0, although a run had fence 1"


async def test_a_lock_without_a_row_is_found_if_it_has_had_a_run() -> None:
    author = eventful()
    del author.rows[rows.lock_key()]
    violation = await the_violation(Records(author))
    assert (violation.invariant.value, violation.message) == ("I2", "the lock has runs, but no row")
    assert (violation.lock, violation.job_id) == ("ledger", job_id(5))
    author = Author()
    author.cancel(author.submit())
    author.submit()
    assert rows.lock_key() not in author.rows
    assert await broken(Records(author)) == {}


async def test_a_lock_row_of_another_lock_is_found() -> None:
    author = eventful()
    set_lock(author, lock_name="other")
    violation = await the_violation(Records(author))
    assert violation.message == "the lock's row is of lock 'other', which is another partition's"
    assert (violation.invariant.value, violation.lock) == ("I2", "ledger")


async def test_a_lock_that_is_spelled_in_another_way_is_found() -> None:
    violation = await the_violation(Records(eventful("cafe\u0301")))
    assert violation.message == ("the lock's name is not spelled 'caf\u00e9', which is how workers spell it")
    assert (violation.invariant.value, violation.lock) == ("I2", "cafe\u0301")


# --- the line -----------------------------------------------------------------------


@pytest.mark.parametrize("status", ["Running", "Completed"])
async def test_a_job_that_waits_in_line_and_does_not_wait_is_found(status: str) -> None:
    author = running()
    if status == "Completed":
        author.end(FIRST)
    author._wait(FIRST)
    violation = await the_violation(Records(author))
    assert violation.message == f"it waits in line, but is {status}"
    assert (violation.invariant.value, violation.lock, violation.job_id) == ("I9", "ledger", FIRST)


async def test_a_ticket_of_a_job_that_was_never_submitted_is_found() -> None:
    author = eventful()
    stray = replace(author.jobs[FIRST], job_id=OTHER, status="Queued")
    author.rows[stray.ticket_key] = stray.values(), 0.0
    violation = await the_violation(Records(author))
    assert violation.message == f"the ticket {stray.ticket_key} is for a job that was never submitted"
    assert (violation.invariant.value, violation.lock, violation.job_id) == ("I3", "ledger", OTHER)


async def test_a_row_of_a_job_that_was_never_submitted_is_found() -> None:
    author = eventful()
    author.rows[rows.job_key(OTHER)] = {"job_id": OTHER, "status": "Queued"}, 0.0
    violation = await the_violation(Records(author))
    assert (violation.invariant.value, violation.message) == ("I3", "it has a row, but was never submitted")
    assert (violation.lock, violation.job_id) == ("ledger", OTHER)


async def test_other_rows_of_a_partition_say_nothing() -> None:
    author = eventful()
    author.rows["line|other"] = {"job_id": OTHER}, 0.0
    author.rows["jobs"] = {"job_id": OTHER}, 0.0
    assert await broken(Records(author)) == {}
