"""Exactly at a limit nothing is found, just beyond it something is: order of runs, times, and periods."""

from datetime import datetime, timedelta

import pytest
from tests.unit.verification.asking import broken, the_violation, verdict_on
from tests.unit.verification.authored import Author, job_id
from tests.unit.verification.breaking import forge
from tests.unit.verification.records import Records

from coordination.journal import rows
from coordination.journal.events import timestamp

ONE, OTHER = job_id(1), job_id(2)
MICROSECOND = timedelta(microseconds=1)


def two_runs(*, is_chained: bool = False) -> Author:
    """Return two runs: events 3 to 5 of the one are its start, a step and its end; the other starts next."""
    author = Author()
    one, other = author.submit(), author.submit()
    author.start(one, "w1")
    author.step(one, "a")
    author.end(one, chain=other if is_chained else "")
    if not is_chained:
        author.start(other, "w2")
    author.end(other)
    return author


def commit(author: Author, times: dict[tuple[str, int], float | None]) -> Records:
    """Return the records with these times of transactions, and the other event rows as told by `rest`."""
    for (job, seq), moment in times.items():
        key = rows.event_key(job, seq)
        author.rows[key] = author.rows[key][0], moment  # type: ignore[assignment]
    return Records(author)


# --- the storage's times ----------------------------------------------------------


@pytest.mark.parametrize(
    ("is_chained", "step", "end", "trouble"),
    [
        (False, 0.001, 0.001, ""),
        (False, 0.0011, 0.0, "wrote 0.001 s after"),
        (False, 0.0, 0.0011, "wrote 0.001 s after"),
        (False, 3.0, 2.0, "wrote 3.000 s after"),
        (False, 2.0, 3.0, "wrote 3.000 s after"),
        (True, 0.001, 1.0, ""),
        (True, 0.0011, 0.0, "wrote 0.001 s after"),
        (True, 0.0, 1.001, "wrote 1.001 s after"),
    ],
)
async def test_a_run_that_wrote_after_the_next_had_begun_is_found_by_the_storages_times(
    is_chained: bool, step: float, end: float, trouble: str
) -> None:
    author = two_runs(is_chained=is_chained)
    began = 2 if is_chained else 3
    records = commit(
        author,
        {
            (ONE, 3): -9.0,
            (ONE, 4): step,
            (ONE, 5): end,
            (OTHER, began): 0.0,
            (OTHER, began + 1): 9.0,
        },
    )
    if not trouble:
        assert await broken(records) == {}
        return
    violation = await the_violation(records)
    assert (violation.invariant.value, violation.lock, violation.job_id, violation.fence) == (
        "I2",
        "ledger",
        ONE,
        1,
    )
    assert violation.message == (
        f"the run of job {ONE} with fence 1 {trouble} the run of job {OTHER} with fence 2 had begun"
    )


async def test_a_saved_state_of_the_next_run_counts_as_its_beginning_if_the_storage_took_it_earlier() -> None:
    author = Author()
    one, other = author.submit(), author.submit()
    author.start(one)
    author.end(one)
    author.start(other)
    author.save(other)
    author.end(other)
    times: dict[tuple[str, int], float | None] = {(one, 3): 1.0, (one, 4): 2.0, (other, 3): 3.0}
    assert await broken(commit(author, {**times, (other, 4): 2.5, (other, 5): 4.0})) == {}
    assert set(await broken(commit(author, {**times, (other, 4): 1.5, (other, 5): 4.0}))) == {"I2"}


# --- the writers' times, where the storage tells none -------------------------------


@pytest.mark.parametrize("untold", [{(ONE, 3)}, {(ONE, 5)}, {(OTHER, 3)}, {(ONE, 3), (ONE, 5), (OTHER, 3)}])
@pytest.mark.parametrize(("beyond", "found"), [(timedelta(), set()), (MICROSECOND, {"I2"})])
async def test_clocks_that_differ_by_the_tolerance_are_believed(
    untold: set[tuple[str, int]], beyond: timedelta, found: set[str]
) -> None:
    author = two_runs()
    began = datetime.fromisoformat(author.event(OTHER, 3)["timestamp"])
    ended = timestamp(began + timedelta(seconds=5) + beyond)
    forge(author, ONE, 5, timestamp=ended)
    author.rows[rows.job_key(ONE)][0]["finished_at"] = ended
    records = commit(author, dict.fromkeys(untold))
    assert set(await broken(records)) == found
    assert set(await broken(records, tolerance_seconds=4.999)) == {"I2"}
    assert await broken(Records(two_runs())) == {}


async def test_one_transaction_that_ends_a_run_and_starts_the_next_needs_no_clock() -> None:
    author = two_runs(is_chained=True)
    ended = timestamp(author.now + timedelta(seconds=60))
    forge(author, ONE, 5, timestamp=ended)
    author.rows[rows.job_key(ONE)][0]["finished_at"] = ended
    records = commit(author, {(ONE, 5): None})
    assert await broken(records) == {}


