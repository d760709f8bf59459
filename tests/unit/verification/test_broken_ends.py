"""I3: jobs that did not come to exactly one end are found."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.verification.asking import broken, file_of
from tests.unit.verification.authored import Author, eventful, job_id
from tests.unit.verification.breaking import FIRST, SECOND, Breaks, without
from tests.unit.verification.records import Records

from contracts.statuses import EventStatus
from coordination.journal import rows


def a_job_ends_twice() -> Records:
    author = Author()
    job = author.submit()
    author.start(job)
    author.end(job)
    finished = author.jobs[job].finished_at
    author.end(job)
    author.rows[rows.job_key(job)][0]["finished_at"] = finished
    return Records(author)


def a_job_goes_on_after_its_end() -> Records:
    author = Author()
    job = author.submit()
    author.start(job)
    author.end(job, EventStatus.FAILED)
    author.step(job, "one")
    # The row is as the end left it, but for the count of events.
    author.rows[rows.job_key(job)][0].update(status="Failed", steps=0)
    return Records(author)


def a_job_was_never_submitted() -> Records:
    author = Author()
    job = author.submit()
    author.rows.clear()
    author.jobs[job] = replace(author.jobs[job], seq=0, event_hash="")
    author.start(job)
    author.end(job)
    author.rows[rows.job_key(job)][0]["submitted_at"] = author.event(job, 1)["timestamp"]
    return Records(author)


def a_job_is_in_no_line() -> Records:
    author = Author()
    job = author.submit()
    return without(author, author.jobs[job].ticket_key)


def a_job_is_not_registered() -> Records:
    records = Records(eventful())
    del records.places[SECOND]
    return records


def a_job_is_registered_under_another_lock() -> Records:
    records = Records(eventful())
    records.places[SECOND] = "elsewhere"
    return records


def a_row_stands_for_a_job_that_never_was() -> Records:
    author = eventful()
    author.rows[rows.job_key(job_id(77))] = {"job_id": job_id(77), "status": "Queued"}, 0.0
    return Records(author)


@pytest.mark.parametrize(
    "make",
    [
        a_job_ends_twice,
        a_job_goes_on_after_its_end,
        a_job_was_never_submitted,
        a_job_is_in_no_line,
        a_job_is_not_registered,
        a_job_is_registered_under_another_lock,
        a_row_stands_for_a_job_that_never_was,
    ],
    ids=lambda make: make.__name__,
)
async def test_a_job_without_exactly_one_end_is_found_and_nothing_else(make: Breaks) -> None:
    assert set(await broken(make())) == {"I3"}


async def test_an_accepted_id_that_is_nowhere_or_not_over_is_found(tmp_path: Path) -> None:
    author = eventful()
    waiting = author.submit()
    missing = job_id(4711)
    accepted = file_of(tmp_path, f"{FIRST}\n", f"{waiting}\n", f"{missing}\n", "nonsense\n")
    found = await broken(Records(author), accepted=accepted)
    assert [message.split(",")[0] for message in found.pop("I3")] == [
        (
            "an accepted id is not a job id: 'nonsense' is not a UUID such as "
            "018f6c3e-7b1a-7c4e-9d3a-0123456789ab"
        ),
        "it was accepted",
        "it was accepted",
    ]
    assert not found
