"""The body of a submission, and the command that sends the same."""

import json
import shlex

import pytest

from contracts.jobs import Submission
from contracts.policies import ON_CONFLICT
from dashboard.forms.submission import (
    CONFLICTS,
    PRIORITIES,
    PropertiesError,
    curl,
    priority_text,
    properties_text,
    read_properties,
    submission,
)

ID = "018f6c3e-7b1a-7c4e-9d3a-0123456789ab"


def test_a_submission_says_what_differs_from_the_default() -> None:
    body = submission(kind="k", job_id=ID, lock="ledger", parameters={"a": 1})
    assert body == {"kind": "k", "job_id": ID, "lock": "ledger", "parameters": {"a": 1}}
    more = submission(
        kind="k",
        job_id=ID,
        lock="l",
        parameters={},
        name="n",
        description="d",
        priority=0,
        properties={"a": "b"},
        on_conflict="skip",
    )
    assert more == {
        "kind": "k",
        "job_id": ID,
        "lock": "l",
        "parameters": {},
        "name": "n",
        "description": "d",
        "priority": 0,
        "properties": {"a": "b"},
        "on_conflict": "skip",
    }
    Submission.model_validate(body)
    Submission.model_validate(more)


def test_every_conflict_policy_can_be_chosen() -> None:
    assert set(CONFLICTS) == {None, *ON_CONFLICT}


def test_the_command_sends_exactly_the_body_whatever_is_in_it() -> None:
    body = submission(kind="k", job_id=ID, lock="it's $HOME `x`", parameters={"a": '"\n👻'})
    words = shlex.split(curl("http://127.0.0.1:8000", body, "o'neil"))
    assert words[:3] == ["curl", "-i", "http://127.0.0.1:8000/api/v1/jobs"]
    assert json.loads(words[words.index("-d") + 1]) == body
    assert "X-Actor: o'neil" in words


def test_properties_are_lines() -> None:
    text = "team = accounts\n\n a=b=c\nempty="
    assert read_properties(text) == {"team": "accounts", "a": "b=c", "empty": ""}
    assert read_properties(properties_text({"team": "accounts", "a": "b=c"})) == {
        "team": "accounts",
        "a": "b=c",
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a=1\nteam", "line 2: write it like team=accounts"),
        ("=x", "line 1: write"),
        ("a=1\na=2", "line 2: a is there twice"),
    ],
)
def test_a_line_that_is_no_property_is_named(text: str, message: str) -> None:
    with pytest.raises(PropertiesError, match=message):
        read_properties(text)


def test_priorities_have_numbers_and_some_have_words() -> None:
    texts = [priority_text(priority) for priority in PRIORITIES]
    assert len(set(texts)) == 10
    assert texts[5] == "5 · normal"
    assert texts[4] == "4"
