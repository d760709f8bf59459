"""Which parameters do not fit their kind, and what is said of them."""

import json
import re
import time
from datetime import date, datetime, timedelta
from datetime import time as time_of_day
from ipaddress import IPv4Address, IPv4Network, IPv6Address
from typing import Any
from uuid import UUID

import pytest
from pydantic import UUID4, AnyUrl, BaseModel, ValidationError, create_model

from submission.schemas import Schema


def told(schema: dict[str, Any], parameters: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what is wrong with parameters, field by field."""
    return [
        (problem.field, problem.message) for problem in Schema.compiled(schema).wrong_parameters(parameters)
    ]


def test_of_many_wrong_parameters_twenty_are_named_in_order() -> None:
    names = [f"p{number:02d}" for number in range(21)]
    schema = {"properties": {name: {"type": "string"} for name in reversed(names)}}

    assert told(schema, dict.fromkeys(names[:20], 1)) == [
        (f"parameters.{name}", '1 is not of type "string"') for name in names[:20]
    ]
    assert [field for field, _ in told(schema, dict.fromkeys(names, 1))] == [
        f"parameters.{name}" for name in names[:20]
    ]


def test_every_missing_and_every_unknown_parameter_is_named_once() -> None:
    schema = {
        "properties": {"a": {}, "b": {}, "c": {}},
        "required": ["c", "b"],
        "additionalProperties": False,
    }

    assert told(schema, {"b": 1, "z": 1, "y": 1}) == [
        ("parameters.c", "is required"),
        ("parameters.y", "is not a parameter of this kind; known: a, b, c"),
        ("parameters.z", "is not a parameter of this kind; known: a, b, c"),
    ]
    # The same fault, found twice, is told of once.
    assert told({"required": ["a"], "allOf": [{"required": ["a"]}]}, {}) == [("parameters.a", "is required")]


@pytest.mark.parametrize(
    ("alternatives", "given", "field", "message"),
    [
        ([{"type": "null"}, {"type": "integer", "minimum": 1}], 0, "x", "0 is less than the minimum of 1"),
        ([{"type": "integer", "minimum": 1}, {"type": "null"}], "a", "x", '"a" is not of type "integer"'),
        ([{"type": "null"}, {"type": "object", "required": ["size"]}], {}, "x.size", "is required"),
        (
            [{"type": "null"}, {"anyOf": [{"type": "string"}, {"properties": {"size": {"minimum": 1}}}]}],
            {"size": 0},
            "x.size",
            "0 is less than the minimum of 1",
        ),
    ],
)
def test_of_alternatives_the_closest_one_says_what_is_wrong(
    alternatives: list[dict[str, Any]], given: Any, field: str, message: str
) -> None:
    schema = {"properties": {"x": {"anyOf": alternatives}}}
    assert told(schema, {"x": given}) == [(f"parameters.{field}", message)]


def test_a_parameter_that_may_be_called_anything_must_still_fit() -> None:
    schema = {"additionalProperties": {"type": "integer"}}
    assert told(schema, {"a": 1, "b": "x"}) == [("parameters.b", '"x" is not of type "integer"')]


def test_a_number_of_any_size_can_be_checked() -> None:
    schema = {"properties": {"x": {"multipleOf": 0.5, "maximum": 10**400}}}
    assert told(schema, {"x": 10**400}) == []
    ((field, _),) = told(schema, {"x": 10**400 + 1})
    assert field == "parameters.x"


@pytest.mark.parametrize(
    "schema",
    [
        {"type": 7},
        {"$ref": "http://elsewhere.invalid/schema"},
        {"$ref": "#/$defs/missing"},
        {"$ref": "#"},
        {"properties": {"x": {"pattern": "("}}},
        {"properties": {"x": {"pattern": "(((a{500}){500}){500})"}}},
    ],
)
def test_a_schema_that_cannot_be_used_finds_nothing_wrong(schema: dict[str, Any]) -> None:
    assert Schema.compiled(schema).wrong_parameters({"x": "a"}) == []


@pytest.mark.parametrize(
    "pattern", [r"^([a-zA-Z0-9]+\.?)+@[a-z]+\.[a-z]+$", r"^(a+)+$", r"^(a|a)+$", r"^(.*a){20}$"]
)
def test_a_pattern_costs_no_more_than_its_text_is_long(pattern: str) -> None:
    schema = Schema.compiled({"properties": {"x": {"pattern": pattern}}})
    before = time.process_time()
    ((field, message),) = [
        (problem.field, problem.message) for problem in schema.wrong_parameters({"x": "a" * 20_000 + "!"})
    ]
    # An engine that goes back would need longer than the universe.
    assert time.process_time() - before < 2
    assert (field, len(message)) == ("parameters.x", 300)


def test_a_pattern_for_an_engine_that_goes_back_is_given_up_and_left_to_the_worker() -> None:
    schema = Schema.compiled({"properties": {"x": {"pattern": r"^(?!b)(a|a)+\1$"}}})
    assert [problem.field for problem in schema.wrong_parameters({"x": "ba"})] == ["parameters.x"]
    before = time.process_time()
    assert schema.wrong_parameters({"x": "a" * 60 + "!"}) == []
    assert time.process_time() - before < 2


def test_a_model_with_many_fields_is_checked_as_fast_as_one_with_few() -> None:
    wide = create_model("Wide", **{f"field_{n}": (int | None, None) for n in range(200)})  # type: ignore[call-overload]
    schema = Schema.compiled(wide.model_json_schema())
    before = time.process_time()
    for _ in range(100):
        assert schema.wrong_parameters({"field_1": 1}) == []
    assert time.process_time() - before < 0.5


class Formats(BaseModel):
    """One field of each type that a schema describes by a format."""

    when: datetime | None = None
    day: date | None = None
    hour: time_of_day | None = None
    pause: timedelta | None = None
    id: UUID | None = None
    id4: UUID4 | None = None
    host: IPv4Address | None = None
    host6: IPv6Address | None = None
    net: IPv4Network | None = None
    page: AnyUrl | None = None
    pattern: re.Pattern[str] | None = None


ONE_ID = "018f6c3e-7b1a-4c4e-9d3a-0123456789ab"


@pytest.mark.parametrize(
    ("field", "accepted", "refused"),
    [
        ("when", ["2026-11-29T20:00:00Z", "2026-11-29 20:00", "2026-11-29", "1796000000"], ["tomorrow", ""]),
        ("day", ["2026-11-29"], ["2026-02-30"]),
        ("hour", ["20:00", "20:00:00.5+01:00"], ["25:00"]),
        ("pause", ["PT1H", "01:30:00", "-P1D"], ["an hour"]),
        ("id", [ONE_ID, ONE_ID.upper(), f"{{{ONE_ID}}}"], ["4711"]),
        ("id4", [ONE_ID], ["4711"]),
        ("host", ["127.0.0.1"], ["127.0.0.256", "::1"]),
        ("host6", ["::1"], ["127.0.0.1"]),
        ("net", ["10.0.0.0/8"], ["10.0.0.0/33"]),
        ("page", ["https://a.example/b", "s3://bucket"], ["a.example", "/b"]),
        ("pattern", ["a+(?=b)"], ["("]),
    ],
)
def test_a_format_fits_what_the_model_reads(field: str, accepted: list[str], refused: list[str]) -> None:
    schema = Schema.compiled(Formats.model_json_schema())
    for text in accepted:
        Formats.model_validate_json(json.dumps({field: text}))
        assert schema.wrong_parameters({field: text}) == []
    for text in refused:
        with pytest.raises(ValidationError):
            Formats.model_validate_json(json.dumps({field: text}))
        assert [problem.field for problem in schema.wrong_parameters({field: text})] == [
            f"parameters.{field}"
        ]
