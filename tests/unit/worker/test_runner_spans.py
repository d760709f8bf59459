"""Spans that runners recorded say whose they are, and a step's name is cut as it is elsewhere."""

from typing import Any

import pytest
from opentelemetry.trace import StatusCode
from tests.unit.captured import Captured
from tests.unit.worker.conftest import new_traceparent
from tests.unit.worker.observed import job, run_of, span_data

from contracts.telemetry import attributes as at
from worker.telemetry.anchors import anchor
from worker.telemetry.runner_spans import RunnerSpans

TRACEPARENT = new_traceparent()
JOB = job(traceparent=TRACEPARENT)


@pytest.fixture
def relayed(captured: Captured) -> RunnerSpans:
    return RunnerSpans("w1")


def test_a_steps_span_says_whose_it_is(relayed: RunnerSpans, captured: Captured) -> None:
    data = {**span_data(TRACEPARENT), "attributes": {"mine": 1, at.JOB_ID: "forged"}}
    made = relayed.step_over(run_of(JOB), "load#2", data)
    (span,) = captured.spans()
    mine = anchor(JOB)
    assert mine is not None
    assert made is not None
    assert (span.name, span.context.span_id, span.parent.span_id) == ("step load", made.span_id, mine.span_id)
    assert span.attributes == {
        "mine": 1,
        at.JOB_ID: "one",
        at.JOB_KIND: "ten-steps",
        at.LOCK_NAME: "ledger",
        at.JOB_ATTEMPT: 1,
        at.LOCK_FENCE: 7,
        at.WORKER_NAME: "w1",
        at.JOB_STEP: "load#2",
    }
    assert span.status.status_code is StatusCode.UNSET


def test_a_step_that_an_error_left_says_so(relayed: RunnerSpans, captured: Captured) -> None:
    relayed.step_over(run_of(JOB), "load", span_data(TRACEPARENT), ValueError("no such account"))
    (span,) = captured.spans()
    assert (span.name, span.attributes[at.ERROR_TYPE]) == ("step load", "ValueError")
    status = (span.status.status_code, span.status.description)
    assert status == (StatusCode.ERROR, "ValueError: no such account")


@pytest.mark.parametrize(("characters", "kept"), [(250, 250), (251, 250)])
def test_a_steps_name_is_cut(relayed: RunnerSpans, captured: Captured, characters: int, kept: int) -> None:
    relayed.step_over(run_of(JOB), "x" * characters, span_data(TRACEPARENT))
    (span,) = captured.spans()
    assert span.attributes[at.JOB_STEP] == "x" * kept


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("import", "step import"),
        ("import ACME", "step import ACME"),
        ("", "step"),
        # A runner is not trusted to name spans as it likes.
        ("another", "step"),
        (7, "step"),
    ],
)
def test_a_steps_span_is_named_after_what_the_code_fixes(
    relayed: RunnerSpans, captured: Captured, stem: Any, name: str
) -> None:
    made = relayed.step_over(run_of(JOB), "import ACME", {**span_data(TRACEPARENT), "name": stem})
    if made is not None:  # a name that is no text is no span at all
        assert [span.name for span in captured.spans()] == [name]
    assert (made is None) == (stem == 7)


@pytest.mark.parametrize("data", [{}, span_data(new_traceparent())])
def test_what_is_malformed_or_of_another_trace_is_dropped(
    relayed: RunnerSpans, captured: Captured, data: dict[str, Any]
) -> None:
    assert relayed.step_over(run_of(JOB), "load", data) is None
    assert relayed.span_over(run_of(JOB), data) is None
    assert captured.spans() == []


def test_the_span_of_a_step_inside_a_step_is_named_after_its_own_stem(
    relayed: RunnerSpans, captured: Captured
) -> None:
    for stem in ("import", "load", "mport"):
        relayed.step_over(run_of(JOB), "load#2/import ACME", {**span_data(TRACEPARENT), "name": stem})
    assert [span.name for span in captured.spans()] == ["step import", "step load", "step"]