async def test_the_worst_contradiction_between_clocks_and_transactions_is_told() -> None:
    author = two_runs()
    began = datetime.fromisoformat(author.event(OTHER, 3)["timestamp"])
    ended = timestamp(began + timedelta(seconds=7.5))
    forge(author, ONE, 5, timestamp=ended)
    author.rows[rows.job_key(ONE)][0]["finished_at"] = ended
    verdict = await verdict_on(Records(author))
    assert verdict.violations == []
    assert verdict.clocks_apart == 7.5
    assert verdict.document()["clocks_apart_seconds"] == 7.5
    assert verdict.hand_over.max == 0.0, "no time between two runs is below 0"
    assert (await verdict_on(Records(two_runs()))).clocks_apart == 0.0


# --- how long take-overs took -----------------------------------------------------


def taken_over(cause: str, *, last: str = "start") -> Author:
    """Return a run that was cut off, and one that began exactly 3 s after its last sign of life."""
    author = Author()
    author.start(author.submit(), "w1")
    if last == "step":
        author.pause(50)
        author.step(ONE, "a")
    elif last == "state":
        author.pause(50)
        author.save(ONE)
    if cause == "worker_lost":
        author.pause(2.9)
        author.take_over(ONE, "w2")
    else:
        author.pause(50)
        author.interrupt(ONE, died=cause == "runner_died")
        author.pause(2.9)
        author.start(ONE, "w2")
    return author


@pytest.mark.parametrize(
    ("cause", "last"),
    [
        ("runner_died", "start"),
        ("worker_stopped", "step"),
        ("worker_lost", "start"),
        ("worker_lost", "step"),
        ("worker_lost", "state"),
    ],
)
async def test_a_take_over_may_take_exactly_as_long_as_its_limit(cause: str, last: str) -> None:
    records = Records(taken_over(cause, last=last))
    assert await broken(records, take_over_limits={cause: 3.0}) == {}
    others = dict.fromkeys({"runner_died", "worker_stopped", "worker_lost"} - {cause}, 0.0)
    assert await broken(records, take_over_limits=others) == {}
    violation = await the_violation(records, take_over_limits={cause: 2.999})
    assert violation.message == (f"3.0 s passed until another run took over ({cause}); the limit is 2.999 s")
    assert (violation.invariant.value, violation.lock) == ("I11", "ledger")
    assert (violation.job_id, violation.fence) == (ONE, 1)
    verdict = await verdict_on(records)
    assert {name: (of.count, of.max) for name, of in verdict.take_over.items() if of.count} == {
        cause: (1, 3.0)
    }


async def test_a_limit_of_zero_is_a_limit() -> None:
    assert set(await broken(Records(taken_over("runner_died")), take_over_limits={"runner_died": 0.0})) == {
        "I11"
    }


async def test_a_lock_that_was_free_because_nothing_waited_is_no_slow_hand_over() -> None:
    author = Author()
    author.start(author.submit())
    author.end(ONE)
    author.pause(100)
    author.start(author.submit())
    verdict = await verdict_on(Records(author))
    assert verdict.hand_over.count == 0
    assert verdict.in_line.count == 2
    assert verdict.in_line.max == 0.1


async def test_a_job_that_came_at_the_moment_when_a_run_ended_found_no_empty_line() -> None:
    author = Author()
    author.start(author.submit())
    author.end(ONE)
    other = author.submit()
    author.start(other)
    for job, seq in ((ONE, 4), (other, 1)):
        forge(author, job, seq, timestamp="2026-11-21T08:00:05.000000Z")
    forge(author, other, 3, timestamp="2026-11-21T08:00:07.000000Z")
    verdict = await verdict_on(Records(author))
    assert (verdict.hand_over.count, verdict.hand_over.max) == (1, 2.0)


@pytest.mark.parametrize("text", ["nonsense", "2026-11-21T08:00:00"])
async def test_a_time_that_is_none_or_has_no_offset_measures_nothing(text: str) -> None:
    author = two_runs()
    forge(author, OTHER, 3, timestamp=text)
    author.rows[rows.job_key(OTHER)][0]["started_at"] = text
    verdict = await verdict_on(Records(author))
    # A list cannot hold such a time.
    assert {violation.invariant.value for violation in verdict.violations} == {"I12"}
    assert (verdict.hand_over.count, verdict.hand_over.max, verdict.clocks_apart) == (1, 0.0, 0.0)
    assert (verdict.in_line.count, verdict.in_line.max) == (2, 0.2)


async def test_a_job_that_was_cut_off_and_waits_makes_no_empty_line() -> None:
    """An urgent job that comes in the meantime does not hide how long the lock stood still."""
    author = Author()
    author.start(author.submit())
    author.interrupt(ONE, died=True)
    author.pause(100)
    author.start(author.submit())
    author.end(OTHER)
    limits = {"runner_died": 99.0}
    violation = await the_violation(Records(author), take_over_limits=limits)
    assert (violation.invariant.value, violation.job_id) == ("I11", ONE)
    author.start(ONE)
    author.end(ONE)
    assert set(await broken(Records(author), take_over_limits=limits)) == {"I11"}


async def test_a_job_that_was_cut_off_and_cancelled_leaves_an_empty_line() -> None:
    author = Author()
    author.start(author.submit())
    author.interrupt(ONE, died=True)
    author.cancel(ONE)
    author.pause(100)
    author.start(author.submit())
    author.end(OTHER)
    assert await broken(Records(author), take_over_limits={"runner_died": 3.0}) == {}
