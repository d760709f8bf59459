"""I1: a forger who computes all hashes again and lets the trail follow is found by every other clause."""

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.verification.asking import broken, the_violation, verdict_on
from tests.unit.verification.authored import Author, eventful, job_id
from tests.unit.verification.breaking import FIRST, SECOND, forge, rechain
from tests.unit.verification.records import Records

from contracts.statuses import EventStatus
from coordination.journal import rows
from coordination.journal.events import chain_hash
from coordination.journal.rows import EventRow
from verification import Invariant

JOB, OTHER = job_id(1), job_id(77)


def one_job() -> Author:
    """Return the history of a job with five events: the fourth is a saved state, the fifth its end."""
    author = Author()
    job = author.submit()
    author.start(job)
    author.save(job)
    author.end(job)
    return author


def an_event_is_missing() -> Author:
    author = one_job()
    del author.rows[rows.event_key(JOB, 4)]
    rechain(author, JOB)
    return author


def the_last_event_skips_a_number() -> Author:
    author = one_job()
    author.rows[rows.event_key(JOB, 6)] = author.rows.pop(rows.event_key(JOB, 5))
    author.event(JOB, 6)["seq"] = 6
    rechain(author, JOB)
    return author


def an_event_stands_under_a_key_of_another_width() -> Author:
    author = one_job()
    author.rows[f"event|{JOB}|5"] = author.rows.pop(rows.event_key(JOB, 5))
    return author


def an_event_carries_the_hash_of_an_earlier_one() -> Author:
    author = one_job()
    end = author.event(JOB, 5)
    end["previous_hash"] = author.event(JOB, 3)["hash"]
    end["hash"] = chain_hash(EventRow.from_values(end))
    author.rows[rows.job_key(JOB)][0]["event_hash"] = end["hash"]
    return author


def an_event_names_another_lock() -> Author:
    author = one_job()
    forge(author, JOB, 5, lock_name="other")
    return author


def an_event_keeps_the_hash_of_what_it_said_before() -> Author:
    author = one_job()
    author.event(JOB, 5)["message"] = "altered"
    return author


