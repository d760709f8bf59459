"""I2: what a faulty holder would write with right hashes is found, each clause by itself."""

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.verification.asking import broken, the_violation
from tests.unit.verification.authored import Author
from tests.unit.verification.breaking import FIRST as JOB
from tests.unit.verification.breaking import SECOND as NEXT
from tests.unit.verification.breaking import append, forge, running
from tests.unit.verification.records import Records

from contracts.statuses import EventStatus
from coordination.journal import rows


def last_transaction(author: Author) -> str:
    """Return the name of the last transaction."""
    return str(author.event(JOB, author.jobs[JOB].seq)["op_id"])


def set_row(author: Author, **values: Any) -> None:
    author.rows[rows.job_key(JOB)][0].update(values)


APART = "but a run should have begun in the transaction in which the job got the lock"
GOT = "it got the lock with fence, attempt and worker"

# --- how a run begins -----------------------------------------------------------


def a_start_has_no_fence() -> Author:
    author = Author()
    job = author.submit()
    author._start(job, author._writer("w1"), is_chained=True)
    author.lock_row = replace(author.lock_row, fence=0)
    author._move_lock(author.lock_row)
    forge(author, job, 2, fence=0)
    set_row(author, fence=0)
    return author


def another_event_comes_between_the_lock_and_the_start() -> Author:
    author = Author()
    job = author.submit()
    writer = author._writer("w1")
    row = replace(author.jobs[job], fence=1, attempt=1)
    author._record(row, EventStatus.LEASE_ACQUIRED, "acquired", writer)
    author._record(author.jobs[job], EventStatus.CANCEL_REQUESTED, "asked", writer)
    author.jobs[job] = replace(author.jobs[job], attempt=0, cancel_requested=True)
    author._start(job, writer, is_chained=True)
    author.end(job)
    return author


def a_run_begins_with(**values: Any) -> Author:
    """The lock was acquired with other values than the run began with."""
    author = running()
    author.end(JOB)
    forge(author, JOB, 2, **values)
    return author


# --- who writes for a run ---------------------------------------------------------


def an_interruption_is_written_by_no_worker() -> Author:
    author = running()
    author._interrupt(JOB, author._writer(""), died=False)
    author._free()
    author._wait(JOB)
    return author


def an_end_has_another_fence() -> Author:
    author = running()
    author.end(JOB)
    forge(author, JOB, 4, fence=2)
    return author


def state_is_saved_by_another_worker() -> Author:
    author = running()
    append(author, JOB, EventStatus.STATE_SAVED, "w2")
    author.end(JOB, worker="w1")
    return author


def state_is_saved_before_any_run() -> Author:
    author = Author()
    author.submit()
    append(author, JOB, EventStatus.STATE_SAVED, "w1")
    author._wait(JOB)
    return author


# --- how a job ends without a run -------------------------------------------------


def a_worker_cancels_a_job_that_waits() -> Author:
    author = Author()
    author.submit()
    author.jobs[JOB] = replace(author.jobs[JOB], cancel_requested=True)
    author._end(JOB, EventStatus.CANCELLED, author._writer("w1"))
    author._drop_ticket(JOB)
    return author


def an_interruption_ends_a_job_as(status: EventStatus, *, later: bool = False) -> Author:
    author = running()
    author._interrupt(JOB, author._writer("w1"), died=False)
    author._free()
    op_id = last_transaction(author)
    row = replace(author.jobs[JOB], status=status.value, cancel_requested=status == EventStatus.CANCELLED)
    author.jobs[JOB] = row
    append(author, JOB, status, "w1", "" if later else op_id)
    set_row(author, finished_at=author.event(JOB, author.jobs[JOB].seq)["timestamp"])
    # It did not wait again.
    set_row(author, queued_at=author.event(JOB, 1)["timestamp"])
    if status is EventStatus.FAILED:
        set_row(author, error_message="forged")
    author.jobs[JOB] = replace(author.jobs[JOB], status=status.value)
    return author


def a_waiting_job_is_interrupted() -> Author:
    author = running()
    author.interrupt(JOB)
    author._interrupt(JOB, author._writer("w2"), died=False)
    author._wait(JOB)
    return author


