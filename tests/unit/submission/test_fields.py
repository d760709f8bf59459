"""How wrong fields are named, and how much of the input is repeated."""

import pytest

from submission import FieldProblem, InvalidSubmissionError
from submission.fields import field_path, field_problems, shorten


def test_the_detail_names_the_first_three_fields_and_the_errors_name_all() -> None:
    problems = [FieldProblem(field=name, message="no") for name in "abcd"]
    error = InvalidSubmissionError(problems, ["k"])

    assert (str(error), error.fields, error.known_kinds) == ("a: no; b: no; c: no", problems, ["k"])


@pytest.mark.parametrize(
    ("location", "path"),
    [
        (("parameters", "items", 2, "name"), "parameters.items[2].name"),
        (("parameters", 0, 1), "parameters[0][1]"),
        ((0, "a"), "[0].a"),
        (("a",), "a"),
        (("", "a"), "a"),
        ((), ""),
        (("x" * 301,), "x" * 299 + "…"),
    ],
)
def test_the_path_of_a_field_is_written_as_people_do(location: tuple[int | str, ...], path: str) -> None:
    assert field_path(location) == path


def test_what_is_skipped_of_a_place_is_not_named_and_nothing_left_is_the_body() -> None:
    errors = [
        {"type": "value_error", "loc": ("query", "limit"), "msg": "Value error, too small"},
        {"loc": ("body",), "msg": "Field required: Value error, as said"},
        {"loc": ("body", "properties", "a:b", "[key]"), "msg": "no colon"},
    ]
    told = [(problem.field, problem.message) for problem in field_problems(errors, skip=1)]
    assert told == [
        ("limit", "too small"),
        ("body", "Field required: Value error, as said"),
        ("properties.a:b", "no colon"),
    ]
    assert field_problems(errors)[0].field == "query.limit"


def test_three_hundred_characters_are_repeated_and_of_more_only_the_first() -> None:
    assert shorten("x" * 300) == "x" * 300
    assert shorten("x" * 301) == "x" * 299 + "…"
