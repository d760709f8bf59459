"""The numbers under a verdict: how many neighbours were compared, the shortest gap, what is complete."""

from typing import Any

import pytest
from tests.unit.verification.asking import HurriedClock, Scope, verdict_on
from tests.unit.verification.authored import BEGINNING, Author, eventful
from tests.unit.verification.records import Records

from verification import Gap, Invariant, Numbers, Question, verify


async def numbers_of(*authors: Author, **question: Any) -> Numbers:
    return (await verdict_on(Records(*authors), **question)).numbers


def gap(seconds: float, *where: Any) -> Gap:
    """Return a gap of about so many seconds."""
    about: Any = pytest.approx(seconds, abs=1e-5)
    return Gap(about, *where)


def runs(*pauses: float, lock: str = "ledger") -> Author:
    """Return runs of one job each, a tenth of a second and such a pause after each other."""
    author = Author(lock)
    for pause in (*pauses, 0.0):
        job = author.submit()
        author.start(job)
        author.end(job)
        author.pause(pause - 0.1)  # the submission takes as long
    return author


def end_first_run_at(author: Author, seconds: float) -> None:
    """Let the storage have committed the end of the first run so many seconds after the beginning."""
    key = f"event|{next(iter(author.jobs))}|{4:06d}"
    values, _ = author.rows[key]
    assert values["status"] == "Completed"
    author.rows[key] = values, BEGINNING.timestamp() + seconds


async def test_an_eventful_history_has_its_numbers() -> None:
    numbers = await numbers_of(eventful())
    assert numbers == Numbers(
        neighbours=6,
        overlaps=0,
        in_one_transaction=2,
        fences=(1, 7),
        shortest_gap=gap(0.1, "ledger", 2, 3),
        chains=5,
        chains_intact=5,
        events_expected=31,
        workers=3,
        steps=4,
        waiting=0,
    )


async def test_the_shortest_gap_is_between_the_runs_that_came_nearest() -> None:
    numbers = await numbers_of(runs(3.0, 0.5, 2.0))
    assert numbers.shortest_gap == gap(0.6, "ledger", 2, 3)
    assert (numbers.neighbours, numbers.in_one_transaction) == (3, 0)


async def test_the_shortest_gap_is_of_the_lock_that_has_it() -> None:
    numbers = await numbers_of(runs(3.0, lock="a"), runs(0.5, lock="b"), runs(2.0, lock="c"))
    assert numbers.shortest_gap is not None
    assert numbers.shortest_gap.lock == "b"
    assert numbers.fences is None, "fences of several locks are no sequence"


async def test_no_gap_is_told_where_one_transaction_ends_and_starts() -> None:
    author = Author()
    first, second = author.submit(), author.submit()
    author.start(first)
    author.end(first, chain=second)
    author.end(second)
    numbers = await numbers_of(author)
    assert (numbers.neighbours, numbers.in_one_transaction, numbers.shortest_gap) == (1, 1, None)


async def test_a_forged_overlap_is_counted_and_its_gap_is_negative() -> None:
    author = runs(1.0, 1.0)
    # By the storage's own times, the first run ended half a second after the second had begun.
    began = author.event(list(author.jobs)[1], 3)["timestamp"]
    assert began.startswith("2026-11-21T08:00:01.4")
    end_first_run_at(author, 1.9)
    verdict = await verdict_on(Records(author))
    assert verdict.numbers.overlaps == 1
    assert verdict.numbers.neighbours == 2
    assert verdict.numbers.shortest_gap == gap(-0.5, "ledger", 1, 2)
    assert verdict.found == {Invariant.EXCLUSION: 1}


async def test_an_open_run_overlaps_and_has_no_gap() -> None:
    author = Author()
    one, other = author.submit(), author.submit()
    author.start(one, "w1")
    author.start(other, "w2")
    author.end(other)
    numbers = await numbers_of(author)
    assert (numbers.overlaps, numbers.shortest_gap) == (1, None)


async def test_times_nearer_than_the_storage_can_tell_are_no_negative_gap() -> None:
    author = runs(1.0)
    end_first_run_at(author, 1.4005)
    verdict = await verdict_on(Records(author))
    assert verdict.holds
    assert verdict.numbers.shortest_gap == Gap(0.0, "ledger", 1, 2)


async def test_without_times_of_the_storage_the_writers_are_taken() -> None:
    author = runs(2.0)
    author.rows = {key: (values, None) for key, (values, _) in author.rows.items()}  # type: ignore[misc]
    assert (await numbers_of(author)).shortest_gap == gap(2.1, "ledger", 1, 2)


async def test_an_event_that_is_missing_is_expected() -> None:
    author = eventful()
    job = next(iter(author.jobs))
    del author.rows[f"event|{job}|000003"]
    verdict = await verdict_on(Records(author))
    assert verdict.counts["events"] == 30
    assert verdict.numbers.events_expected == 31
    assert (verdict.numbers.chains, verdict.numbers.chains_intact) == (5, 4)


async def test_events_missing_at_the_end_are_expected_by_the_jobs_row() -> None:
    author = eventful()
    job = next(iter(author.jobs))
    last = max(key for key in author.rows if key.startswith(f"event|{job}|"))
    del author.rows[last]
    verdict = await verdict_on(Records(author))
    assert (verdict.counts["events"], verdict.numbers.events_expected) == (30, 31)
    assert verdict.numbers.chains_intact == 5, "what is there is chained"


@pytest.mark.parametrize("seq", [2**62, -5, 10**10])
async def test_a_number_that_no_event_has_is_not_counted_with(seq: int) -> None:
    author = eventful()
    author.event(next(iter(author.jobs)), 2)["seq"] = seq
    numbers = await numbers_of(author)
    assert (numbers.events_expected, numbers.chains_intact) == (31, 4)


async def test_an_altered_event_breaks_the_chain_of_its_job() -> None:
    author = eventful()
    author.event(next(iter(author.jobs)), 2)["actor"] = "altered"
    numbers = await numbers_of(author)
    assert (numbers.chains, numbers.chains_intact) == (5, 4)


async def test_numbers_are_of_the_period() -> None:
    author = runs(100.0, 100.0, 100.0)
    later = BEGINNING.replace(minute=3)
    numbers = await numbers_of(author, scope=Scope(since=later))
    assert numbers.fences == (3, 4)
    assert numbers.neighbours == 2, "the pair at the beginning of the period, and the one within"
    assert (numbers.chains, numbers.events_expected) == (2, 8)


async def test_a_lock_that_is_read_again_is_counted_once() -> None:
    author = eventful()
    busy = author.submit()
    author.start(busy)
    # The running job's row is of another moment than its events, each time it is read.
    author.rows[f"job|{busy}"][0]["attempt"] = 7
    verdict = await verdict_on(Records(author))
    assert verdict.found == {Invariant.EVENTS: 1}
    assert (verdict.numbers.neighbours, verdict.numbers.chains) == (7, 6)


async def test_jobs_in_line_are_counted() -> None:
    author = Author()
    author.start(author.submit())
    author.submit()
    author.submit()
    verdict = await verify(Records(author), HurriedClock(), Question(patience_seconds=0))
    assert verdict.holds
    assert verdict.numbers.waiting == 2