def a_run_ends_in_another_attempt_than_it_began() -> Author:
    author = one_job()
    forge(author, JOB, 5, attempt=2)
    return author


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (an_event_is_missing, "event 5 follows event 3"),
        (the_last_event_skips_a_number, "event 6 follows event 4"),
        (
            an_event_stands_under_a_key_of_another_width,
            f"event 5 of job {JOB} stands in the row event|{JOB}|5",
        ),
        (
            an_event_carries_the_hash_of_an_earlier_one,
            "event 5 does not carry the hash of the event before it",
        ),
        (an_event_names_another_lock, "event 5 names lock 'other', which is another partition's"),
        (
            an_event_keeps_the_hash_of_what_it_said_before,
            "the hash of event 5 does not match its content",
        ),
        (a_run_ends_in_another_attempt_than_it_began, "Completed has attempt 2, its run has attempt 1"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
async def test_one_forged_event_is_one_violation_that_names_its_job_and_run(make: Any, message: str) -> None:
    violation = await the_violation(Records(make()))
    assert (violation.invariant, violation.message) == (Invariant.EVENTS, message)
    assert (violation.lock, violation.job_id, violation.fence) == ("ledger", JOB, 1)


async def test_what_the_forgers_began_with_holds() -> None:
    author = one_job()
    rechain(author, JOB)
    assert await broken(Records(author)) == {}


async def test_an_event_of_another_job_in_this_ones_row_is_found() -> None:
    author = one_job()
    forge(author, JOB, 5, job_id=OTHER)
    found = await broken(Records(author))
    assert found["I1"] == [f"event 5 of job {OTHER} stands in the row event|{JOB}|000005"]


async def test_a_number_that_comes_twice_is_found() -> None:
    author = one_job()
    author.event(JOB, 5)["seq"] = 4
    rechain(author, JOB)
    found = await broken(Records(author))
    assert found["I1"] == ["event 4 follows event 4"]


@pytest.mark.parametrize(
    ("values", "trouble"),
    [({}, "KeyError: 'job_id'"), ({"status": "Odd"}, "'Odd' is not a valid EventStatus")],
)
async def test_a_row_among_events_that_is_none_is_found(values: dict[str, Any], trouble: str) -> None:
    author = one_job()
    records = Records(author)
    odd = {**author.event(JOB, 5), "seq": 6, **values} if values else {}
    author.rows[rows.event_key(JOB, 6)] = odd, 0.0
    records.partitions[author.partition] = author.stored()
    violation = (await verdict_on(records)).violations[0]
    assert violation.message == f"the row event|{JOB}|000006 is not an event: {trouble}"
    assert (violation.invariant, violation.lock, violation.job_id) == (Invariant.EVENTS, "ledger", JOB)


async def test_a_row_that_comes_twice_is_found() -> None:
    author = one_job()
    records = Records(author)
    stored = records.partitions[author.partition]
    stored.insert(5, replace(stored[5]))
    assert stored[5].key == rows.job_key(JOB)
    violation = await the_violation(records)
    assert violation.message == f"the row job|{JOB} comes twice or out of order"
    assert (violation.invariant, violation.lock) == (Invariant.EVENTS, "ledger")


# --- what events add up to ------------------------------------------------------

#: Another value for everything that a job's row, or its ticket, has in common with its events.
ALTERED = {
    "seq": 77,
    "event_hash": "77",
    "status": "TimedOut",
    "fence": 77,
    "worker": "w77",
    "attempt": 77,
    "interruptions": 77,
    "deaths": 77,
    "steps": 77,
    "cancel_requested": True,
    "submitted_at": "2026-11-21T08:00:00.000000Z",
    "finished_at": "2026-11-21T08:00:00.000000Z",
    "lock_name": "other",
    "kind": "other",
    "priority": 7,
}


@pytest.mark.parametrize("name", ["job_id", *ALTERED])
async def test_a_row_that_differs_in_one_value_is_found(name: str) -> None:
    author = eventful()
    values = author.rows[rows.job_key(SECOND)][0]
    due, values[name] = values[name], {"job_id": OTHER, **ALTERED}[name]
    violation = await the_violation(Records(author))
    assert violation.message == f"its row says {name} {values[name]!r}, its events {due!r}"
    assert (violation.invariant, violation.lock, violation.job_id) == (Invariant.EVENTS, "ledger", SECOND)


@pytest.mark.parametrize("name", ALTERED)
async def test_a_ticket_that_differs_in_one_value_is_found(name: str) -> None:
    author = Author()
    job = author.submit()
    author.start(job)
    author.interrupt(job)
    values = author.rows[author.jobs[job].ticket_key][0]
    due, values[name] = values[name], ALTERED[name]
    violation = await the_violation(Records(author))
    assert violation.message == f"its ticket says {name} {values[name]!r}, its events {due!r}"
    assert (violation.invariant, violation.lock, violation.job_id) == (Invariant.EVENTS, "ledger", job)


@pytest.mark.parametrize("part", ["priority", "order", "job_id"])
async def test_a_ticket_in_another_place_than_its_row_asks_for_is_found(part: str) -> None:
    author = Author()
    job = author.submit()
    moved = replace(author.jobs[job], **{"priority": 4} if part == "priority" else {part: OTHER})
    author.rows[moved.ticket_key] = author.rows.pop(author.jobs[job].ticket_key)
    violation = await the_violation(Records(author))
    what = f"it waits in line as {moved.ticket_key}, but its row names {author.jobs[job].ticket_key}"
    assert (violation.invariant, violation.message) == (Invariant.EVENTS, what)
    assert (violation.lock, violation.job_id) == ("ledger", job)


async def test_events_without_a_row_are_found_and_say_where_they_end() -> None:
    author = one_job()
    del author.rows[rows.job_key(JOB)]
    violation = await the_violation(Records(author))
    assert violation.message == "its events end with Completed, but it has no row"
    assert (violation.lock, violation.job_id) == ("ledger", JOB)


async def test_a_row_that_holds_an_id_free_needs_no_events_but_stands_for_no_job() -> None:
    author = one_job()
    author.rows[rows.job_key(OTHER)] = {"job_id": OTHER, "status": "Tombstone"}, 0.0
    assert await broken(Records(author)) == {}
    author.rows[rows.job_key(JOB)][0]["status"] = "Tombstone"
    assert await broken(Records(author)) == {"I1": ["its events end with Completed, but it has no row"]}


# --- how much is said -------------------------------------------------------------


async def test_of_one_job_the_first_three_violations_of_each_invariant_are_told() -> None:
    author = Author()
    job = author.submit()
    author.start(job)
    for _ in range(5):
        author.step(job, "again")
    for seq in range(4, 9):
        author.event(job, seq)["actor"] = "altered"
    found = await broken(Records(author))
    assert found == {
        "I1": [f"the hash of event {seq} does not match its content" for seq in (4, 5, 6)],
        "I10": ["step 'again' was recorded again"] * 3,
    }


async def test_a_broken_job_takes_no_violation_from_another_one() -> None:
    author = eventful()
    for job in (FIRST, SECOND):
        author.event(job, 1)["actor"] = "altered"
    verdict = await verdict_on(Records(author))
    assert [(each.job_id, each.fence) for each in verdict.violations] == [(FIRST, None), (SECOND, None)]


async def test_an_event_after_a_request_to_cancel_is_of_the_same_chain() -> None:
    author = Author()
    job = author.submit()
    author.start(job)
    author.ask_to_cancel(job)
    author.end(job, EventStatus.CANCELLED)
    assert await broken(Records(author)) == {}