@pytest.mark.parametrize(
    ("author", "message", "fence"),
    [
        (a_start_has_no_fence(), "event 2: its fence 0 is not higher than 0", 0),
        (
            another_event_comes_between_the_lock_and_the_start(),
            f"event 3: CancelRequested follows, {APART}",
            1,
        ),
        (
            a_run_begins_with(worker="w2"),
            f"event 3: {GOT} (1, 1, 'w2'), and began with (1, 1, 'w1')",
            1,
        ),
        (
            a_run_begins_with(attempt=2),
            f"event 3: {GOT} (1, 2, 'w1'), and began with (1, 1, 'w1')",
            1,
        ),
        (
            a_run_begins_with(fence=7),
            f"event 3: {GOT} (7, 1, 'w1'), and began with (1, 1, 'w1')",
            1,
        ),
        (
            an_interruption_is_written_by_no_worker(),
            "event 4: test wrote Interrupted for a run of w1",
            1,
        ),
        (an_end_has_another_fence(), "event 4: Completed has the fence 2, the run has 1", 2),
        (state_is_saved_by_another_worker(), "event 4: w2 wrote StateSaved for a run of w1", 1),
        (state_is_saved_before_any_run(), "event 2: w1 wrote StateSaved for a run that was over", None),
        (
            a_worker_cancels_a_job_that_waits(),
            "event 2: w1 wrote Cancelled, although no run of the job was open",
            None,
        ),
        (
            an_interruption_ends_a_job_as(EventStatus.COMPLETED),
            "event 5: w1 wrote Completed, although no run of the job was open",
            1,
        ),
        (
            an_interruption_ends_a_job_as(EventStatus.TIMED_OUT),
            "event 5: w1 wrote TimedOut, although no run of the job was open",
            1,
        ),
        (
            an_interruption_ends_a_job_as(EventStatus.FAILED, later=True),
            "event 5: w1 wrote Failed, although no run of the job was open",
            1,
        ),
        (
            an_interruption_ends_a_job_as(EventStatus.CANCELLED, later=True),
            "event 5: w1 wrote Cancelled, although no run of the job was open",
            1,
        ),
        (
            a_waiting_job_is_interrupted(),
            "event 5: w2 wrote Interrupted, although no run of the job was open",
            1,
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_one_write_against_the_rules_is_one_violation(
    author: Author, message: str, fence: int | None
) -> None:
    violation = await the_violation(Records(author))
    assert (violation.invariant.value, violation.message) == ("I2", message)
    assert (violation.lock, violation.job_id, violation.fence) == ("ledger", JOB, fence)


@pytest.mark.parametrize("status", [EventStatus.FAILED, EventStatus.CANCELLED])
async def test_an_interruption_may_end_its_job_in_the_same_transaction(status: EventStatus) -> None:
    assert await broken(Records(an_interruption_ends_a_job_as(status))) == {}


@pytest.mark.parametrize(
    ("fence", "also"),
    [
        (5, "fence 5 has the same fence and was still open when the run of job {} with fence 5 had begun"),
        (3, "fence 3 wrote 0.300 s after the run of job {} with fence 5 had begun"),
    ],
)
async def test_a_fence_that_does_not_rise_within_a_job_is_found(fence: int, also: str) -> None:
    author = Author()
    job = author.submit()
    author.start(job, fence=5)
    author.interrupt(job)
    author.start(job, fence=fence)
    author.end(job)
    found = await broken(Records(author))
    assert "no run has the fence 1, and no removal explains that" in found.pop("I13")
    assert found == {
        "I2": [
            f"event 6: its fence {fence} is not higher than 5",
            f"the run of job {JOB} with {also.format(JOB)}",
        ]
    }


async def test_two_jobs_with_one_fence_are_found_under_both_names() -> None:
    author = running()
    author.end(JOB)
    author.start(author.submit(), fence=1)
    violation = await the_violation(Records(author))
    assert violation.message == (
        f"the run of job {JOB} with fence 1 was still open when the run of job {NEXT} with fence 1 had begun"
    )
    assert (violation.lock, violation.job_id, violation.fence) == ("ledger", JOB, 1)


async def test_a_job_that_begins_again_while_it_runs_is_found_at_each_of_its_events() -> None:
    author = running()
    author.start(JOB, "w2")
    author.end(JOB)
    found = await broken(Records(author))
    assert found["I2"] == [
        "event 4: an attempt began while another run of the job went on",
        "event 5: it was started while its run with fence 1 was open",
        f"the run of job {JOB} with fence 1 had not ended when the run of job {JOB} with fence 2 had begun",
    ]


async def test_a_job_that_got_the_lock_and_never_began_is_found() -> None:
    author = Author()
    author.submit()
    append(author, JOB, EventStatus.LEASE_ACQUIRED, "w1")
    author._wait(JOB)
    violation = await the_violation(Records(author))
    assert (violation.invariant.value, violation.job_id) == ("I2", JOB)
    assert violation.message == "event 2: it got the lock, and no run began in the same transaction"
