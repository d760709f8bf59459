"""The period of the proof, as addresses have it."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from dashboard.proof.period import Period, PeriodError, read_period, written

NOW = datetime(2026, 11, 29, 5, 30, tzinfo=UTC)
SINCE, UNTIL = "2026-11-27T13:50Z", "2026-11-28T14:38Z"


@pytest.mark.parametrize(
    ("name", "hours", "is_short"), [("24h", 24, True), ("7d", 168, False), ("30d", 720, False)]
)
def test_the_last_hours_end_now(name: str, hours: int, *, is_short: bool) -> None:
    period = read_period({"period": name})
    assert period.bounds(NOW) == (NOW - timedelta(hours=hours), NOW)
    assert period.is_short(NOW) is is_short


@pytest.mark.parametrize("query", [{}, {"period": ""}, {"period": "100y"}, {"period": "24h"}])
def test_without_a_period_it_is_the_last_day(query: dict[str, str]) -> None:
    assert read_period(query) == Period("24h")
    assert read_period(query).query == {}


def test_a_period_has_a_beginning_and_an_end_of_its_own() -> None:
    period = read_period({"period": "between", "since": SINCE, "until": UNTIL})
    assert period.bounds(NOW) == (
        datetime(2026, 11, 27, 13, 50, tzinfo=UTC),
        datetime(2026, 11, 28, 14, 38, tzinfo=UTC),
    )
    assert not period.is_short(NOW), "24 hours and 48 minutes"
    assert read_period({**period.query, "since": "2026-11-27T14:38Z"}).is_short(NOW)


def test_a_period_without_an_end_ends_now() -> None:
    assert read_period({"period": "between", "since": UNTIL}).bounds(NOW)[1] == NOW


def test_moments_are_read_with_any_offset_and_written_in_utc() -> None:
    east = timezone(timedelta(hours=2))
    period = read_period({"period": "between", "since": "2026-11-28T02:00:09+02:00", "until": UNTIL})
    assert period.since == datetime(2026, 11, 28, 2, 0, 9, tzinfo=east)
    assert period.query == {"period": "between", "since": "2026-11-28T00:00:09Z", "until": UNTIL}
    assert read_period({"period": "between", "since": "2026-11-28"}).since == datetime(
        2026, 11, 28, tzinfo=UTC
    )


@pytest.mark.parametrize(
    "query", [{}, {"period": "7d"}, {"period": "between", "since": SINCE, "until": UNTIL}]
)
def test_what_an_address_says_is_read_back(query: dict[str, str]) -> None:
    assert read_period(query).query == query


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"since": "yesterday"}, "The address has a time that cannot be read: since=yesterday."),
        ({"since": SINCE, "until": "<b>" * 100}, "until=" + ("<b>" * 100)[:40] + "…."),
        ({"since": "0001-01-01T00:00+14:00"}, "since=0001-01-01T00:00+14:00."),
        ({}, "The period has no beginning: choose one."),
        ({"until": UNTIL}, "The period has no beginning: choose one."),
        ({"since": UNTIL, "until": SINCE}, "The period ends before it begins: choose a later end."),
        ({"since": SINCE, "until": SINCE}, "The period ends before it begins: choose a later end."),
    ],
)
def test_what_is_no_period_is_said(query: dict[str, str], sentence: str) -> None:
    with pytest.raises(PeriodError) as raised:
        read_period({"period": "between", **query})
    assert str(raised.value).endswith(sentence)


def test_seconds_are_written_where_there_are_some() -> None:
    assert written(NOW) == "2026-11-29T05:30Z"
    assert written(NOW.replace(second=9, microsecond=5)) == "2026-11-29T05:30:09Z"
