"""I8 and I9: what was cut off and forgotten, and what is over and still held, is found."""

import pytest
from tests.unit.verification.asking import broken
from tests.unit.verification.authored import Author, eventful
from tests.unit.verification.breaking import FIRST, Breaks, without
from tests.unit.verification.records import Records


def a_finished_job_holds_the_lock() -> Records:
    author = eventful()
    author.hold_lock_for(FIRST)
    return Records(author)


def a_finished_job_waits_in_line() -> Records:
    author = eventful()
    job = author.jobs[FIRST]
    author.rows[job.ticket_key] = job.values(), 0.0
    return Records(author)


def a_finished_job_is_active() -> Records:
    records = Records(eventful())
    records.listed[FIRST] = next(iter(records.partitions))
    return records


def a_waiting_job_is_not_active() -> Records:
    author = Author()
    author.submit()
    records = Records(author)
    records.listed.clear()
    return records


def a_waiting_job_is_active_under_another_lock() -> Records:
    author = Author()
    job = author.submit()
    records = Records(author)
    records.listed[job] = "elsewhere"
    return records


def an_idle_lock_is_leased() -> Records:
    records = Records(eventful())
    records.leased.update(records.partitions)
    return records


async def test_an_interrupted_job_that_nobody_will_take_up_is_found_and_nothing_else() -> None:
    author = Author()
    job = author.submit()
    author.start(job)
    author.interrupt(job)
    assert set(await broken(without(author, author.jobs[job].ticket_key))) == {"I8"}


@pytest.mark.parametrize(
    "make",
    [
        a_finished_job_holds_the_lock,
        a_finished_job_waits_in_line,
        a_finished_job_is_active,
        a_waiting_job_is_not_active,
        a_waiting_job_is_active_under_another_lock,
        an_idle_lock_is_leased,
    ],
    ids=lambda make: make.__name__,
)
async def test_what_is_over_and_still_held_is_found_and_nothing_else(make: Breaks) -> None:
    assert set(await broken(make())) == {"I9"}
