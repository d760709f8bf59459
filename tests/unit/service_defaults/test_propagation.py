"""Trace context from headers that can hold anything."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import propagate, trace

from service_defaults.propagation import read_texts_only

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture(autouse=True, scope="module")
def texts_only() -> Iterator[None]:
    earlier = propagate.get_global_textmap()
    read_texts_only()
    read_texts_only()
    yield
    propagate.set_global_textmap(earlier)


def trace_id(headers: dict[str, Any]) -> str:
    context = trace.get_current_span(propagate.extract(headers)).get_span_context()
    return trace.format_trace_id(context.trace_id)


@pytest.mark.parametrize(
    "hostile", [7, True, None, [], [7], [[]], {"a": 1}, 1.5, bytearray(b"\xff"), "x" * 10_000, "", [TRACE, 7]]
)
def test_a_header_that_is_no_text_is_not_there(hostile: object) -> None:
    found = trace_id({"traceparent": hostile})
    assert found == (TRACE.split("-")[1] if hostile == [TRACE, 7] else "0" * 32)
    for name in ("tracestate", "baggage"):
        assert trace_id({"traceparent": TRACE, name: hostile}) == TRACE.split("-")[1]


values = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()


@given(
    st.dictionaries(
        st.sampled_from(["traceparent", "tracestate", "baggage"]),
        values | st.lists(values) | st.dictionaries(st.text(), values),
    )
)
def test_nothing_makes_it_fail(headers: dict[str, Any]) -> None:
    propagate.extract(headers)
