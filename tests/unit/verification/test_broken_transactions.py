"""I2: what a faulty holder would write with right hashes, chains and numbers is found."""

from dataclasses import replace

import pytest
from tests.unit.verification.asking import broken
from tests.unit.verification.authored import Author, eventful
from tests.unit.verification.breaking import Breaks
from tests.unit.verification.records import Records

from contracts.statuses import EventStatus
from coordination.journal import rows


def a_job_ends_that_was_never_started() -> Records:
    author = Author()
    job = author.submit()
    author.end(job, worker="")
    author.rows.pop(author.jobs[job].ticket_key)
    return Records(author)


def somebody_else_ends_a_run() -> Records:
    author = Author()
    job = author.submit()
    author.start(job, "w1")
    author.end(job, EventStatus.FAILED, worker="w2")
    return Records(author)


def a_running_job_is_cancelled_without_its_worker() -> Records:
    author = Author()
    job = author.submit()
    author.start(job)
    author.ask_to_cancel(job)
    author.end(job, EventStatus.CANCELLED, worker="")
    return Records(author)


def a_take_over_ends_a_lost_run_as_completed() -> Records:
    author = Author()
    one, other = author.submit(), author.submit()
    author.start(one, "w1")
    author.pause(30)
    author.take_over(one, "w2", start=other)
    last = author.event(one, 4)
    author.end(one, worker="w2")
    author.event(one, 5)["op_id"] = last["op_id"]
    author.rows.pop(author.jobs[one].ticket_key)
    author.hold_lock_for(other)
    author.end(other)
    return Records(author)


def an_event_was_written_before_its_run_began() -> Records:
    """Between two runs' transactions, as the storage saw them; workers' clocks tell nothing of it."""
    author = Author()
    one, other = author.submit(), author.submit()
    author.start(one)
    early = author.now.timestamp()
    author.step(one, "one")
    author.end(one)
    author.start(other)
    author.step(other, "one")
    author.end(other)
    key = rows.event_key(other, 4)
    author.rows[key] = author.rows[key][0], early
    return Records(author)


def a_stale_step_was_written_late_into_a_gap() -> Records:
    author = Author()
    job = author.submit()
    author.start(job, "w1")
    author.step(job, "one")
    author.pause(30)
    author.take_over(job, "w2")
    late = author.now.timestamp() + 1
    author.pause(2)
    author.end(job)
    key = rows.event_key(job, 4)
    author.rows[key] = author.rows[key][0], late
    return Records(author)


def an_end_was_written_apart_from_the_start_that_goes_with_it() -> Records:
    author = Author()
    one, other = author.submit(), author.submit()
    author.start(one)
    author.end(one, chain=other)
    author.pause(20)
    author.step(other, "one")
    author.end(other)
    key = rows.event_key(one, 4)
    author.rows[key] = author.rows[key][0], author.now.timestamp()
    return Records(author)


def a_lock_is_acquired_in_another_transaction_than_the_run_begins() -> Records:
    author = Author()
    job = author.submit()
    author.start(job)
    author.end(job)
    author.event(job, 2)["op_id"] = "another"
    return Records(author)


def a_lock_is_acquired_with_another_fence_than_the_run_begins_with() -> Records:
    author = Author()
    job = author.submit()
    row = author.jobs[job]
    writer = author._writer("w1")
    author._record(replace(row, fence=7, attempt=1), EventStatus.LEASE_ACQUIRED, "acquired", writer)
    author.jobs[job] = replace(author.jobs[job], attempt=0)
    author._start(job, writer, is_chained=True)
    author.end(job)
    return Records(author)


def the_locks_fence_rose_and_nothing_began() -> Records:
    author = Author()
    author.start(author.submit())
    author.rows[rows.lock_key()][0]["fence"] += 1
    return Records(author)


def the_lock_names_another_worker_than_the_run() -> Records:
    author = Author()
    author.start(author.submit())
    author.rows[rows.lock_key()][0]["worker"] = "w9"
    return Records(author)


def the_locks_row_is_another_locks() -> Records:
    author = eventful()
    author.rows[rows.lock_key()][0]["lock_name"] = "other"
    return Records(author)


def a_lock_has_two_spellings() -> Records:
    return Records(eventful("cafe\u0301"))


@pytest.mark.parametrize(
    "make",
    [
        a_job_ends_that_was_never_started,
        somebody_else_ends_a_run,
        a_running_job_is_cancelled_without_its_worker,
        a_take_over_ends_a_lost_run_as_completed,
        an_event_was_written_before_its_run_began,
        a_stale_step_was_written_late_into_a_gap,
        an_end_was_written_apart_from_the_start_that_goes_with_it,
        a_lock_is_acquired_in_another_transaction_than_the_run_begins,
        a_lock_is_acquired_with_another_fence_than_the_run_begins_with,
        the_lock_names_another_worker_than_the_run,
        the_locks_row_is_another_locks,
        a_lock_has_two_spellings,
    ],
    ids=lambda make: make.__name__,
)
async def test_what_a_faulty_holder_wrote_is_found_and_nothing_else(make: Breaks) -> None:
    assert set(await broken(make())) == {"I2"}


async def test_a_fence_that_rose_although_nothing_began_is_of_no_run() -> None:
    assert set(await broken(the_locks_fence_rose_and_nothing_began())) == {"I2", "I13"}
