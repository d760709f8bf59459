"""Tracing within a runner: what is current when, which span of a step is kept, and which is sent."""

from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import trace

from contracts.telemetry import attributes as at
from worker.execution.messages import SpanData
from worker.runner import make_tracing
from worker.runner_tracing import ContextTracing, SpanTracing

TRACE, ANCHOR = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{ANCHOR}-01"

Sent = list[tuple[str, SpanData, str | None]]


@pytest.fixture(autouse=True)
def _own_provider() -> Iterator[None]:
    """Let no test's tracing become that of this process."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(trace, "_TRACER_PROVIDER", None)
        patched.setattr(trace, "set_tracer_provider", lambda _: None)
        yield


@pytest.fixture
def tracing() -> SpanTracing:
    made = make_tracing(wants_spans=True)
    assert isinstance(made, SpanTracing)
    return made


@pytest.fixture
def sent() -> Sent:
    return []


def sender(sent: Sent, run: str = "run") -> Any:
    return lambda span, step=None: sent.append((run, span, step))


def current() -> str:
    return trace.format_span_id(trace.get_current_span().get_span_context().span_id)


def test_spans_are_made_only_where_they_are_wanted() -> None:
    assert type(make_tracing(wants_spans=False)) is ContextTracing


@pytest.mark.parametrize("wants_spans", [False, True])
def test_a_handler_runs_in_the_context_of_its_attempt(sent: Sent, *, wants_spans: bool) -> None:
    tracing = make_tracing(wants_spans)
    assert tracing.span_id() is None
    with tracing.run(TRACEPARENT, sender(sent)):
        assert tracing.span_id() == ANCHOR
        context = trace.get_current_span().get_span_context()
        assert (trace.format_trace_id(context.trace_id), context.trace_flags.sampled) == (TRACE, True)
    assert tracing.span_id() is None


@pytest.mark.parametrize("wants_spans", [False, True])
@pytest.mark.parametrize("traceparent", [None, "", "nonsense"])
def test_a_handler_without_a_trace_runs_in_none(
    sent: Sent, traceparent: str | None, *, wants_spans: bool
) -> None:
    tracing = make_tracing(wants_spans)
    with tracing.run(traceparent, sender(sent)), tracing.step("load", "load"):
        pass
    assert tracing.take("load") is None
    assert sent == []


def test_a_step_stands_beneath_the_attempt_and_a_step_within_it_beneath_that(
    tracing: SpanTracing, sent: Sent
) -> None:
    with tracing.run(TRACEPARENT, sender(sent)):
        with tracing.step("outer", "outer"):
            outer = current()
            with tracing.step("inner", "inner"):
                inner = current()
            assert current() == outer
        assert current() == ANCHOR
    found = {name: tracing.take(name) for name in ("outer", "inner")}
    assert {name: span["span_id"] for name, span in found.items() if span} == {
        "outer": outer,
        "inner": inner,
    }
    assert {name: span["parent_id"] for name, span in found.items() if span} == {
        "outer": ANCHOR,
        "inner": outer,
    }


def test_the_span_of_a_step_is_kept_until_it_is_taken_and_given_once(
    tracing: SpanTracing, sent: Sent
) -> None:
    with tracing.run(TRACEPARENT, sender(sent)):
        with tracing.step("load#2", "load"):
            pass
        assert tracing.take("load") is None
        kept = tracing.take("load#2")
        assert kept is not None
        assert (kept["name"], kept["trace_id"], kept["end"]) == ("load", TRACE, None)
        assert tracing.take("load#2") is None
    assert sent == []


def test_a_step_that_an_error_leaves_is_sent_with_the_error_and_not_kept(
    tracing: SpanTracing, sent: Sent
) -> None:
    with tracing.run(TRACEPARENT, sender(sent)):
        with pytest.raises(ValueError, match="no such account"), tracing.step("load", "load"):
            raise ValueError("no such account")
        assert tracing.take("load") is None
        assert current() == ANCHOR
    [(_, span, step)] = sent
    assert step == "load"
    assert (span["status"], span["attributes"][at.ERROR_TYPE]) == ("ERROR", "ValueError")
    assert span["end"] >= span["start"]


def test_an_error_that_cannot_be_worded_leaves_the_step_as_itself(tracing: SpanTracing, sent: Sent) -> None:
    class SpeechlessError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no words")

    with (
        tracing.run(TRACEPARENT, sender(sent)),
        pytest.raises(SpeechlessError),
        tracing.step("load", "load"),
    ):
        raise SpeechlessError
    assert tracing.take("load") is None


def test_a_span_of_the_handlers_own_is_sent_when_it_ends(tracing: SpanTracing, sent: Sent) -> None:
    tracer = tracing._recorder._tracer
    with tracing.run(TRACEPARENT, sender(sent)), tracer.start_as_current_span("own"):
        assert sent == []
    [(_, span, step)] = sent
    assert (span["name"], span["parent_id"], step) == ("own", ANCHOR, None)


def test_what_one_run_left_is_not_taken_for_the_next_ones(tracing: SpanTracing, sent: Sent) -> None:
    with tracing.run(TRACEPARENT, sender(sent, "first")), tracing.step("load", "load"):
        pass
    with tracing.run(TRACEPARENT, sender(sent, "second")):
        assert tracing.take("load") is None
        with pytest.raises(ValueError, match="wrong"), tracing.step("load", "load"):
            raise ValueError("wrong")
    assert [run for run, _, _ in sent] == ["second"]


def test_a_run_whose_trace_is_not_sampled_has_no_spans(tracing: SpanTracing, sent: Sent) -> None:
    with tracing.run(f"00-{TRACE}-{ANCHOR}-00", sender(sent)):
        assert tracing.span_id() == ANCHOR
        with tracing.step("load", "load"):
            pass
        with pytest.raises(ValueError, match="wrong"), tracing.step("load", "load"):
            raise ValueError("wrong")
    assert tracing.take("load") is None
    assert sent == []


def test_a_step_outside_of_any_run_is_sent_nowhere(tracing: SpanTracing) -> None:
    with pytest.raises(ValueError, match="wrong"), tracing.step("load", "load"):
        raise ValueError("wrong")
    assert tracing.take("load") is None
