"""Each of these histories breaks one invariant: it is found, and no other is named."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.unit.verification.asking import broken, file_of
from tests.unit.verification.authored import Author, Records, effect, eventful, job_id, told_of

from contracts.statuses import EventStatus
from coordination import rows
from coordination.events import chain_hash
from coordination.rows import EventRow

Breaks = Callable[[], Records]

FIRST, SECOND, THIRD, FOURTH, FIFTH = (job_id(number) for number in range(1, 6))


def without(author: Author, key: str) -> Records:
    """Give the records of a history in which a row is missing, and no other tells of it."""
    del author.rows[key]
    return Records(author)


# --- I1 -----------------------------------------------------------------------


def an_event_is_missing() -> Records:
    return without(eventful(), rows.event_key(FIRST, 5))


def the_last_event_is_missing() -> Records:
    author = Author()
    job = author.submit()
    author.start(job)
    author.step(job, "one")
    author.save(job)
    return without(author, rows.event_key(job, 5))


def an_event_is_altered_here_and_in_the_trail() -> Records:
    author = eventful()
    author.event(THIRD, 5)["message"] = "not so bad"
    return Records(author)


def a_whole_chain_is_made_anew_but_for_the_row() -> Records:
    author = eventful()
    values = author.event(FIRST, 6)
    values["message"] = "made anew"
    values["hash"] = chain_hash(EventRow.from_values(values))
    return Records(author)


def a_row_counts_one_event_more() -> Records:
    author = eventful()
    author.rows[rows.job_key(FIRST)][0]["seq"] += 1
    return Records(author)


def a_row_says_another_status() -> Records:
    author = eventful()
    author.rows[rows.job_key(THIRD)][0]["status"] = "Completed"
    return Records(author)


def a_job_has_no_row() -> Records:
    return without(eventful(), rows.job_key(FIRST))


def an_event_cannot_be_read() -> Records:
    author = eventful()
    records = Records(author)
    partition = records.partitions[author.partition]
    place = next(n for n, row in enumerate(partition) if row.key == rows.event_key(FIRST, 5))
    values = {name: value for name, value in partition[place].values.items() if name != "message"}
    author.rows[rows.event_key(FIRST, 5)] = values | {"status": "Step"}, 0.0
    partition[place] = replace(partition[place], values=values)
    records.told = [told for told in records.told if told.key != f"{FIRST}-000005"]
    return records


# --- I2 -----------------------------------------------------------------------


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
    author.rows[rows.LOCK_KEY][0]["fence"] = 3
    return Records(author)


def the_lock_has_no_row() -> Records:
    return without(eventful(), rows.LOCK_KEY)


def the_lock_does_not_know_who_runs() -> Records:
    author = Author()
    author.start(author.submit())
    author.hold_lock_for("")
    return Records(author)


# --- I3 -----------------------------------------------------------------------


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


# --- I7 -----------------------------------------------------------------------


def the_trail_lacks_the_end() -> Records:
    records = Records(eventful())
    records.told = [told for told in records.told if told.key != f"{FIRST}-000006"]
    return records


def the_trail_lacks_a_job() -> Records:
    records = Records(eventful())
    records.told = [told for told in records.told if told.partition != FIRST]
    return records


def the_trail_skips_an_event() -> Records:
    records = Records(eventful())
    records.told = [told for told in records.told if told.key != f"{FIRST}-000003"]
    return records


def the_trail_tells_otherwise() -> Records:
    records = Records(eventful())
    told = records.told[3]
    records.told[3] = replace(told, event=replace(told.event, worker="w9"))
    return records


def the_trail_names_another_trace() -> Records:
    records = Records(eventful())
    records.told[3] = replace(records.told[3], trace_id="0" * 32)
    return records


def the_trail_tells_of_an_unknown_job() -> Records:
    records = Records(eventful())
    records.told += told_of(eventful("other", first_number=50).stored())[:3]
    return records


def the_trail_has_an_event_too_many() -> Records:
    records = Records(eventful())
    last = next(told for told in records.told if told.key == f"{FIRST}-000006")
    more = replace(last, key=f"{FIRST}-000007", event=replace(last.event, seq=7))
    records.told.insert(records.told.index(last) + 1, more)
    return records


# --- I8, I9 -------------------------------------------------------------------


def an_interrupted_job_is_in_no_line() -> Records:
    author = Author()
    job = author.submit()
    author.start(job)
    author.interrupt(job)
    return without(author, author.jobs[job].ticket_key)


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


def an_idle_lock_is_leased() -> Records:
    records = Records(eventful())
    records.leased.update(records.partitions)
    return records


# --- I10 ----------------------------------------------------------------------


def a_step_is_recorded_twice() -> Records:
    author = Author()
    job = author.submit()
    author.start(job)
    author.step(job, "one")
    author.interrupt(job)
    author.start(job)
    author.step(job, "one")
    author.end(job)
    return Records(author)


BROKEN: dict[str, list[Breaks]] = {
    "I1": [
        an_event_is_missing,
        the_last_event_is_missing,
        an_event_is_altered_here_and_in_the_trail,
        a_whole_chain_is_made_anew_but_for_the_row,
        a_row_counts_one_event_more,
        a_row_says_another_status,
        a_job_has_no_row,
        an_event_cannot_be_read,
    ],
    "I2": [
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
    "I3": [
        a_job_ends_twice,
        a_job_goes_on_after_its_end,
        a_job_was_never_submitted,
        a_job_is_in_no_line,
        a_job_is_not_registered,
        a_job_is_registered_under_another_lock,
        a_row_stands_for_a_job_that_never_was,
    ],
    "I7": [
        the_trail_lacks_the_end,
        the_trail_lacks_a_job,
        the_trail_skips_an_event,
        the_trail_tells_otherwise,
        the_trail_names_another_trace,
        the_trail_tells_of_an_unknown_job,
        the_trail_has_an_event_too_many,
    ],
    "I8": [an_interrupted_job_is_in_no_line],
    "I9": [
        a_finished_job_holds_the_lock,
        a_finished_job_waits_in_line,
        a_finished_job_is_active,
        a_waiting_job_is_not_active,
        an_idle_lock_is_leased,
    ],
    "I10": [a_step_is_recorded_twice],
}


@pytest.mark.parametrize(
    ("invariant", "make"),
    [
        pytest.param(invariant, make, id=f"{invariant} {make.__name__}")
        for invariant, makes in BROKEN.items()
        for make in makes
    ],
)
async def test_a_broken_invariant_is_found_and_only_it_is_named(invariant: str, make: Breaks) -> None:
    assert set(await broken(make())) == {invariant}


async def test_an_accepted_id_that_is_nowhere_or_not_over_is_found(tmp_path: Path) -> None:
    author = eventful()
    waiting = author.submit()
    missing = job_id(4711)
    accepted = file_of(tmp_path, f"{FIRST}\n", f"{waiting}\n", f"{missing}\n", "nonsense\n")
    found = await broken(Records(author), accepted=accepted)
    assert [message.split(",")[0] for message in found.pop("I3")] == [
        "an accepted id is none: 'nonsense' is not a UUID such as 018f6c3e-7b1a-7c4e-9d3a-0123456789ab",
        "it was accepted",
        "it was accepted",
    ]
    assert not found


async def test_an_effect_accepted_under_a_lower_fence_is_found(tmp_path: Path) -> None:
    author = Author()
    one, other = author.submit(), author.submit()
    author.start(one)
    lines = [effect(author, one, "a")]
    author.end(one, chain=other)
    lines += [effect(author, other, "b"), effect(author, one, "c")]
    assert set(await broken(Records(author), sink=file_of(tmp_path, *lines))) == {"I4"}


@pytest.mark.parametrize("more", [{"fence": 9}, {"job": job_id(77)}, {"key": "another lock"}])
async def test_an_effect_of_a_run_that_the_journal_does_not_know_is_found(
    tmp_path: Path, more: dict[str, Any]
) -> None:
    author = Author()
    job = author.submit()
    author.start(job)
    lines = [effect(author, job, "a"), effect(author, job, "b", **more)]
    assert set(await broken(Records(author), sink=file_of(tmp_path, *lines))) == {"I4"}


async def test_effects_that_go_on_after_the_next_run_began_are_found(tmp_path: Path) -> None:
    author = Author()
    one, other = author.submit(), author.submit()
    author.start(one)
    lines = [effect(author, one, "a")]
    author.pause(30)
    author.take_over(one, "w2", start=other)
    for step in ("b", "c"):
        author.pause(10)
        lines.append(effect(author, one, step, fence=1))
    assert set(await broken(Records(author), sink=file_of(tmp_path, *lines))) == {"I5"}


async def test_a_recorded_step_that_has_an_effect_again_is_found(tmp_path: Path) -> None:
    author = Author()
    job = author.submit()
    author.start(job)
    lines = [effect(author, job, "one")]
    author.step(job, "one")
    author.interrupt(job)
    author.start(job)
    lines.append(effect(author, job, "one"))
    assert set(await broken(Records(author), sink=file_of(tmp_path, *lines))) == {"I10"}


async def test_a_take_over_is_slow_only_by_a_limit() -> None:
    records = Records(eventful())
    assert await broken(records, take_over_limits={"worker_lost": 25.0, "runner_died": 3.0}) == {}
    assert set(await broken(records, take_over_limits={"worker_lost": 20.0})) == {"I11"}


@pytest.mark.parametrize("line", ["{", '{"key": "ledger"}\n', "[]\n"])
async def test_what_is_no_ledger_is_refused(tmp_path: Path, line: str) -> None:
    sink = file_of(tmp_path, line, "\n")
    with pytest.raises(ValueError, match="line 1 of the ledger is no effect"):
        await broken(Records(eventful()), sink=sink)
