"""What a submission may contain: every limit exactly at its boundary, and the values of what is left out."""

from typing import Any

import pytest
from pydantic import ValidationError

from contracts.jobs import MAX_BODY_BYTES, Submission

JOB_ID = "018f6c3e-7b1a-7c4e-9d3a-0123456789ab"


def submission(**fields: Any) -> Submission:
    return Submission.model_validate({"kind": "k", **fields})


def test_a_body_has_at_most_256_kib() -> None:
    assert MAX_BODY_BYTES == 262_144


def test_a_kind_is_all_that_must_be_named() -> None:
    assert submission().model_dump() == {
        "kind": "k",
        "lock": "default",
        "parameters": {},
        "name": "",
        "description": "",
        "priority": 5,
        "job_id": None,
        "idempotency_key": None,
        "expires_in": None,
        "timeout": None,
        "cancel_grace": None,
        "on_conflict": None,
        "properties": {},
        "after": [],
        "after_failure": None,
    }


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "0"},
        {"kind": "a" * 64},
        {"kind": "a.b-c_d.9"},
        {"lock": "x" * 200},
        {"name": "x" * 200},
        {"name": "💥" * 200},
        {"description": "x" * 4000},
        {"priority": 0},
        {"priority": 9},
        {"properties": {str(number): "" for number in range(32)}},
        {"properties": {"p": ""}},
        {"properties": {"p" * 64: "x" * 256}},
        {"parameters": {"": None}},
        {"job_id": JOB_ID},
        {"job_id": None},
        {"after": [JOB_ID] * 20},
        {"after_failure": "skip"},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_what_is_exactly_at_its_limit_is_accepted_as_it_is(fields: dict[str, Any]) -> None:
    accepted = submission(**fields).model_dump()
    assert {name: accepted[name] for name in fields} == fields


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("kind",), ""),
        (("kind",), "a" * 65),
        (("kind",), "-a"),
        (("kind",), "a-"),
        (("kind",), "A"),
        (("kind",), "a b"),
        (("kind",), "a\n"),
        (("kind",), "ä"),
        (("kind",), None),
        (("lock",), "x" * 201),
        (("lock",), None),
        (("name",), "x" * 201),
        (("name",), 7),
        (("description",), "x" * 4001),
        (("priority",), -1),
        (("priority",), 10),
        (("priority",), 10.0),
        (("priority",), 4.5),
        (("priority",), "5"),
        (("priority",), True),
        (("priority",), None),
        (("properties",), {str(number): "" for number in range(33)}),
        (("properties", ""), ""),
        (("properties", "p" * 65), ""),
        # A filter is written name:value.
        (("properties", "a:b"), ""),
        (("properties", "p"), "x" * 257),
        (("properties", "p"), 1),
        (("properties", "p"), None),
        (("parameters",), []),
        (("parameters",), None),
        (("job_id",), "1"),
        (("job_id",), 7),
        (("lcok",), "a"),
    ],
)
def test_what_is_just_beyond_is_refused_and_named(place: tuple[str, ...], value: Any) -> None:
    name, *within = place
    with pytest.raises(ValidationError) as refused:
        submission(**{name: {within[0]: value} if within else value})
    assert [error["loc"][: len(place)] for error in refused.value.errors()] == [place]


@pytest.mark.parametrize(("sent", "priority"), [(0.0, 0), (9.0, 9), (5.0, 5)])
def test_a_whole_number_with_a_fraction_is_that_number(sent: float, priority: int) -> None:
    accepted = submission(priority=sent).priority
    assert (accepted, type(accepted)) == (priority, int)


def test_the_lock_and_the_id_have_one_spelling() -> None:
    accepted = submission(lock=" Cafe\u0301 ", job_id=JOB_ID.upper())
    assert (accepted.lock, accepted.job_id) == ("Caf\u00e9", JOB_ID)


def test_submissions_share_no_parameters_and_no_properties() -> None:
    one, other = submission(), submission()
    one.parameters["a"] = 1
    one.properties["b"] = "c"
    assert (other.parameters, other.properties) == ({}, {})
