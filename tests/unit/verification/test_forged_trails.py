"""I7: a trail that tells one thing otherwise is found and named; what is merely late has time to come."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.verification.asking import Scope, broken, the_violation, verdict_on
from tests.unit.verification.authored import BEGINNING, Author, eventful
from tests.unit.verification.breaking import FIRST, SECOND, running
from tests.unit.verification.records import Records, told_of

from verification import TrailEvent, checking, trail

#: The fields of an event that the trail keeps, each with another value. Its job is where it stands.
ALTERED: dict[str, Any] = {
    "lock_name": "other",
    "status": "StateSaved",
    "message": "other",
    "timestamp": "2026-11-21T08:00:00.000000Z",
    "attempt": 7,
    "actor": "other",
    "hash": "other",
    "fence": 7,
    "worker": "w7",
    "data": '{"number":7}',
    "previous_hash": "other",
}


def alter(records: Records, number: str, **changes: Any) -> None:
    """Change one row of the trail."""
    place = next(n for n, told in enumerate(records.told) if told.key == f"{FIRST}-{number}")
    records.told[place] = replace(records.told[place], **changes)


def told(records: Records, number: str) -> TrailEvent:
    return next(told for told in records.told if told.key == f"{FIRST}-{number}")


@pytest.mark.parametrize("name", ALTERED)
async def test_an_event_that_the_trail_tells_otherwise_in_one_value_is_found(name: str) -> None:
    records = Records(eventful())
    event = told(records, "000004").event
    alter(records, "000004", event=replace(event, **{name: ALTERED[name]}))
    violation = await the_violation(records)
    assert violation.message == f"the trail and the journal differ in event 4: {name}"
    assert (violation.invariant.value, violation.lock, violation.job_id) == ("I7", "ledger", FIRST)


@pytest.mark.parametrize("trace_id", [None, "0" * 32])
async def test_an_event_of_another_trace_is_found(trace_id: str | None) -> None:
    records = Records(eventful())
    alter(records, "000004", trace_id=trace_id)
    assert (await the_violation(records)).message == "the trail and the journal differ in event 4: trace id"


async def test_what_the_projector_found_is_told() -> None:
    records = Records(eventful())
    alter(records, "000004", is_broken=True)
    violation = await the_violation(records)
    assert violation.message == "the projector found that event 4 does not follow from the one before"
    assert (violation.invariant.value, violation.lock, violation.job_id) == ("I7", "ledger", FIRST)


async def test_an_event_under_another_key_is_found() -> None:
    records = Records(eventful())
    alter(records, "000006", key=f"{FIRST}-6")
    assert (await the_violation(records)).message == f"the trail has event 6 in the row {FIRST}-6"


async def test_an_event_among_those_of_another_job_is_found_with_both_jobs() -> None:
    records = Records(eventful())
    place = next(n for n, each in enumerate(records.told) if each.key == f"{FIRST}-000006")
    stray = records.told.pop(place)
    last = max(n for n, each in enumerate(records.told) if each.partition == SECOND)
    records.told.insert(last + 1, replace(stray, partition=SECOND, key=f"{SECOND}-000099"))
    verdict = await verdict_on(records)
    found = {(each.job_id, each.message) for each in verdict.violations}
    assert {job for job, _ in found} == {FIRST, SECOND}
    assert (FIRST, "the trail lacks event 6, Completed") in found


async def test_the_first_three_differences_of_a_job_are_told_what_may_be_late_at_the_end() -> None:
    records = Records(eventful())
    for seq in range(1, 6):
        alter(records, f"{seq:06d}", trace_id=None)
    assert await broken(records) == {
        "I7": [f"the trail and the journal differ in event {seq}: trace id" for seq in (1, 2, 3)]
    }
    records = Records(eventful())
    alter(records, "000002", trace_id=None)
    records.told.remove(told(records, "000006"))
    assert await broken(records) == {
        "I7": ["the trail and the journal differ in event 2: trace id", "the trail lacks event 6, Completed"]
    }, "each is told once"


async def test_an_event_that_a_later_one_shows_to_be_lost_is_not_called_late() -> None:
    records = Records(eventful())
    records.told.remove(told(records, "000003"))
    assert (await the_violation(records)).message == "the trail skips event 3, Started"
    records.told.remove(told(records, "000005"))
    records.told.remove(told(records, "000006"))
    assert await broken(records) == {
        "I7": [
            "the trail skips event 3, Started",
            "the trail lacks event 5, StateSaved",
            "the trail lacks event 6, Completed",
        ]
    }


async def test_an_event_that_only_the_trail_has_is_found() -> None:
    author = running()
    records = Records(author)
    author.end(FIRST)
    records.told = told_of(author.stored())
    violation = await the_violation(records)
    assert violation.message == "the trail has event 4, Completed, which the journal does not have"
    assert (violation.lock, violation.job_id) == ("ledger", FIRST)


@pytest.mark.parametrize(
    ("since", "until", "is_found"),
    [(None, timedelta(), False), (None, timedelta(microseconds=1), True), (timedelta(), None, True)],
)
async def test_the_trail_of_an_unknown_job_is_of_the_period_of_its_first_event(
    since: timedelta | None, until: timedelta | None, is_found: bool
) -> None:
    author = running()
    records = Records(author)
    lost = Author("other", first_number=50)
    lost.submit()
    records.told += told_of(lost.stored())
    first = BEGINNING + timedelta(seconds=0.1)
    scope = Scope(
        since=None if since is None else first + since, until=None if until is None else first + until
    )
    # The job that is known keeps the period from being empty.
    author.rows[f"event|{FIRST}|000001"][0]["timestamp"] = "2026-11-21T08:00:00.000000Z"
    found = (await broken(records, scope=scope)).pop("I7", [])
    assert ("the trail has event 1, Submitted, which the journal does not have" in found) is is_found


async def test_of_very_many_jobs_that_differ_only_the_number_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(trail, "_MOST_CLOSE_LOOKS", 2)
    records = Records(eventful())
    records.told = [each for each in records.told if not each.key.endswith("-000002")]
    found = (await broken(records))["I7"]
    assert found[-1] == "the trails of 3 more jobs differ"
    assert len(found) == 3


async def test_trails_of_other_locks_are_not_compared_when_a_chosen_lock_has_many_jobs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(checking, "_FEW_JOBS", 4)
    monkeypatch.setattr(trail, "_MOST_CLOSE_LOOKS", 2)
    records = Records(eventful(), eventful("other", first_number=50))
    verdict = await verdict_on(records, scope=Scope(("ledger",)))
    assert verdict.violations == []
    assert verdict.counts["jobs"] == 5
    records.told = [each for each in records.told if each.key != f"{FIRST}-000003"]
    assert set(await broken(records, scope=Scope(("ledger",)))) == {"I7"}
    assert await broken(records, scope=Scope(("other",))) == {}


async def test_a_lost_job_of_a_chosen_lock_is_found_in_its_trail_although_it_has_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(checking, "_FEW_JOBS", 4)
    records = Records(eventful())
    lost = Author(first_number=50)
    gone = lost.submit()
    records.told += told_of(lost.stored())
    violation = await the_violation(records, scope=Scope(("ledger",)))
    assert (violation.invariant.value, violation.lock, violation.job_id) == ("I7", "ledger", gone)
