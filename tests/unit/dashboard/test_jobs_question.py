"""The filters of the list of jobs, in the address of the page."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.statuses import JobStatus
from dashboard.jobs_question import PERIODS, JobsQuestion, question_from
from read_models import JobFilter

NOW = datetime(2026, 11, 28, 14, 0, tzinfo=UTC)

TEXTS = st.text(st.characters(blacklist_categories=["Cs", "Cc", "Z"]), max_size=40)

QUESTIONS = st.builds(
    JobsQuestion,
    text=TEXTS,
    lock=st.sampled_from(["", "ledger-2026", "tenant:42/import", "größe"]),
    kind=st.sampled_from(["", "close-month"]),
    worker=TEXTS,
    submitted=st.sampled_from(["", *PERIODS]),
    with_property=st.none() | st.tuples(st.sampled_from(["team", "a,b"]), TEXTS),
    statuses=st.frozensets(st.sampled_from(JobStatus)),
    taken_over=st.booleans(),
    with_finalized=st.booleans(),
    cursor=st.none() | st.sampled_from(["WyJhIl0"]),
)


@given(QUESTIONS)
def test_what_is_written_into_the_address_is_read_back(question: JobsQuestion) -> None:
    address = urlencode(question.query(), doseq=True)
    found = question_from(parse_qs(address))
    assert found == question
    assert found.problems == ()


def test_an_empty_address_asks_for_everything() -> None:
    assert question_from({}) == JobsQuestion()
    assert question_from({}).is_everything
    assert JobsQuestion().query() == {}
    assert JobsQuestion(cursor="x").is_everything
    assert not JobsQuestion(taken_over=True).is_everything


def test_all_conditions_are_given_to_the_read_models() -> None:
    question = question_from(
        {
            "q": [" May "], "lock": ["ledger-2026"], "kind": ["close-month"], "worker": ["worker-1"],
            "submitted": ["24h"], "property": ["team: finance"], "state": ["Failed,timedout", "taken-over"],
        }
    )  # fmt: skip
    assert question.filter(NOW) == JobFilter(
        statuses={JobStatus.FAILED, JobStatus.TIMED_OUT},
        kinds={"close-month"},
        lock="ledger-2026",
        worker="worker-1",
        submitted_from=NOW - timedelta(hours=24),
        name_contains="May",
        properties={"team": "finance"},
        taken_over=True,
    )
    assert JobsQuestion().filter(NOW) == JobFilter()


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ({"state": ["Exploded"]}, "There is no state “Exploded”."),
        ({"submitted": ["1y"]}, "The time “1y” is not one of 1h, 24h, 7d, 30d."),
        ({"property": ["team"]}, "The property “team” is not written as name:value."),
        ({"property": [":x"]}, "The property “:x” is not written as name:value."),
        ({"lock": ["a\nb"]}, "The lock “a\nb” cannot exist: "),
    ],
)
def test_what_cannot_be_used_is_named_and_the_rest_counts(query: dict[str, list[str]], problem: str) -> None:
    found = question_from({**query, "kind": ["close-month"]})
    assert found == JobsQuestion(kind="close-month")
    assert found.problems[0].startswith(problem)


@given(st.dictionaries(st.text(max_size=9), st.lists(st.text(max_size=500), max_size=3)))
def test_no_address_is_too_odd(query: dict[str, list[str]]) -> None:
    question_from(query).filter(NOW)


def test_an_id_typed_in_full_is_a_job() -> None:
    job_id = "019aa3a6-0000-7000-8000-00000000AB82"
    assert JobsQuestion(text=job_id).job_id == job_id.lower()
    assert JobsQuestion(text=job_id[:8]).job_id is None
    assert JobsQuestion().job_id is None


def test_each_condition_can_be_taken_away() -> None:
    question = JobsQuestion(
        "may", "ledger", "close", "w", "7d", ("team", "a"), frozenset(JobStatus), taken_over=True, cursor="x"
    )
    conditions = question.conditions()
    assert len(conditions) == 7 + len(JobStatus)
    for _, without in conditions:
        assert without.cursor is None
        assert len(without.conditions()) == len(conditions) - 1
    assert JobsQuestion().conditions() == []


FIELDS = [
    ("q", " May ", "text", "May"),
    ("q", None, "text", ""),
    ("lock", "ledger-2027", "lock", "ledger-2027"),
    ("kind", None, "kind", ""),
    ("submitted", "1h", "submitted", "1h"),
    ("property", "team:legal", "with_property", ("team", "legal")),
    ("property", "", "with_property", None),
    ("state", ["Running"], "statuses", frozenset({JobStatus.RUNNING})),
    ("state", [], "statuses", frozenset()),
    ("state", None, "statuses", frozenset()),
]


@pytest.mark.parametrize(("name", "value", "attribute", "expected"), FIELDS)
@given(question=QUESTIONS)
def test_a_field_changes_what_it_says_and_nothing_else(
    question: JobsQuestion, name: str, value: str | list[str] | None, attribute: str, expected: object
) -> None:
    found = question.saying(name, value)
    assert getattr(found, attribute) == expected
    assert found.cursor is None
    marks = {"taken_over": False, "with_finalized": False}
    changed = {attribute: expected} | (marks if name == "state" else {})
    assert found == replace(question, cursor=None, **changed)  # type: ignore[arg-type]
