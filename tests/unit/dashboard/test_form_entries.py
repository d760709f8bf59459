"""What is entered into a form, as parameters, and back."""

from datetime import date
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as some
from tests.unit.dashboard.test_form_schema import Order

from dashboard.forms.entries import default_entries, entries_of, field_errors, parameters_of
from dashboard.forms.schema import fields_of

SCHEMA = Order.model_json_schema()
FIELDS = fields_of(SCHEMA)
PLACE = {"path": "a.csv", "to": {"street": "High"}}


def made(**entered: Any) -> dict[str, Any]:
    """Return the parameters of a form whose required fields are filled."""
    entries = default_entries(FIELDS) | {("path",): "a.csv", ("to", "street"): "High"}
    found = parameters_of(FIELDS, entries | {tuple(k.split("__")): v for k, v in entered.items()})
    assert found.errors == {}
    return found.values


def wrong(**entered: Any) -> dict[str, str]:
    entries = default_entries(FIELDS) | {("path",): "a.csv", ("to", "street"): "High"}
    found = parameters_of(FIELDS, entries | {tuple(k.split("__")): v for k, v in entered.items()})
    return {".".join(path): message for path, message in found.errors.items()}


def test_defaults_are_sent_as_they_are_shown_and_what_is_empty_is_left_out() -> None:
    values = made()
    assert values == PLACE | {
        "steps": 10,
        "seconds": 0.5,
        "dry": False,
        "size": "large",
        "lines": [],
        "labels": {},
        "either": 1,
    }
    jsonschema.validate(values, SCHEMA)
    Order.model_validate(values)
    assert "steps" not in made(steps=" ")


def test_each_entry_becomes_a_value_of_its_type() -> None:
    values = made(
        steps=" 7 ",
        seconds="1e-3",
        dry=True,
        size=0,
        mode=1,
        due=date(2026, 11, 29),
        at="2026-11-29T14:00:00Z",
        to__number="12",
        back__street="Low",
        lines='[{"street": "x"}]',
        labels='{"a": "👻"}',
        either='"text"',
        anything="null",
    )
    assert values == {
        "path": "a.csv",
        "steps": 7,
        "seconds": 0.001,
        "dry": True,
        "size": "small",
        "mode": "safe",
        "due": "2026-11-29",
        "at": "2026-11-29T14:00:00Z",
        "to": {"street": "High", "number": 12},
        "back": {"street": "Low"},
        "lines": [{"street": "x"}],
        "labels": {"a": "👻"},
        "either": "text",
        "anything": None,
    }
    jsonschema.validate(values, SCHEMA)


@pytest.mark.parametrize(
    ("text", "number"), [("5.0", 5), ("1e3", 1000), ("-0", 0), ("+4", 4), ("9" * 40, int("9" * 40))]
)
def test_a_whole_number_may_be_written_as_json_writes_it(text: str, number: int) -> None:
    value = made(steps=text)["steps"]
    assert (value, type(value)) == (number, int)


@pytest.mark.parametrize("text", ["1.5", "many", "1,5", "1_000", "1e999", "NaN", "0x1", "٣", "9" * 400])
def test_what_is_no_whole_number_is_said(text: str) -> None:
    assert set(wrong(steps=text)) == {"steps"}


@pytest.mark.parametrize("text", ["inf", "nan", "1e999", "1,5", "--1", "."])
def test_what_is_no_number_is_said(text: str) -> None:
    assert wrong(seconds=text) == {"seconds": "is not a number"}


def test_json_that_is_wrong_says_where() -> None:
    assert wrong(lines="[1,") == {"lines": "the text is not JSON: Expecting value at line 1, column 4"}
    assert "twice" in wrong(labels='{"a":1,"a":2}')["labels"]
    assert "NaN" in wrong(either="NaN")["either"]
    assert wrong(anything='"\\ud800"').keys() == {"anything"}


def test_a_moment_that_is_none_is_said() -> None:
    assert wrong(at="tomorrow").keys() == {"at"}


def test_required_fields_that_are_empty_are_named() -> None:
    assert wrong(path="  ", to__street="") == {"path": "is required", "to.street": "is required"}


def test_an_optional_object_is_sent_once_something_is_in_it_and_then_needs_all_of_it() -> None:
    assert "back" not in made()
    assert wrong(back__number="3") == {"back.street": "is required"}


def test_the_parameters_of_an_earlier_job_fill_the_form() -> None:
    earlier: dict[str, Any] = PLACE | {
        "steps": 3,
        "size": "small",
        "due": "2026-01-01",
        "lines": [{"street": "x"}],
        "dry": True,
    }
    entries = entries_of(FIELDS, earlier)
    assert entries is not None
    assert parameters_of(FIELDS, entries).values == earlier


@pytest.mark.parametrize(
    "earlier",
    [
        PLACE | {"gone": 1},
        PLACE | {"steps": "many"},
        PLACE | {"steps": True},
        PLACE | {"dry": 1},
        PLACE | {"size": "huge"},
        PLACE | {"back": None},
        PLACE | {"path": ""},
        {"to": {"street": "x"}},
        {"path": "x", "to": "y"},
        {"path": "x", "to": {"street": "x", "gone": 2}},
    ],
)
def test_parameters_that_the_form_cannot_show_as_they_are_are_not_shown_in_it(
    earlier: dict[str, Any],
) -> None:
    assert entries_of(FIELDS, earlier) is None


json_values = some.recursive(
    some.none()
    | some.booleans()
    | some.integers()
    | some.floats(allow_nan=False, allow_infinity=False)
    | some.text(max_size=5),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(some.dictionaries(some.sampled_from([field.name for field in FIELDS]), json_values))
def test_whatever_was_sent_before_is_shown_as_it_is_or_not_at_all(earlier: dict[str, Any]) -> None:
    entries = entries_of(FIELDS, earlier)
    if entries is not None:
        assert parameters_of(FIELDS, entries).values == earlier


def test_errors_of_the_publisher_go_to_their_fields() -> None:
    at_fields, others = field_errors(
        FIELDS,
        [
            ("parameters.steps", "must be at least 1"),
            ("parameters.lines[2].street", "is required"),
            ("parameters.lines", "too many"),
            ("parameters.to.number", "no"),
            ("parameters.stepson", "unknown"),
            ("lock", "too long"),
        ],
    )
    assert at_fields == {
        ("steps",): "must be at least 1",
        ("lines",): "[2].street: is required; too many",
        ("to", "number"): "no",
    }
    assert others == [("parameters.stepson", "unknown"), ("lock", "too long")]
