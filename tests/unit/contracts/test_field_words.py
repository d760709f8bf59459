"""What pydantic finds wrong with a request is said in words: what is wrong, and what to write."""

import re
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from contracts.actions import Cancellation, Finalization, LimitChange, Retry, WorkerOrder
from contracts.field_words import SECONDS, in_words
from contracts.jobs import NAME_IN_WORDS, Batch, Submission
from contracts.messages import RunJob, SubmitJob
from contracts.schedules import ScheduleReason, ScheduleRequest, ScheduleRun

REQUESTS: list[type[BaseModel]] = [
    *(Batch, Cancellation, Finalization, LimitChange, Retry, RunJob, ScheduleReason),
    *(ScheduleRequest, ScheduleRun, SubmitJob, Submission, WorkerOrder),
]
WRONG: list[Any] = [None, True, 7, -1, 1.5, 1e99, "", "x" * 5000, "é ", "2026-13-01", [], [1], {}, {"a": []}]

#: How pydantic says it.
RAW = re.compile(
    r"\b(Input|String|List|Dictionary|Field|Extra|Value|Assertion|Datetime)\b|valid |instance of|\^|\$$"
)


def complaints(model: type[BaseModel], document: Any) -> dict[str, str]:
    try:
        model.model_validate(document, strict=True)
    except ValidationError as error:
        return {".".join(map(str, one["loc"])): in_words(one, model) for one in error.errors()}
    return {}


def wrong_documents(model: type[BaseModel]) -> Iterator[Any]:
    """Yield documents with each field wrong in each way, also those of the objects within."""
    yield from (one for one in WRONG if not isinstance(one, dict))
    yield {}
    yield {"wish": 1}
    for name, field in model.model_fields.items():
        for value in WRONG:
            yield {name: value}
        kinds = [field.annotation, *get_args(field.annotation)]
        for within in (one for one in kinds if isinstance(one, type) and issubclass(one, BaseModel)):
            yield from ({name: document} for document in wrong_documents(within))


@pytest.mark.parametrize("model", REQUESTS)
def test_no_word_of_pydantic_reaches_a_caller(model: type[BaseModel]) -> None:
    found = {
        message for document in wrong_documents(model) for message in complaints(model, document).values()
    }
    assert len(found) > 2
    assert [message for message in found if RAW.search(message)] == []


@pytest.mark.parametrize(
    ("model", "document", "place", "message"),
    [
        (Retry, [], "", "must be a JSON object, not a list; known fields: reason, fresh, parameters, job_id"),
        (
            Retry,
            {"fresch": True},
            "fresch",
            "is not a known field; known fields: reason, fresh, parameters, job_id",
        ),
        (Retry, {"fresh": "yes"}, "fresh", "must be true or false, not a text"),
        (Retry, {"parameters": None}, "parameters", "must be a JSON object, not null"),
        (Submission, {}, "kind", "is required"),
        (
            Submission,
            {"kind": "Ten Steps"},
            "kind",
            f"must be {NAME_IN_WORDS}",
        ),
        (Submission, {"kind": "k", "priority": 10}, "priority", "must be at most 9"),
        (Submission, {"kind": "k", "priority": "1"}, "priority", "must be a whole number, not a text"),
        (
            Submission,
            {"kind": "k", "priority": 1.5},
            "priority",
            "must be a whole number, without a fraction",
        ),
        (
            Submission,
            {"kind": "k", "name": "x" * 201},
            "name",
            "must have at most 200 characters, and has 201",
        ),
        (Submission, {"kind": "k", "expires_in": 0}, "expires_in", "must be more than 0 seconds"),
        (
            Submission,
            {"kind": "k", "expires_in": 1e9},
            "expires_in",
            "must be at most 31,622,400 seconds (366 days)",
        ),
        (Submission, {"kind": "k", "timeout": "5"}, "timeout", "must be a number of seconds, not a text"),
        (
            Submission,
            {"kind": "k", "on_conflict": "wait"},
            "on_conflict",
            "must be 'queue', 'reject', 'skip', 'replace-waiting' or 'cancel-running'",
        ),
        (
            Submission,
            {"kind": "k", "idempotency_key": "a b"},
            "idempotency_key",
            "must be 1 to 200 visible ASCII characters: letters, digits and signs, no blanks",
        ),
        (Batch, {"jobs": []}, "jobs", "must not be empty"),
        (Batch, {"jobs": {}}, "jobs", "must be a list, not an object"),
        (
            ScheduleRequest,
            {"cron": "@daily", "job": {"kind": "k", "interval": 1}},
            "job.interval",
            "is not a known field; known fields: kind, lock, parameters, name, description",
        ),
        (
            ScheduleRequest,
            {"misfire_after": 5, "job": {"kind": "k"}},
            "misfire_after",
            "must be at least 30 seconds",
        ),
        (
            ScheduleRequest,
            {"start": "2026-12-24T18:00:00", "job": {"kind": "k"}},
            "start",
            "must be a time with an offset, such as 2026-12-24T18:00:00+01:00, not a text",
        ),
        (SubmitJob, {"job": 7}, "job", "must be a JSON object, not a number; known fields: kind, lock, "),
    ],
)
def test_it_says_what_is_wrong_and_what_to_write(
    model: type[BaseModel], document: Any, place: str, message: str
) -> None:
    assert complaints(model, document)[place].startswith(message)


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        (int, "abc", "must be a whole number, not 'abc'"),
        (int, "x" * 99, f"must be a whole number, not '{'x' * 39}…'"),
        (bool, "maybe", "must be true or false, not 'maybe'"),
        (float, "much", "must be a number, not 'much'"),
    ],
)
def test_of_a_parameter_of_an_address_the_value_is_repeated(kind: Any, value: str, message: str) -> None:
    with pytest.raises(ValidationError) as wrong:
        TypeAdapter(kind).validate_python(value)
    assert in_words(wrong.value.errors()[0]) == message


def test_the_unit_of_a_parameter_of_an_address_is_named() -> None:
    error: dict[str, Any] = {"type": "int_parsing", "loc": ("query", "wait"), "input": "abc", "msg": ""}
    assert in_words(error) == "must be a whole number of seconds, not 'abc'"
    error = {"type": "less_than_equal", "loc": ("query", "wait"), "input": "99", "ctx": {"le": 50}, "msg": ""}
    assert in_words(error) == "must be at most 50 seconds"


def numbers(model: type[BaseModel]) -> Iterator[str]:
    """Yield the names of the fields that may be any number: all of them are seconds."""
    for name, field in model.model_fields.items():
        for kind in [field.annotation, *get_args(field.annotation)]:
            if kind is float:
                yield name
            elif isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from numbers(kind)


def test_all_fields_of_seconds_are_known() -> None:
    found = {name for model in REQUESTS for name in numbers(model)}
    assert len(found) > 4
    assert found <= SECONDS
