"""Keys put the newest first, and a cursor is only what an earlier answer gave."""

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from azure_storage.read_models import keys
from read_models.cursors import CursorError, ForeignCursorError, read_cursor, write_cursor
from read_models.ordering import event_order, inverted_time

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOMENT = datetime(2026, 11, 21, 1, 47, 0, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def test_keys_are_pinned_as_stored_rows_are_found_by_them() -> None:
    assert keys.inverted_minute(EPOCH) == "9999999999"
    assert keys.inverted_minute(MOMENT) == "9970079572"
    assert inverted_time(EPOCH) == "9999999999999999"
    assert inverted_time(MOMENT) == "8204774379999999"
    assert event_order(MOMENT, 7, "a-job", 3) == ("8204774379999999|999999999999999992|a-job|999996")
    assert keys.fence_key(7) == "000000000000000007"
    assert keys.fence_key(10**18 - 1) == "9" * 18


def test_a_partition_is_a_minute_from_its_first_microsecond_to_its_last() -> None:
    minute = keys.inverted_minute(MOMENT)
    assert keys.inverted_minute(MOMENT + timedelta(minutes=1) - MICROSECOND) == minute
    assert keys.inverted_minute(MOMENT + timedelta(minutes=1)) < minute
    assert keys.inverted_minute(MOMENT - MICROSECOND) > minute


def test_keys_have_one_length_for_ever() -> None:
    for moment in (EPOCH, MOMENT, datetime(2280, 1, 1, tzinfo=UTC)):
        assert len(keys.inverted_minute(moment)) == 10
        assert len(inverted_time(moment)) == 16
    assert len(event_order(MOMENT, 10**18 - 1, "", 999_999)) == 16 + 1 + 18 + 2 + 6


def test_a_time_of_another_zone_is_the_same_moment() -> None:
    elsewhere = MOMENT.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert keys.inverted_minute(elsewhere) == keys.inverted_minute(MOMENT)
    assert inverted_time(elsewhere) == inverted_time(MOMENT)


@pytest.mark.parametrize(
    ("newer", "older"),
    [
        # By time, however small the difference, before all else.
        ((MOMENT + MICROSECOND, 1, "a", 1), (MOMENT, 9, "z", 9)),
        ((MOMENT + timedelta(days=1), 1, "a", 1), (MOMENT + timedelta(hours=23, seconds=59), 9, "z", 9)),
        # At one time by fence, before the number; an event without a fence is the oldest.
        ((MOMENT, 10, "z", 1), (MOMENT, 9, "a", 9)),
        ((MOMENT, 1, "z", 1), (MOMENT, None, "a", 9)),
        # By number in one job, as a number.
        ((MOMENT, 1, "a", 10), (MOMENT, 1, "a", 9)),
    ],
)
def test_a_newer_event_sorts_first(
    newer: tuple[datetime, int | None, str, int], older: tuple[datetime, int | None, str, int]
) -> None:
    assert event_order(*newer) < event_order(*older)


def test_fences_sort_as_numbers() -> None:
    assert sorted(map(keys.fence_key, (10, 9, 0, 10**17, 100))) == list(
        map(keys.fence_key, (0, 9, 10, 100, 10**17))
    )


@pytest.mark.parametrize("name", ["host-1", "it's", "Über|7", ""])
def test_a_name_that_may_be_a_key_is_one(name: str) -> None:
    assert keys.name_key(name) == name


@pytest.mark.parametrize("sign", list("/\\#?%"))
def test_a_name_that_may_not_be_a_key_gets_one_of_its_own(sign: str) -> None:
    key = keys.name_key(f"a{sign}b{sign}")
    assert key.startswith("a_b_-")
    assert not set("/\\#?%") & set(key)
    others = {keys.name_key(f"a{other}b{other}") for other in "/\\#?%_"}
    assert len(others) == 6


def test_the_key_of_a_name_is_pinned_as_stored_rows_are_found_by_it() -> None:
    assert keys.name_key("host/1") == "host_1-" + hashlib.sha256(b"host/1").hexdigest()[:8]


@pytest.mark.parametrize(
    "parts",
    [
        ("8204774379999999|018f6c3e-7b1a-7c4e-9d3a-0123456789ab",),
        ("9970079572", "8204774379999999|999999999999999992|018f6c3e-7b1a-7c4e-9d3a-0123456789ab|999996"),
        ("7",),
        ("ledger-2026-k-ln-0123456789abcdef",),
        ("id|a_b", "z" * 300),
        *(("a" * length,) for length in range(1, 9)),
    ],
)
def test_a_cursor_that_was_given_is_read_again(parts: tuple[str, ...]) -> None:
    cursor = write_cursor("0123456789ab", *parts)
    assert cursor.isascii()
    assert not set("=+/&?#% ") & set(cursor)
    assert read_cursor("0123456789ab", cursor, len(parts)) == list(parts)


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "value",
    [
        [],
        ["a"],
        ["a", "b", "c"],
        "ab",
        {"a": 1, "b": 2},
        ["a", 1],
        ["a", None],
        ["a", ""],
        ["a", "b" * 301],
        ["a", "it's"],
        ["a", "B"],
        ["a", "b\n"],
        ["a", "b c"],
        None,
        7,
    ],
)
def test_a_cursor_that_says_something_else_is_refused(value: object) -> None:
    with pytest.raises(CursorError, match="not one that an earlier answer gave"):
        read_cursor("a", encoded(value), 1)


@pytest.mark.parametrize("cursor", [["b", "c"], ["b"], ["aa", "c"], ["c", "a"], ["9970079572", "8204"]])
def test_a_cursor_of_another_list_is_told_from_one_that_no_answer_gave(cursor: list[str]) -> None:
    with pytest.raises(ForeignCursorError):
        read_cursor("a", encoded(cursor), 1)


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "\u2603",
        "W10",
        "WyJh",
        "/" * 8,
        encoded(["a", "b"]) + "!",
        encoded(["a", "b"]) + "A",
        encoded(["a", "b"])[:-4] + "!!!!" + encoded(["a", "b"])[-4:],
    ],
)
def test_a_cursor_that_says_nothing_is_refused(cursor: str) -> None:
    with pytest.raises(CursorError):
        read_cursor("a", cursor, 1)


def test_a_cursor_is_read_up_to_a_length_that_no_answer_has() -> None:
    blank = base64.urlsafe_b64encode(json.dumps(["a", "b"]).encode().ljust(1500)).decode()
    assert len(blank) == 2000
    assert read_cursor("a", blank, 1) == ["b"]
    too_long = base64.urlsafe_b64encode(json.dumps(["a", "b"]).encode().ljust(1501)).decode().rstrip("=")
    assert len(too_long) == 2002
    with pytest.raises(CursorError):
        read_cursor("a", too_long, 1)
