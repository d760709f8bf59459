"""What follows with a delay is looked at again while there is patience, and blamed at the last look."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from tests.unit.verification.asking import Question, Scope, broken, the_violation
from tests.unit.verification.authored import Author, eventful, job_id
from tests.unit.verification.breaking import FIRST, SECOND, running
from tests.unit.verification.records import Records, told_of

from coordination.clock import SystemClock
from verification import Place, Stored, TrailEvent, leftovers, verify


class PatientClock(SystemClock):
    """Passes as fast as it is waited for, and runs something each time."""

    def __init__(self, on_sleep: Any = None) -> None:
        super().__init__()
        self.time = 100.0
        self._on_sleep = on_sleep

    def boot(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.time += seconds
        if self._on_sleep is not None:
            self._on_sleep(self.time - 100.0)


async def found_in(records: Records, clock: PatientClock, **question: Any) -> dict[str, list[str]]:
    verdict = await verify(records, clock, Question(**question))
    found: dict[str, list[str]] = {}
    for violation in verdict.violations:
        found.setdefault(violation.invariant.value, []).append(violation.message)
    return found


def lacks_the_end(records: Records) -> None:
    records.told = [told for told in records.told if told.key != f"{FIRST}-000006"]


def lists_an_ended_job(records: Records) -> None:
    records.listed[FIRST] = next(iter(records.partitions))


def holds_the_lease(records: Records) -> None:
    records.leased.update(records.partitions)


LATE = {
    lacks_the_end: {"I7": ["the trail lacks event 6, Completed"]},
    lists_an_ended_job: {"I9": ["it is Completed, but is listed as active"]},
    holds_the_lease: {"I9": ["the lease of this idle lock is held"]},
}


@pytest.mark.parametrize("late", LATE)
@pytest.mark.parametrize(("arrives", "is_found"), [(3.0, False), (3.5, True)])
async def test_what_has_come_by_the_last_look_is_no_violation(
    late: Any, arrives: float, is_found: bool
) -> None:
    records = Records(eventful())
    complete = list(records.told)
    late(records)

    def catch_up(passed: float) -> None:
        if passed >= arrives:
            records.told = complete
            records.listed.clear()
            records.leased.clear()

    clock = PatientClock(catch_up)
    found = await found_in(records, clock, patience_seconds=3.0)
    assert found == (LATE[late] if is_found else {})
    assert clock.time == 103.0


@pytest.mark.parametrize("late", LATE)
async def test_waiting_ends_when_everything_has_come(late: Any) -> None:
    records = Records(eventful())
    complete = list(records.told)
    late(records)

    def catch_up(passed: float) -> None:
        if passed >= 1.0:
            records.told = complete
            records.listed.clear()
            records.leased.clear()

    clock = PatientClock(catch_up)
    assert await found_in(records, clock, patience_seconds=3.0) == {}
    assert clock.time == 101.0


async def test_everything_together_has_one_patience() -> None:
    records = Records(eventful())
    for late in LATE:
        late(records)
    clock = PatientClock()
    found = await found_in(records, clock, patience_seconds=3.0)
    assert {name: len(of) for name, of in found.items()} == {"I7": 1, "I9": 2}
    assert clock.time == 103.0


async def test_without_anything_late_nobody_waits() -> None:
    clock = PatientClock()
    assert await found_in(Records(eventful()), clock, patience_seconds=3.0) == {}
    assert clock.time == 100.0


async def test_a_late_trail_that_turns_out_to_tell_otherwise_is_found_at_once() -> None:
    records = Records(eventful())
    forged = list(records.told)
    place = next(n for n, told in enumerate(forged) if told.key == f"{FIRST}-000006")
    lacks_the_end(records)
    forged[place] = TrailEvent(FIRST, f"{FIRST}-000006", forged[place].event, "0" * 32)

    def catch_up(_: float) -> None:
        records.told = forged

    clock = PatientClock(catch_up)
    assert await found_in(records, clock, patience_seconds=3.0) == {
        "I7": ["the trail and the journal differ in event 6: trace id"]
    }
    assert clock.time == 100.5


async def test_of_several_late_trails_each_is_waited_for() -> None:
    records = Records(eventful())
    complete = list(records.told)
    last = {told.partition: told.key for told in complete}
    lacking = {last[FIRST], last[SECOND]}
    records.told = [told for told in complete if told.key not in lacking]

    def catch_up(passed: float) -> None:
        if passed == 1.0:
            records.told = [told for told in complete if told.key != last[FIRST]]

    clock = PatientClock(catch_up)
    violations = (await verify(records, clock, Question(patience_seconds=3.0))).violations
    assert [(each.job_id, each.message) for each in violations] == [
        (FIRST, "the trail lacks event 6, Completed")
    ]


# --- active jobs --------------------------------------------------------------------


async def test_each_job_that_is_over_and_active_is_named() -> None:
    records = Records(eventful())
    records.listed = dict.fromkeys((FIRST, SECOND), next(iter(records.partitions)))
    verdict = await verify(records, PatientClock(), Question(patience_seconds=0.0))
    assert [(each.lock, each.job_id) for each in verdict.violations] == [
        ("ledger", FIRST),
        ("ledger", SECOND),
    ]


async def test_an_ended_job_of_another_period_may_be_active() -> None:
    author = eventful()
    author.pause(100)
    later = author.now
    author.submit()
    records = Records(author)
    records.listed[FIRST] = author.partition
    assert await broken(records, scope=Scope(since=later)) == {}
    del records.listed[job_id(6)]
    assert set(await broken(records, scope=Scope(since=later))) == {"I9"}
    assert set(await broken(records, scope=Scope(until=later))) == {"I9"}


class Ending(Records):
    """A job ends, or another comes, after the journal was read."""

    def __init__(self, author: Author, before: Sequence[Stored]) -> None:
        super().__init__(author)
        self._after = author.stored()
        self._author = author
        self.partitions[author.partition] = list(before)
        self.told = told_of(before)

    async def active(self) -> AsyncIterator[Sequence[Place]]:
        self.partitions[self._author.partition] = self._after
        async for page in super().active():
            yield page


@pytest.mark.parametrize(("ends", "found"), [(True, set()), (False, {"I9"})])
async def test_a_job_that_is_not_listed_because_it_ended_meanwhile_is_no_violation(
    ends: bool, found: set[str]
) -> None:
    author = running()
    before = author.stored()
    if ends:
        author.end(FIRST)
    records = Ending(author, before)
    records.listed.clear()
    assert set(await broken(records)) == found


async def test_of_very_many_jobs_that_are_not_listed_some_are_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(leftovers, "_MOST_READ_AGAIN", 2)
    author = Author()
    for _ in range(4):
        author.submit()
    records = Records(author)
    records.listed.clear()
    assert len((await broken(records))["I9"]) == 2


# --- leases -------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(18))
async def test_the_lease_of_each_idle_lock_is_looked_at(number: int) -> None:
    authors = []
    for each in range(18):
        author = Author(f"lock {each}", first_number=10 * each)
        author.start(author.submit())
        author.end(job_id(10 * each))
        authors.append(author)
    records = Records(*authors)
    records.leased.add(authors[number].partition)
    violation = await the_violation(records)
    assert (violation.invariant.value, violation.lock) == ("I9", f"lock {number}")


@pytest.mark.parametrize("what", ["nothing", "waits", "runs"])
async def test_a_lock_whose_lease_is_held_for_work_that_came_meanwhile_is_not_idle(what: str) -> None:
    author = eventful()
    before = author.stored()
    if what != "nothing":
        author.submit()
    if what == "runs":
        author.start(job_id(6))
    records = Ending(author, before)
    records.listed.clear()
    records.leased.add(author.partition)
    expected = {"I9": LATE[holds_the_lease]["I9"]} if what == "nothing" else {}
    assert await broken(records) == expected


@pytest.mark.parametrize("works", ["waits", "runs"])
async def test_a_lock_on_which_work_goes_on_may_be_leased(works: str) -> None:
    author = eventful()
    author.submit()
    if works == "runs":
        author.start(job_id(6))
    records = Records(author)
    records.leased.add(author.partition)
    assert await broken(records) == {}
