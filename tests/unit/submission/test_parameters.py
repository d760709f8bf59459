"""Which parameters do not fit their kind, and what is said of them."""

from typing import Any

import pytest

from submission.kinds import Schema


def told(schema: dict[str, Any], parameters: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what is wrong with parameters, field by field."""
    return [
        (problem.field, problem.message) for problem in Schema.compiled(schema).wrong_parameters(parameters)
    ]


def test_of_many_wrong_parameters_twenty_are_named_in_order() -> None:
    names = [f"p{number:02d}" for number in range(21)]
    schema = {"properties": {name: {"type": "string"} for name in reversed(names)}}

    assert told(schema, dict.fromkeys(names[:20], 1)) == [
        (f"parameters.{name}", "1 is not of type 'string'") for name in names[:20]
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
        ([{"type": "integer", "minimum": 1}, {"type": "null"}], "a", "x", "'a' is not of type 'integer'"),
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
    assert told(schema, {"a": 1, "b": "x"}) == [("parameters.b", "'x' is not of type 'integer'")]


@pytest.mark.parametrize(
    "schema", [{"properties": {"x": {"multipleOf": 0.5}}}, {"properties": {"x": {"$ref": "#"}}, "$ref": "#"}]
)
def test_what_cannot_be_checked_is_refused(schema: dict[str, Any]) -> None:
    assert told(schema, {"x": 10**400}) == [("parameters", "a number is too large to be checked")]


@pytest.mark.parametrize(
    "schema", [{"type": 7}, {"$ref": "http://elsewhere.invalid/schema"}, {"$ref": "#/$defs/missing"}]
)
def test_a_schema_that_cannot_be_used_finds_nothing_wrong(schema: dict[str, Any]) -> None:
    assert Schema.compiled(schema).wrong_parameters({"x": 1}) == []
