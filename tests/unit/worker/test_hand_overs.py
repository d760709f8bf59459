"""The time from a handler's return to the first line of the next: what is measured, and what is believed."""

import math
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.unit.captured import Captured
from tests.unit.worker.observed import LOCK, Observed, job, run_of

from contracts.telemetry import attributes as at
from contracts.telemetry import metrics
from coordination import observations as seen
from coordination.journal.events import timestamp
from coordination.journal.rows import JobRow
from coordination.observations import HandOver, HandOverCause, RunStarted
from coordination.outcomes import Completed, Interrupted

CHAINED, RELEASED = HandOverCause.CHAINED, HandOverCause.RELEASED


@pytest.fixture
def observed(captured: Captured) -> Observed:
    return Observed()


def moment(seconds: float) -> str:
    return timestamp(datetime.fromtimestamp(seconds, UTC))


def measured(captured: Captured) -> list[tuple[str, int, Any]]:
    points: list[Any] = captured.points(metrics.HAND_OVER_DURATION)
    return [(point.attributes[at.HAND_OVER_CAUSE], point.count, point.sum) for point in points]


def waiting(job_id: str, since: float) -> JobRow:
    return job(job_id, queued_at=moment(since))


async def chain(observed: Observed, ended: JobRow, following: JobRow) -> None:
    """End a run, and start the next in the same transaction."""
    start = RunStarted(following, HandOver(CHAINED, moment(time.time())), None, ended)
    await observed.operate("end", 1, seen.RunEnded(ended, Completed()), start)


def run_handler(observed: Observed, row: JobRow) -> tuple[float, float]:
    began, ended = time.time(), time.time()
    observed.telemetry.handler_over(run_of(row), began, ended)
    return began, ended


async def test_a_chained_hand_over_lasts_from_one_handlers_return_to_the_next_ones_first_line(
    observed: Observed, captured: Captured
) -> None:
    queued = time.time() - 100
    first, second = job("one"), waiting("two", queued)
    await observed.begin(first)
    _, returned = run_handler(observed, first)
    await chain(observed, first, second)
    assert measured(captured) == []
    began, _ = run_handler(observed, second)
    assert measured(captured) == [("chained", 1, pytest.approx(began - returned, abs=1e-6))]
    run_handler(observed, second)
    assert len(measured(captured)) == 1
    assert measured(captured)[0][1] == 1, "measured twice"


async def test_a_lock_that_was_released_was_free_since_the_journal_says_so(
    observed: Observed, captured: Captured
) -> None:
    freed = time.time() - 50
    second = waiting("two", freed - 1)
    await observed.operate("acquire", 2, seen.LeaseAcquired(LOCK, 0.1))
    await observed.operate("take over", 3, RunStarted(second, HandOver(RELEASED, moment(freed))))
    began, _ = run_handler(observed, second)
    assert measured(captured) == [("released", 1, pytest.approx(began - freed, abs=0.002))]


async def test_a_lock_that_was_idle_until_the_job_came_was_not_handed_over(
    observed: Observed, captured: Captured
) -> None:
    freed = time.time() - 50
    later = waiting("two", freed + 1)
    await observed.begin(job("one"))
    run_handler(observed, job("one"))
    await observed.operate("start", 1, RunStarted(later, HandOver(RELEASED, moment(freed))))
    run_handler(observed, later)
    newer = waiting("three", time.time() + 60)
    await chain(observed, later, newer)
    run_handler(observed, newer)
    assert measured(captured) == []


async def test_a_job_that_does_not_say_since_when_it_waits_waited_for_the_lock(
    observed: Observed, captured: Captured
) -> None:
    await observed.begin(job("one"))
    run_handler(observed, job("one"))
    await chain(observed, job("one"), job("two"))
    run_handler(observed, job("two"))
    assert [found[:2] for found in measured(captured)] == [("chained", 1)]


@pytest.mark.parametrize(
    "cause", [HandOverCause.RUNNER_DIED, HandOverCause.WORKER_STOPPED, HandOverCause.WORKER_LOST]
)
async def test_a_take_over_is_no_hand_over(
    observed: Observed, captured: Captured, cause: HandOverCause
) -> None:
    freed = time.time() - 50
    taken = waiting("one", freed - 1)
    await observed.operate("start", 1, RunStarted(taken, HandOver(cause, moment(freed))))
    run_handler(observed, taken)
    assert measured(captured) == []


async def test_a_run_whose_runner_died_measures_nothing_before_or_after_it(
    observed: Observed, captured: Captured
) -> None:
    queued = time.time() - 100
    dead, last = waiting("two", queued), waiting("three", queued)
    await observed.begin(job("one"))
    run_handler(observed, job("one"))
    await chain(observed, job("one"), dead)
    start = RunStarted(last, HandOver(CHAINED, moment(time.time())), None, dead)
    await observed.operate("end", 1, seen.RunEnded(dead, Interrupted("it died", died=True)), start)
    run_handler(observed, last)
    assert measured(captured) == []


#: What a handler's process may say of its times, from how long ago its run began.
LIES = {
    "nothing that is a number": lambda start: (math.nan, math.nan),
    "an end that is no number": lambda start: (time.time(), math.nan),
    "an infinite end": lambda start: (time.time(), math.inf),
    "an infinite beginning": lambda start: (-math.inf, time.time()),
    "below zero": lambda start: (-2.0, -1.0),
    "before its run": lambda start: (start - 1, time.time()),
    "an end before its beginning": lambda start: (time.time(), time.time() - 1e-3),
    "in the future": lambda start: (time.time(), time.time() + 60),
}


@pytest.mark.parametrize("lie", LIES)
async def test_times_that_cannot_be_are_dropped_and_count_for_no_neighbour(
    observed: Observed, captured: Captured, lie: str
) -> None:
    queued = time.time() - 100
    liar, honest = waiting("two", queued), waiting("three", queued)
    await observed.begin(job("one"))
    run_handler(observed, job("one"))
    await chain(observed, job("one"), liar)
    observed.telemetry.handler_over(run_of(liar), *LIES[lie](time.time()))
    await chain(observed, liar, honest)
    run_handler(observed, honest)
    assert measured(captured) == []


async def test_times_of_another_run_or_of_a_lock_that_is_not_held_are_dropped(
    observed: Observed, captured: Captured
) -> None:
    queued = time.time() - 100
    run_handler(observed, job("one"))
    await observed.begin(job("one"))
    run_handler(observed, job("one"))
    second = waiting("two", queued)
    await chain(observed, job("one"), second)
    other = JobRow("one", "ten-steps", LOCK, attempt=1, fence=6)
    run_handler(observed, other)
    assert measured(captured) == []
    run_handler(observed, second)
    assert len(measured(captured)) == 1
