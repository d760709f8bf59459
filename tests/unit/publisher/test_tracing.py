"""Trace context: out of headers, into jobs and answers."""

import re
from typing import Any

import pytest
from opentelemetry import trace
from tests.unit.captured import capturing

from publisher.tracing import context_of, current_trace_id, current_traceparent, traceresponse

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"


def trace_in(headers: dict[str, Any]) -> str | None:
    """Return the trace that something which came with these headers is handled in."""
    span = trace.get_current_span(context_of(headers)).get_span_context()
    return f"{span.trace_id:032x}" if span.is_valid else None


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({"traceparent": TRACEPARENT}, TRACE),
        ({"Traceparent": TRACEPARENT}, TRACE),
        ({"x-retries": 3, "traceparent": TRACEPARENT}, TRACE),
        ({"traceparent": 3}, None),
        ({"traceparent": "nonsense"}, None),
        ({"traceparent": f"00-{'0' * 32}-{PARENT}-01"}, None),
        ({"traceparent": f"ff-{TRACE}-{PARENT}-01"}, None),
        ({}, None),
    ],
)
def test_the_trace_is_the_one_that_the_headers_name(headers: dict[str, Any], found: str | None) -> None:
    assert trace_in(headers) == found


def test_a_span_of_the_requests_own_goes_before_the_headers() -> None:
    with (
        capturing() as captured,
        captured.tracing.get_tracer("test").start_as_current_span("request") as span,
    ):
        own = f"{span.get_span_context().trace_id:032x}"
        assert context_of({"traceparent": TRACEPARENT}) is None
        assert current_trace_id() == own
        assert current_traceparent().split("-")[1:3] == [own, f"{span.get_span_context().span_id:016x}"]
        assert traceresponse() == {"traceresponse": current_traceparent()}


def test_without_a_span_each_job_has_a_new_trace_and_no_answer_names_one() -> None:
    made = [current_traceparent() for _ in range(20)]

    assert all(re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-01", one) for one in made)
    assert len({one.split("-")[1] for one in made}) == len({one.split("-")[2] for one in made}) == 20
    assert (current_trace_id(), traceresponse()) == (None, {})
