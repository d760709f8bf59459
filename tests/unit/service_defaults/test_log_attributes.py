"""Attributes of log records are sent under names that Loki takes, under one each, and within its bounds."""

import pytest

from contracts.telemetry import attributes as at
from contracts.telemetry.spelling import label_of
from service_defaults.log_attributes import Value, bounded, cut

#: Of one record, in bytes: Loki's limit.
STRUCTURED_METADATA = 64 * 1024


def bytes_of(attributes: dict[str, str]) -> int:
    return sum(len(name.encode()) + len(str(value).encode()) for name, value in attributes.items())


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("job.id", "job_id"),
        ("job..id", "job_id"),
        ("1st", "key_1st"),
        ("_x", "_x"),
        ("größe", "gr_e"),
        ("名前", ""),
        ("__", ""),
        ("", ""),
    ],
)
def test_a_label_is_spelled_as_loki_spells_it(name: str, label: str) -> None:
    assert label_of(name) == label


def test_a_name_without_a_letter_or_digit_is_sent_with_its_value() -> None:
    assert bounded({"名前": "Ada", "…": "x", "ok": "y"}) == {
        "unnamed": "名前: Ada",
        "unnamed_2": "…: x",
        "ok": "y",
    }


def test_a_name_that_would_become_one_of_ours_gets_a_prefix() -> None:
    found = bounded({"job_id": "theirs", at.JOB_ID: "ours", "severity_text": "loud"})
    assert found == {at.JOB_ID: "ours", "handler.job_id": "theirs", "handler.severity_text": "loud"}


def test_two_names_that_would_become_one_stay_two() -> None:
    assert bounded({"a.b": 1, "a_b": 2, "a-b": 3}) == {"a.b": 1, "a_b_2": 2, "a-b_3": 3}


def test_attributes_within_the_bounds_are_sent_as_they_are() -> None:
    given: dict[str, Value] = {at.JOB_ID: "j", "count": 3, "share": 0.5, "is_late": True, "text": "ä" * 4096}
    assert bounded(given) == given


@pytest.mark.parametrize("letter", ["a", "€", "\ud800", "𝄞"])
def test_a_record_never_has_more_bytes_than_loki_takes(letter: str) -> None:
    given = {at.JOB_ID: "j", **{f"n{number}": letter * 4096 for number in range(59)}}
    found = bounded({**given, at.EXCEPTION_STACKTRACE: letter * 16_384})
    assert bytes_of({name: str(value) for name, value in found.items()}) <= STRUCTURED_METADATA * 0.8
    assert found[at.JOB_ID] == "j"
    assert str(found[at.EXCEPTION_STACKTRACE]).startswith("?" if letter == "\ud800" else letter)
    sent = [name for name in found if name.startswith("n")]
    assert found[at.ATTRIBUTES_DROPPED] == 59 - len(sent) > 0


def test_a_record_never_has_more_attributes_than_loki_takes() -> None:
    found = bounded({f"n{number}": number for number in range(500)})
    assert len(found) <= 128
    assert found[at.ATTRIBUTES_DROPPED] == 500 - (len(found) - 1)


@pytest.mark.parametrize(
    ("text", "most", "left"),
    [("abc", 3, "abc"), ("abcdef", 5, "ab…"), ("ääää", 7, "ää…"), ("ä" * 100, 200, "ä" * 100)],
)
def test_a_text_is_cut_between_characters(text: str, most: int, left: str) -> None:
    assert cut(text, most) == left
