"""Events added up by minutes: what ended, and how long jobs waited before they started."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.jobs import Event
from contracts.statuses import EventStatus
from dashboard.board.statistics import Tally, quantile, whole_minute

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def event(status: EventStatus, seconds: float, job_id: str = "a", seq: int = 1, **more: Any) -> Event:
    values: dict[str, Any] = {
        "job_id": job_id,
        "seq": seq,
        "event_id": f"{job_id}-{seq:06d}",
        "status": status,
        "message": "",
        "timestamp_utc": NOON + timedelta(seconds=seconds),
        "attempt": 1,
        "fence": None,
        "worker": None,
        "lock": "ledger",
        "actor": "",
        "trace_id": None,
        "data": {},
    }
    return Event(**(values | more))


SUBMITTED = event(EventStatus.SUBMITTED, 0)
STARTED = event(EventStatus.STARTED, 30, seq=2)
COMPLETED = event(EventStatus.COMPLETED, 70, seq=3)


def test_an_event_counts_once_however_often_it_comes() -> None:
    tally = Tally()
    assert tally.add([SUBMITTED, STARTED]) == [SUBMITTED, STARTED]
    assert tally.add([STARTED, COMPLETED]) == [COMPLETED]
    statistics = tally.statistics()
    assert statistics.waits(NOON) == [30.0]
    assert statistics.ended(NOON) == 1
    assert [minute.begins for minute in statistics.minutes] == [NOON, NOON + timedelta(minutes=1)]


def test_events_of_one_call_are_put_in_order() -> None:
    tally = Tally()
    tally.add([COMPLETED, STARTED, SUBMITTED])
    assert tally.statistics().waits(NOON) == [30.0]


def test_the_wait_after_an_interruption_counts_from_it() -> None:
    tally = Tally()
    interrupted = event(EventStatus.INTERRUPTED, 60, seq=3)
    tally.add([SUBMITTED, STARTED, interrupted, event(EventStatus.STARTED, 65, seq=4)])
    assert tally.statistics().waits(NOON) == [5.0, 30.0]


def test_the_wait_of_a_job_with_a_start_time_counts_from_it() -> None:
    tally = Tally()
    start_at = (NOON + timedelta(seconds=28)).isoformat()
    tally.add([event(EventStatus.SUBMITTED, 0, data={"start_at": start_at}), STARTED])
    assert tally.statistics().waits(NOON) == [2.0]


def test_a_job_that_was_taken_over_in_one_transaction_did_not_wait() -> None:
    tally = Tally()
    interrupted = event(EventStatus.INTERRUPTED, 60, seq=3)
    tally.add([SUBMITTED, STARTED, interrupted, event(EventStatus.STARTED, 60, seq=4, attempt=2)])
    assert tally.statistics().waits(NOON) == [30.0]
    tally.add(
        [event(EventStatus.SUBMITTED, 70, "j2"), event(EventStatus.STARTED, 70, "j2", seq=2, attempt=1)]
    )
    assert tally.statistics().waits(NOON) == [0.0, 30.0]


def test_a_start_without_a_known_submission_has_no_wait() -> None:
    tally = Tally()
    tally.add([STARTED])
    assert tally.statistics().waits(NOON) == []


@pytest.mark.parametrize(
    "status", [EventStatus.COMPLETED, EventStatus.FAILED, EventStatus.CANCELLED, EventStatus.TIMED_OUT]
)
def test_every_end_is_counted_under_its_status(status: EventStatus) -> None:
    tally = Tally()
    tally.add([event(status, 1), event(EventStatus.STEP, 2, seq=2)])
    (minute,) = tally.statistics().minutes
    assert minute.ended == {status: 1}


def test_minutes_that_are_over_take_nothing_more_and_old_ones_are_forgotten() -> None:
    tally = Tally()
    tally.add([SUBMITTED])
    tally.close(NOON + timedelta(minutes=5))
    assert tally.add([event(EventStatus.FAILED, 10, "late")]) == []
    assert tally.add([event(EventStatus.FAILED, 150, "new")]) != []
    tally.close(NOON + timedelta(hours=4))
    assert tally.statistics().minutes == []


def test_stretches_cover_the_whole_period_also_where_nothing_happened() -> None:
    tally = Tally()
    tally.add([SUBMITTED, STARTED, event(EventStatus.FAILED, 900, seq=3)])
    stretches = tally.statistics().grouped(timedelta(minutes=5), NOON - timedelta(minutes=7))
    begins = [NOON + timedelta(minutes=minutes) for minutes in (-10, -5, 0, 5, 10, 15)]
    assert [stretch.begins for stretch in stretches] == begins
    assert [sum(stretch.ended.values()) for stretch in stretches] == [0, 0, 0, 0, 0, 1]
    assert [stretch.waits for stretch in stretches] == [[], [], [30.0], [], [], []]


@pytest.mark.parametrize(
    ("values", "part", "found"),
    [
        ([], 0.5, None),
        ([7.0], 0.95, 7.0),
        ([1.0, 2.0, 3.0, 4.0], 0.5, 2.0),
        ([float(n) for n in range(1, 101)], 0.95, 95.0),
    ],
)
def test_the_share_of_values_is_by_nearest_rank(
    values: list[float], part: float, found: float | None
) -> None:
    assert quantile(values, part) == found


def test_a_minute_begins_at_its_first_second() -> None:
    assert whole_minute(NOON + timedelta(seconds=59, microseconds=999_999)) == NOON
