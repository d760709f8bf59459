"""I7 and I13 about jobs that left by themselves: archived ones with their trails, and forgotten ones."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.unit.coordination.removal_world import Installation
from tests.unit.verification.asking import Scope, broken, file_of, the_violation, verdict_on
from tests.unit.verification.authored import Author, effect, job_id
from tests.unit.verification.records import Records
from tests.unit.verification.test_removals import change, drop

from contracts.statuses import EventStatus
from coordination.journal import rows
from coordination.journal.removal import MARK_KEY
from coordination.retention_times import RetentionTimes
from verification import TrailEvent

DAY = 86_400.0
FIRST, SECOND, THIRD, FOURTH = (job_id(number) for number in range(1, 5))


def some_jobs(count: int = 4, **keeps: float) -> Author:
    """Return the history of jobs that ran one after the other; `j2=9.0` keeps the second one for 9 s."""
    author = Author()
    for number in range(1, count + 1):
        job = author.submit(keep=keeps.get(f"j{number}"))
        author.pause(1)
        author.start(job)
        author.end(job)
    return author


async def after(author: Author, *days: float, times: RetentionTimes | None = None) -> Installation:
    """Write a history, and let jobs go some days after it."""
    made = Installation()
    made.times = times or RetentionTimes(keep=DAY, trail=3 * DAY, ids=DAY)
    await made.write(author)
    for day in days:
        await made.let_go(author.now + timedelta(seconds=day * DAY))
    return made


async def test_archived_deleted_and_forgotten_jobs_are_told_and_the_rest_is_proved() -> None:
    author = some_jobs(j4=50 * DAY)
    made = await after(author)
    told = []
    for day in (1, 3, 4):
        await made.let_go(author.now + timedelta(seconds=day * DAY))
        verdict = await verdict_on(made.records(), scope=Scope(("ledger",)) if day == 3 else Scope())
        assert verdict.holds
        (removal,) = verdict.removals
        told.append((removal.jobs, removal.forgotten, removal.fence, verdict.counts["jobs"]))
    assert told == [(3, 0, 3, 1), (3, 0, 3, 1), (3, 3, 3, 1)]


# --- trails that stand ------------------------------------------------------------------------


def changed(told: TrailEvent) -> TrailEvent:
    return replace(told, event=replace(told.event, message="x"))


@pytest.mark.parametrize("scope", [Scope(), Scope(("ledger",))])
@pytest.mark.parametrize("seq", [1, 3, 4])
async def test_the_trail_of_an_archived_job_that_was_changed_is_found(seq: int, scope: Scope) -> None:
    records = (await after(some_jobs(), 1)).records()
    (place,) = (
        at for at, told in enumerate(records.told) if (told.partition, told.event.seq) == (SECOND, seq)
    )
    for told in (changed(records.told[place]), None):
        forged = records.told.copy()
        forged[place : place + 1] = [] if told is None else [told]
        records.told, kept = forged, records.told
        violation = await the_violation(records, scope=scope)
        assert (violation.invariant.value, violation.job_id, violation.message) == (
            "I7",
            SECOND,
            "the trail of an archived job is not whole, or does not end as the job did",
        )
        records.told = kept


@pytest.mark.parametrize("scope", [Scope(), Scope(("ledger",))])
async def test_the_trail_of_an_archived_job_that_is_gone_is_found(scope: Scope) -> None:
    records = (await after(some_jobs(), 1)).records()
    records.told = [told for told in records.told if told.partition != SECOND]
    assert (await the_violation(records, scope=scope)).job_id == SECOND


async def test_a_trail_that_has_gone_since_is_no_violation() -> None:
    author = some_jobs()
    records = (await after(author, 1, 3)).records()
    assert records.told == []
    assert await broken(records) == {}


# --- forgotten jobs ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"jobs": 4}, "the mark of what was removed says jobs 4, its rows 3"),
        ({"forgotten_jobs": 2}, "the mark of what was removed says jobs 3, its rows 2"),
        ({"runs": 4}, "the mark of what was removed says runs 4, its rows 3"),
        ({"forgotten_events": 11}, "the mark of what was removed says events 12, its rows 11"),
        ({"sum": "1"}, "the mark of what was removed does not fit the rows of the removed jobs"),
        ({"sum": "x"}, "the mark of what was removed does not fit the rows of the removed jobs"),
        ({"forgotten_fences": "1-x"}, "the mark of what was removed cannot be read: "),
        ({"forgotten_skips": 1}, "the mark of what was removed has 3 forgotten fences, but says that they "),
    ],
)
async def test_a_forged_mark_of_forgotten_jobs_is_found(values: dict[str, Any], message: str) -> None:
    records = (await after(some_jobs(j4=50 * DAY), 1, 3, 4)).records()
    assert await broken(records) == {}
    change(records, MARK_KEY, **values)
    found = await broken(records)
    assert set(found) == {"I13"}
    assert any(one.startswith(message) for one in found["I13"]), found


async def test_a_run_that_was_deleted_by_hand_between_forgotten_ones_is_missed() -> None:
    author = some_jobs(j2=50 * DAY, j4=50 * DAY)
    records = (await after(author, 1, 3, 4)).records()
    assert await broken(records) == {}
    drop(records, rows.event_prefix(SECOND), rows.job_key(SECOND))
    records.told = [told for told in records.told if told.partition != SECOND]
    del records.places[SECOND]
    records.derive_lists()
    assert await broken(records) == {"I13": ["no run has the fence 2, and no removal explains that"]}


async def test_a_forgotten_fence_that_another_run_has_is_found() -> None:
    author = some_jobs(j4=50 * DAY)
    records = (await after(author, 1, 3, 4)).records()
    change(records, MARK_KEY, forgotten_fences="1-4", forgotten_runs=4, forgotten_jobs=4)
    change(records, MARK_KEY, jobs=4, runs=4, events=12)
    assert "1 runs have fences of runs that are forgotten" in (await broken(records))["I13"]


async def test_as_many_accepted_ids_may_be_unknown_as_jobs_are_forgotten(tmp_path: Path) -> None:
    author = some_jobs(j4=50 * DAY)
    made = await after(author, 1, 3, 4)
    accepted = file_of(tmp_path, *(f"{job}\n" for job in author.jobs))
    assert await broken(made.records(), accepted=accepted) == {}
    more = file_of(tmp_path, *(f"{job}\n" for job in [*author.jobs, job_id(77)]))
    assert (await broken(made.records(), accepted=more))["I3"] == [
        "it was accepted, but is not in the journal"
    ]


async def test_effects_of_forgotten_runs_are_known_by_their_fences(tmp_path: Path) -> None:
    author = some_jobs(j4=50 * DAY)
    lines = [effect(author, job, "one") for job in (SECOND, FOURTH)]
    made = await after(author, 1, 3, 4)
    assert await broken(made.records(), sink=file_of(tmp_path, *lines)) == {}
    forged = [effect(author, FOURTH, "one", fence=9)]
    assert set(await broken(made.records(), sink=file_of(tmp_path, *forged))) == {"I4"}


async def test_the_time_between_runs_is_not_taken_over_what_was_removed_between_them() -> None:
    author = Author()
    cut_off, between, last = author.submit(keep=50 * DAY), author.submit(), author.submit(keep=50 * DAY)
    author.start(cut_off)
    author.interrupt(cut_off)
    author.start(between, "w2")
    author.pause(3600)
    author.end(between)
    author.start(last)
    author.end(last)
    author.start(cut_off)
    author.end(cut_off)
    limits = {"take_over_limits": {"worker_stopped": 10.0}}
    made = await after(author)
    assert await broken(made.records(), **limits) == {}
    for day in (1, 3, 4):
        await made.let_go(author.now + timedelta(seconds=day * DAY))
        assert await broken(made.records(), **limits) == {}
    assert (await verdict_on(made.records())).counts["runs"] == 3


@pytest.mark.parametrize("names", ["retry", "replacement"])
async def test_jobs_may_name_others_that_are_forgotten(names: str) -> None:
    author = Author()
    old = author.submit(keep=50 * DAY if names == "replacement" else None)
    if names == "retry":
        author.start(old)
        author.end(old, EventStatus.FAILED)
        new = author.submit(retry_of=old)
        author.jobs[new] = replace(author.jobs[new])
    else:
        new = author.submit()
        author.cancel(old)
    author.start(new)
    author.end(new)
    made = await after(author, 1, 3, 4)
    assert await broken(made.records()) == {}


# --- the time to keep it ------------------------------------------------------------------------


async def test_a_shorter_time_in_a_row_is_found() -> None:
    author = some_jobs(j2=9 * DAY)
    records = Records(author)
    assert await broken(records) == {}
    for job, keep in ((SECOND, 60.0), (FIRST, 60.0)):
        records = Records(author)
        change(records, rows.job_key(job), keep=keep)
        assert set(await broken(records)) == {"I1"}
