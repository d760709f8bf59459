"""I3, I8 and I10: second submissions and ends, steps that were recorded again, jobs that wait nowhere."""

import pytest
from tests.unit.verification.asking import broken, the_violation
from tests.unit.verification.authored import Author
from tests.unit.verification.breaking import FIRST as JOB
from tests.unit.verification.breaking import SECOND, append, forge, running
from tests.unit.verification.records import Records

from contracts.statuses import EventStatus
from coordination.journal import rows


async def test_a_second_submission_is_found() -> None:
    author = Author()
    author.submit()
    append(author, JOB, EventStatus.SUBMITTED)
    author._wait(JOB)
    violation = await the_violation(Records(author))
    assert (violation.invariant.value, violation.message) == ("I3", "it was submitted again by event 2")
    assert (violation.lock, violation.job_id) == ("ledger", JOB)


@pytest.mark.parametrize("status", [EventStatus.STEP, EventStatus.COMPLETED, EventStatus.SUBMITTED])
async def test_whatever_follows_an_end_is_found_and_changes_nothing(status: EventStatus) -> None:
    author = running()
    author.end(JOB, EventStatus.FAILED)
    append(author, JOB, status, "w1")
    violation = await the_violation(Records(author))
    assert violation.invariant.value == "I3"
    assert violation.message == f"event 5, {status}, follows the terminal record Failed"
    assert (violation.lock, violation.job_id, violation.fence) == ("ledger", JOB, 1)


async def test_a_job_whose_first_event_is_no_submission_is_found() -> None:
    author = Author()
    job = author.submit()
    forge(author, job, 1, status="CancelRequested")
    author.rows[rows.job_key(job)][0]["cancel_requested"] = True
    author.rows[author.jobs[job].ticket_key][0]["cancel_requested"] = True
    violation = await the_violation(Records(author))
    assert violation.invariant.value == "I3"
    assert violation.message == "it was never submitted: its first event is CancelRequested"


async def test_a_job_may_expire_after_its_time_and_only_then() -> None:
    author = Author()
    job = author.submit(expires_in=5)
    author.pause(10)
    author.expire(job)
    assert await broken(Records(author)) == {}
    early = Author()
    early.expire(early.submit(expires_in=50))
    (message,) = (await broken(Records(early)))["I3"]
    assert message.startswith("event 2: it expired at ")
    never = Author()
    never.expire(never.submit())
    assert "could wait until any time" in (await broken(Records(never)))["I3"][0]


async def test_a_replaced_job_names_the_job_that_took_its_place_in_the_same_transaction() -> None:
    author = Author()
    job, by = author.submit(), author.submit()
    author.replace(job, by, f"{by}:order")
    assert await broken(Records(author)) == {}
    other = Author()
    job, by = other.submit(), other.submit()
    other.replace(job, by, "another")
    (message,) = (await broken(Records(other)))["I1"]
    assert message == f"event 2 names job {by}, which was submitted in another transaction"


async def test_a_job_that_took_the_place_of_another_was_submitted() -> None:
    author = Author()
    job = author.submit()
    author.replace(job, SECOND, f"{SECOND}:order")
    (message,) = (await broken(Records(author)))["I1"]
    assert message == f"job {SECOND}, which took its place, was never submitted"


async def test_a_job_that_was_started_after_its_time_is_found() -> None:
    author = Author()
    job = author.submit(expires_in=5)
    author.pause(10)
    author.start(job)
    (message,) = (await broken(Records(author)))["I3"]
    assert ": it was started at " in message
    assert ", and had expired at " in message


async def test_a_job_that_expired_after_a_run_is_found() -> None:
    author = Author()
    job = author.submit(expires_in=5)
    author.start(job)
    author.interrupt(job)
    author.pause(10)
    author.expire(job)
    assert "event 5: it expired, although a run of it had started" in (await broken(Records(author)))["I3"]


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ('{"number":3}', {"I10": ["step 'two' is not recorded as number 2, which is the next one"]}),
        ('{"number":1}', {"I10": ["step 'two' is not recorded as number 2, which is the next one"]}),
        ('{"number":2}', {}),
        ("{}", {}),
    ],
)
async def test_a_step_is_recorded_as_the_next_one(data: str, found: dict[str, list[str]]) -> None:
    author = running()
    author.step(JOB, "one")
    author.step(JOB, "two")
    forge(author, JOB, 5, data=data)
    assert await broken(Records(author)) == found


async def test_a_step_may_have_the_name_that_a_step_of_another_job_has() -> None:
    author = Author()
    one, other = author.submit(), author.submit()
    author.start(one)
    author.step(one, "read")
    author.end(one, chain=other)
    author.step(other, "read")
    author.end(other)
    assert await broken(Records(author)) == {}


@pytest.mark.parametrize(("is_cut_off", "invariant"), [(False, "I3"), (True, "I8")])
async def test_a_job_that_waits_nowhere_is_named(is_cut_off: bool, invariant: str) -> None:
    author = Author()
    job = author.submit()
    if is_cut_off:
        author.start(job)
        author.interrupt(job)
    assert await broken(Records(author)) == {}
    del author.rows[author.jobs[job].ticket_key]
    violation = await the_violation(Records(author))
    what = "was interrupted" if is_cut_off else "was submitted"
    assert violation.message == f"it {what}, is not over, and does not wait in line"
    assert (violation.invariant.value, violation.lock, violation.job_id) == (invariant, "ledger", job)
