"""When schedules are due, above all where clocks are changed."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedules.times import Cron, Interval, Timing, TimingError, cron, explained, zone_of

BERLIN, NEW_YORK, LORD_HOWE = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"


def at(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def local(expression: str, zone: str, since: str, count: int) -> list[str]:
    """Return the first due times behind a moment, as a clock in the zone shows them."""
    start = at(since)
    timing = Timing(cron(expression, zone))
    found = timing.following(start, count)
    assert list(timing.back_from(found[-1], start)) == found[::-1]
    return [each.astimezone(ZoneInfo(zone)).strftime("%d %H:%M:%S %z").replace(":00 ", " ") for each in found]


@pytest.mark.parametrize(
    ("expression", "zone", "since", "expected"),
    [
        pytest.param(
            "30 2 * * *", BERLIN, "2026-03-28T00:00",
            ["28 02:30 +0100", "29 03:00 +0200", "30 02:30 +0200"],
            id="a time that is skipped in spring counts behind the gap",
        ),
        pytest.param(
            "0 30 2 * * *", BERLIN, "2026-03-28T00:00",
            ["28 02:30 +0100", "29 03:00 +0200", "30 02:30 +0200"],
            id="and so with seconds",
        ),
        pytest.param(
            "0,30 2,3 * * *", BERLIN, "2026-03-28T12:00",
            ["29 03:00 +0200", "29 03:30 +0200", "30 02:00 +0200"],
            id="times that fall together are one",
        ),
        pytest.param(
            "*/20 30 2 * * *", BERLIN, "2026-03-28T12:00",
            ["29 03:00 +0200", "30 02:30 +0200", "30 02:30:20 +0200"],
            id="seconds within the gap are one",
        ),
        pytest.param(
            "30 2 * * *", BERLIN, "2026-10-24T12:00",
            ["25 02:30 +0200", "26 02:30 +0100"],
            id="a time that comes twice in autumn counts once",
        ),
        pytest.param(
            "0 30 2 * * *", BERLIN, "2026-10-24T12:00",
            ["25 02:30 +0200", "26 02:30 +0100"],
            id="and so with seconds, in autumn",
        ),
        pytest.param(
            "30 2 * * *", BERLIN, "2026-10-25T02:15+01:00",
            ["26 02:30 +0100"],
            id="also when the search begins between the two",
        ),
        pytest.param(
            "*/30 * * * *", BERLIN, "2026-03-29T00:00",
            ["29 01:30 +0100", "29 03:00 +0200", "29 03:30 +0200"],
            id="every half an hour goes by real time in spring",
        ),
        pytest.param(
            "*/30 * * * *", BERLIN, "2026-10-25T00:00",
            ["25 02:30 +0200", "25 02:00 +0100", "25 02:30 +0100", "25 03:00 +0100"],
            id="every half an hour goes by real time in autumn",
        ),
        pytest.param(
            "0 0 */2 * * *", BERLIN, "2026-10-24T21:30",
            ["25 00:00 +0200", "25 02:00 +0200", "25 02:00 +0100", "25 04:00 +0100"],
            id="every second hour goes by real time",
        ),
        pytest.param(
            "0 2 * * *", NEW_YORK, "2026-03-07T12:00",
            ["08 03:00 -0400", "09 02:00 -0400"],
            id="spring in New York",
        ),
        pytest.param(
            "30 1 * * *", NEW_YORK, "2026-10-31T12:00",
            ["01 01:30 -0400", "02 01:30 -0500"],
            id="autumn in New York",
        ),
        pytest.param(
            "15 2 * * *", LORD_HOWE, "2026-10-03T00:00",
            ["04 02:30 +1100", "05 02:15 +1100"],
            id="half an hour is skipped on Lord Howe Island",
        ),
        pytest.param(
            "45 1 * * *", LORD_HOWE, "2026-04-04T00:00",
            ["05 01:45 +1100", "06 01:45 +1030"],
            id="half an hour comes twice on Lord Howe Island",
        ),
        pytest.param(
            "0 */2 * * *", LORD_HOWE, "2026-04-04T12:00",
            ["05 00:00 +1100", "05 02:00 +1030", "05 04:00 +1030"],
            id="whole hours go on behind the half one",
        ),
        pytest.param(
            "*/10 * * * *", LORD_HOWE, "2026-04-04T14:35",
            ["05 01:40 +1100", "05 01:50 +1100", "05 01:30 +1030", "05 01:40 +1030"],
            id="ten minutes are ten minutes when half an hour comes twice",
        ),
        pytest.param(
            "0 12 * * *", "Pacific/Apia", "2011-12-29T00:00",
            ["29 12:00 -1000", "31 00:00 +1400", "31 12:00 +1400"],
            id="a whole day is skipped in Samoa",
        ),
        pytest.param(
            "0 0 31 * *", "UTC", "2026-01-01T00:00",
            ["31 00:00 +0000"] * 4,
            id="months without a 31st are left out",
        ),
        pytest.param(
            "0 0 L * *", "UTC", "2028-01-31T12:00",
            ["29 00:00 +0000", "31 00:00 +0000", "30 00:00 +0000"],
            id="the last day of the month",
        ),
    ],
)  # fmt: skip
def test_due_times(expression: str, zone: str, since: str, expected: list[str]) -> None:
    assert local(expression, zone, since, len(expected)) == expected


def test_leap_days() -> None:
    found = Timing(cron("0 0 29 2 *", "UTC")).following(at("2026-01-01"), 3)
    assert [each.year for each in found] == [2028, 2032, 2036]


def test_a_cron_expression_without_days_has_no_due_time() -> None:
    with pytest.raises(TimingError, match="bad day-of-month") as refused:
        cron("0 0 30 2 *", "UTC")
    assert refused.value.field == "cron"


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "* * * *",
        "* * * * * * *",
        "60 * * * *",
        "a b c d e",
        "@often",
        "*/0 * * * *",
        "1" * 90,
        "5L/2 * * * *",
    ],
)
def test_what_is_no_cron_expression_is_refused_with_a_remedy(expression: str) -> None:
    with pytest.raises(TimingError, match="write 5 fields") as refused:
        cron(expression, "UTC")
    assert refused.value.field == "cron"


@pytest.mark.parametrize(
    "name", ["", "Berlin", "Europe/Atlantis", "../../etc/passwd", "/etc/passwd", "\0", "Ü", "Europe"]
)
def test_what_is_no_zone_is_refused(name: str) -> None:
    with pytest.raises(TimingError, match="is not an IANA time zone") as refused:
        zone_of(name)
    assert refused.value.field == "zone"


@pytest.mark.parametrize(
    ("expression", "words"),
    [("30 2 * * 1-5", "At 02:30 on Monday through Friday"), ("@daily", "At 00:00 every day")],
)
def test_words(expression: str, words: str) -> None:
    assert explained(expression) == words


def test_an_interval_counts_from_its_anchor_which_is_due_itself() -> None:
    timing = Timing(Interval(90, at("2026-01-01T12:00")), at("2026-01-01T12:00"))
    found = timing.following(at("2025-06-01"), 3)
    assert found == [at("2026-01-01T12:00"), at("2026-01-01T12:01:30"), at("2026-01-01T12:03")]
    assert timing.after(at("2026-01-01T12:01:29.999999")) == found[1]
    assert list(timing.back_from(found[-1], found[0])) == [found[2], found[1]]
    assert Interval(90, found[0]).before(found[0]) is None


def test_an_interval_goes_on_by_real_time_where_clocks_are_changed() -> None:
    timing = Timing(Interval(3600, at("2026-03-29T00:30")))
    assert timing.following(at("2026-03-29T00:30"), 2) == [at("2026-03-29T01:30"), at("2026-03-29T02:30")]


def test_start_and_end_are_due_themselves() -> None:
    timing = Timing(cron("0 * * * *", "UTC"), at("2026-01-01T10:00"), at("2026-01-01T12:00"))
    assert timing.following(at("2020-01-01"), 9) == [at(f"2026-01-01T{hour}:00") for hour in (10, 11, 12)]
    assert timing.after(at("2026-01-01T12:00")) is None
    assert list(timing.back_from(at("2030-01-01"), at("2020-01-01"))) == [
        at(f"2026-01-01T{hour}:00") for hour in (12, 11, 10)
    ]


@pytest.mark.parametrize("pattern", [Interval(366 * 86_400, at("2199-06-01")), Cron("0 0 1 1 *", BERLIN)])
def test_no_due_time_leaves_the_calendar(pattern: Cron | Interval) -> None:
    assert Timing(pattern).after(at("2199-12-31T23:59:59")) is None
    assert Timing(pattern).after(at("9999-12-31T23:59:59")) is None


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(
        ["*/7 * * * *", "0 */3 * * *", "15,45 1-3 * * *", "0 2 * * *", "10 */20 2 * * *", "30 1 */2 * *"]
    ),
    st.sampled_from([BERLIN, NEW_YORK, LORD_HOWE, "America/Sao_Paulo", "Africa/Cairo", "Asia/Kathmandu"]),
    st.integers(int(at("2010-01-01").timestamp()), int(at("2030-01-01").timestamp())).map(
        lambda seconds: datetime.fromtimestamp(seconds, UTC)
    ),
)
def test_due_times_rise_and_are_found_from_both_sides(expression: str, zone: str, moment: datetime) -> None:
    timing = Timing(cron(expression, zone))
    found = timing.following(moment, 12)
    assert found == sorted(set(found))
    assert found[0] > moment
    assert list(timing.back_from(found[-1], moment)) == found[::-1]
    # No matter from where it is looked, the next one is the same.
    between = moment + (found[0] - moment) / 2
    assert timing.after(between) == found[0]
