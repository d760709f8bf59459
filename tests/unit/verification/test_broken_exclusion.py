"""I2 and I11: runs that overlapped, fences that did not rise, and slow take-overs are found."""

import pytest
from tests.unit.verification.asking import broken
from tests.unit.verification.authored import Author, eventful
from tests.unit.verification.breaking import Breaks, without
from tests.unit.verification.records import Records

from coordination.journal import rows


def a_fence_is_given_twice() -> Records:
    author = Author()
    one, other = author.submit(), author.submit()
    author.start(one)
    author.end(one)
    author.start(other, fence=1)
    author.end(other)
    return Records(author)


def a_run_begins_while_another_goes_on() -> Records:
    author = Author()
    one, other = author.submit(), author.submit()
    author.start(one, "w1")
    author.step(one, "one")
    author.start(other, "w2")
    author.end(one)
    author.end(other)
    return Records(author)


def a_run_begins_while_another_never_ends() -> Records:
    author = Author()
    one, other = author.submit(), author.submit()
    author.start(one, "w1")
    author.start(other, "w2")
    author.end(other)
    author.hold_lock_for(one)
    return Records(author)


def a_stale_holder_writes_for_its_old_run() -> Records:
    author = Author()
    job = author.submit()
    author.start(job, "w1")
    author.pause(30)
    author.take_over(job, "w2")
    author.step(job, "one", worker="w1", fence=1)
    author.end(job)
    return Records(author)


def a_job_is_started_while_its_run_goes_on() -> Records:
    author = Author()
    job = author.submit()
    author.start(job, "w1")
    author.step(job, "one")
    author.start(job, "w2")
    author.end(job)
    return Records(author)


def a_step_is_written_for_an_interrupted_run() -> Records:
    author = Author()
    job = author.submit()
    author.start(job)
    author.interrupt(job)
    author.step(job, "one")
    author.start(job)
    author.end(job)
    return Records(author)


def a_run_ends_that_was_over() -> Records:
    author = Author()
    job = author.submit()
    author.start(job)
    author.interrupt(job)
    author.end(job)
    author.rows.pop(author.jobs[job].ticket_key)
    return Records(author)


def a_step_has_the_fence_of_another_run() -> Records:
    author = Author()
    job = author.submit()
    author.start(job)
    author.step(job, "one", fence=7)
    author.end(job)
    return Records(author)


def the_locks_fence_falls() -> Records:
    author = eventful()
    author.rows[rows.lock_key()][0]["fence"] = 3
    return Records(author)


def the_lock_has_no_row() -> Records:
    return without(eventful(), rows.lock_key())


def the_lock_does_not_know_who_runs() -> Records:
    author = Author()
    author.start(author.submit())
    author.hold_lock_for("")
    return Records(author)


@pytest.mark.parametrize(
    "make",
    [
        a_fence_is_given_twice,
        a_run_begins_while_another_goes_on,
        a_run_begins_while_another_never_ends,
        a_stale_holder_writes_for_its_old_run,
        a_job_is_started_while_its_run_goes_on,
        a_step_is_written_for_an_interrupted_run,
        a_run_ends_that_was_over,
        a_step_has_the_fence_of_another_run,
        the_locks_fence_falls,
        the_lock_has_no_row,
        the_lock_does_not_know_who_runs,
    ],
    ids=lambda make: make.__name__,
)
async def test_runs_that_did_not_exclude_each_other_are_found_and_nothing_else(make: Breaks) -> None:
    assert set(await broken(make())) == {"I2"}


async def test_a_take_over_is_slow_only_by_a_limit() -> None:
    records = Records(eventful())
    assert await broken(records, take_over_limits={"worker_lost": 25.0, "runner_died": 3.0}) == {}
    assert set(await broken(records, take_over_limits={"worker_lost": 20.0})) == {"I11"}
