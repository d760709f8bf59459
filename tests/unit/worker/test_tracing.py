"""The spans of runs: what each says, beneath what it stands, and to what it links."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from opentelemetry.trace import SpanContext, StatusCode, TraceFlags
from tests.unit.captured import Captured
from tests.unit.worker.conftest import new_traceparent

from contracts.statuses import JobStatus
from contracts.telemetry import attributes as at
from contracts.telemetry import spans
from coordination.journal.events import timestamp
from coordination.journal.rows import JobRow
from coordination.observations import HandOver, HandOverCause, RunEnded, RunStarted
from coordination.outcomes import Cancelled, Completed, Failed, Interrupted, Lost, Outcome, TimedOut
from worker.telemetry.anchors import anchor
from worker.telemetry.endings import ending_of
from worker.telemetry.open_runs import Moment, OpenRun, Phase
from worker.telemetry.tracing import Acquisition, Tracing

#: Nanoseconds since the epoch: when the run began, and a second.
BEGAN, SECOND = 1_767_225_600_000_000_000, 1_000_000_000


def moment(nanoseconds: int) -> str:
    seconds = timedelta(seconds=nanoseconds // SECOND)
    return timestamp(datetime.fromisoformat("1970-01-01T00:00:00+00:00") + seconds)


def job(traceparent: str, job_id: str = "one", attempt: int = 1, **more: Any) -> JobRow:
    return JobRow(job_id, "ten-steps", "ledger", attempt=attempt, fence=7, traceparent=traceparent, **more)


ABOUT: dict[str, Any] = {at.JOB_ID: "one", at.JOB_KIND: "ten-steps", at.LOCK_NAME: "ledger"}
OF_RUN = ABOUT | {at.JOB_ATTEMPT: 1, at.LOCK_FENCE: 7, at.WORKER_NAME: "w1"}


@pytest.fixture
def tracing(captured: Captured) -> Tracing:
    return Tracing("w1")


def context(trace_id: int, span_id: int = 0xDEF, *, sampled: bool = True) -> SpanContext:
    return SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(int(sampled)))


def trace_of(traceparent: str) -> int:
    return int(traceparent.split("-")[1], 16)


PHASE = Phase(BEGAN, BEGAN + SECOND)


# --- the start ----------------------------------------------------------------------------------------


def test_a_start_says_all_of_the_run_and_gives_its_anchor(tracing: Tracing, captured: Captured) -> None:
    traced = job(new_traceparent(), interruptions=4)
    mine = tracing.started(RunStarted(traced), PHASE, None, None)
    assert mine == anchor(traced)
    assert mine is not None
    (span,) = captured.spans()
    assert (span.name, span.parent.span_id) == (spans.TAKE_OVER_LOCK, 0xABC)
    # The attempt's own span, whose id this is, is exported when the attempt is over.
    assert span.context.span_id != mine.span_id
    assert (span.start_time, span.end_time) == (BEGAN, BEGAN + SECOND)
    assert span.attributes == OF_RUN | {at.JOB_INTERRUPTIONS: 4}
    assert (span.links, span.events) == ((), ())


@pytest.mark.parametrize(
    ("cause", "attribute"),
    [
        (HandOverCause.CHAINED, at.HAND_OVER_CAUSE),
        (HandOverCause.RELEASED, at.HAND_OVER_CAUSE),
        (HandOverCause.RUNNER_DIED, at.TAKE_OVER_CAUSE),
        (HandOverCause.WORKER_STOPPED, at.TAKE_OVER_CAUSE),
        (HandOverCause.WORKER_LOST, at.TAKE_OVER_CAUSE),
    ],
)
def test_a_start_says_how_the_lock_came_to_it(
    tracing: Tracing, captured: Captured, cause: HandOverCause, attribute: str
) -> None:
    tracing.started(RunStarted(job(new_traceparent()), HandOver(cause)), PHASE, None, None)
    (span,) = captured.spans()
    causes = {at.HAND_OVER_CAUSE, at.TAKE_OVER_CAUSE}
    assert {name: span.attributes[name] for name in causes & span.attributes.keys()} == {attribute: cause}


def test_a_start_after_another_run_is_the_next_jobs_and_links_to_that_runs_end(
    tracing: Tracing, captured: Captured
) -> None:
    before = job(new_traceparent(), "before")
    seen = RunStarted(job(new_traceparent()), after=before)
    tracing.started(seen, PHASE, None, context(0x77, 0x88))
    span = captured.span(spans.START_NEXT_JOB)
    assert [(link.context.trace_id, link.context.span_id) for link in span.links] == [(0x77, 0x88)]


def test_a_start_links_to_the_attempt_before_and_to_the_job_that_was_cut_off(
    tracing: Tracing, captured: Captured
) -> None:
    traced, cut_off = job(new_traceparent(), attempt=3), job(new_traceparent(), "other", attempt=5)
    tracing.started(RunStarted(traced, interrupted=cut_off), PHASE, None, None)
    (span,) = captured.spans()
    expected = [anchor(traced, 2), anchor(cut_off, 5)]
    assert [link.context.span_id for link in span.links] == [one.span_id for one in expected if one]
    assert len(span.links) == 2


def test_a_job_that_was_cut_off_itself_is_linked_to_once(tracing: Tracing, captured: Captured) -> None:
    traced = job(new_traceparent(), attempt=2)
    tracing.started(RunStarted(traced, interrupted=traced), PHASE, None, None)
    (span,) = captured.spans()
    first = anchor(traced, 1)
    assert first is not None
    assert [link.context.span_id for link in span.links] == [first.span_id]


def test_a_first_attempt_links_to_nothing_and_a_job_cut_off_without_a_trace_neither(
    tracing: Tracing, captured: Captured
) -> None:
    cut_off = JobRow("other", "ten-steps", "ledger", attempt=2)
    tracing.started(RunStarted(job(new_traceparent()), interrupted=cut_off), PHASE, None, None)
    (span,) = captured.spans()
    assert span.links == ()


def test_a_wait_lasts_until_the_start_is_recorded(tracing: Tracing, captured: Captured) -> None:
    traced = job(new_traceparent(), attempt=2, queued_at=moment(BEGAN - 60 * SECOND))
    tracing.started(RunStarted(traced), PHASE, None, None)
    wait = captured.span(spans.WAIT_IN_LINE)
    assert (wait.start_time, wait.end_time) == (BEGAN - 60 * SECOND, BEGAN + SECOND)
    assert wait.parent.span_id == 0xABC
    assert wait.attributes == ABOUT | {at.JOB_ATTEMPT: 2}


@pytest.mark.parametrize("queued", ["", moment(BEGAN + SECOND), moment(BEGAN + 2 * SECOND)])
def test_a_wait_that_has_no_beginning_or_no_length_is_no_span(
    tracing: Tracing, captured: Captured, queued: str
) -> None:
    tracing.started(RunStarted(job(new_traceparent(), queued_at=queued)), PHASE, None, None)
    assert [span.name for span in captured.spans()] == [spans.TAKE_OVER_LOCK]


def test_what_a_wake_up_of_the_jobs_own_trace_led_to_stands_beneath_it(
    tracing: Tracing, captured: Captured
) -> None:
    traceparent = new_traceparent()
    acquired = Acquisition(Phase(BEGAN - SECOND, BEGAN), context(trace_of(traceparent)))
    tracing.started(RunStarted(job(traceparent)), PHASE, acquired, None)
    lease, start = captured.span(spans.ACQUIRE_LEASE), captured.span(spans.TAKE_OVER_LOCK)
    assert (lease.parent.span_id, start.parent.span_id) == (0xDEF, 0xDEF)
    assert (lease.links, start.links) == ((), ())
    assert (lease.start_time, lease.end_time) == (BEGAN - SECOND, BEGAN)
    assert lease.attributes == ABOUT | {at.WORKER_NAME: "w1"}


def test_what_a_wake_up_of_another_trace_led_to_links_to_it(tracing: Tracing, captured: Captured) -> None:
    acquired = Acquisition(PHASE, context(0x77))
    tracing.started(RunStarted(job(new_traceparent())), PHASE, acquired, None)
    for name in (spans.ACQUIRE_LEASE, spans.TAKE_OVER_LOCK):
        span = captured.span(name)
        assert span.parent.span_id == 0xABC
        assert [(link.context.trace_id, link.context.span_id) for link in span.links] == [(0x77, 0xDEF)]


@pytest.mark.parametrize("is_own", [True, False])
def test_a_wake_up_that_is_not_sampled_is_not_referred_to(
    tracing: Tracing, captured: Captured, *, is_own: bool
) -> None:
    traceparent = new_traceparent()
    notifier = context(trace_of(traceparent) if is_own else 0x77, sampled=False)
    tracing.started(RunStarted(job(traceparent)), PHASE, Acquisition(PHASE, notifier), None)
    for name in (spans.ACQUIRE_LEASE, spans.TAKE_OVER_LOCK):
        span = captured.span(name)
        assert (span.parent.span_id, span.links) == (0xABC, ())


# --- the end ------------------------------------------------------------------------------------------

ENDS: list[tuple[Outcome, str, str, str, str]] = [
    (Completed(), spans.COMPLETE_JOB, "completed", "", ""),
    (Failed("ValueError", "wrong"), spans.FAIL_JOB, "failed", "wrong", "ValueError"),
    (Cancelled(), spans.CANCEL_JOB, "cancelled", "", ""),
    (TimedOut("too long"), spans.TIME_OUT_JOB, "timed_out", "too long", "TimedOut"),
    (Interrupted("shutdown"), spans.INTERRUPT_JOB, "interrupted", "shutdown", "Interrupted"),
]


def open_run(row: JobRow) -> OpenRun:
    return OpenRun(row, anchor(row), began=BEGAN, exported_until=BEGAN)


@pytest.mark.parametrize(("outcome", "name", "label", "reason", "error"), ENDS)
def test_an_end_says_how_the_run_ended(
    tracing: Tracing, captured: Captured, outcome: Outcome, name: str, label: str, reason: str, error: str
) -> None:
    traced = job(new_traceparent(), steps=3)
    run = open_run(traced)
    ended = tracing.ended(run, RunEnded(traced, outcome), Phase(BEGAN + SECOND, BEGAN + 2 * SECOND))
    end, attempt = captured.spans()
    assert ended is not None
    assert run.anchor is not None
    assert (end.name, end.parent.span_id) == (name, run.anchor.span_id)
    assert (attempt.name, attempt.context.span_id) == (spans.RUN_JOB, run.anchor.span_id)
    assert (ended.span_id, attempt.parent.span_id) == (run.anchor.span_id, 0xABC)
    assert (end.start_time, end.end_time) == (BEGAN + SECOND, BEGAN + 2 * SECOND)
    assert (attempt.start_time, attempt.end_time) == (BEGAN, BEGAN + 2 * SECOND)
    expected = OF_RUN | {at.JOB_OUTCOME: label, at.JOB_STEPS: 3}
    expected |= {at.REASON: reason} if reason else {}
    expected |= {at.ERROR_TYPE: error} if error else {}
    assert end.attributes == attempt.attributes == expected
    status = (StatusCode.ERROR, reason) if error else (StatusCode.UNSET, None)
    for span in (end, attempt):
        assert (span.status.status_code, span.status.description) == status
    interruption = [(spans.RUN_INTERRUPTED, {at.REASON: reason, at.JOB_ATTEMPT: 1})]
    told = [(event.name, dict(event.attributes)) for event in attempt.events]
    assert told == (interruption if isinstance(outcome, Interrupted) else [])
    assert end.events == ()


@pytest.mark.parametrize("outcome", [Failed("OSError", "no route"), TimedOut("too long")])
def test_a_failed_attempt_that_another_one_follows_is_no_failure_of_the_job(outcome: Outcome) -> None:
    waits = job("", retries=1, status=JobStatus.QUEUED.value)
    ending = ending_of(outcome, waits)
    assert (ending.span, ending.outcome) == (spans.FAIL_ATTEMPT, "retried")
    assert ending.error_type
    assert ending_of(outcome, job("", retries=1, status=JobStatus.FAILED.value)).outcome != "retried"


def test_a_later_attempt_links_to_the_one_before(tracing: Tracing, captured: Captured) -> None:
    traced = job(new_traceparent(), attempt=2)
    tracing.ended(open_run(traced), RunEnded(traced, Completed()), PHASE)
    first = anchor(traced, 1)
    assert first is not None
    assert [link.context.span_id for link in captured.span(spans.RUN_JOB).links] == [first.span_id]


def test_a_job_whose_trace_is_not_recorded_has_no_spans(tracing: Tracing, captured: Captured) -> None:
    traced = job(f"00-{0x55:032x}-{0xABC:016x}-00")
    run = open_run(traced)
    mine = tracing.started(RunStarted(traced), PHASE, Acquisition(PHASE, context(0x77)), None)
    assert mine == run.anchor
    tracing.so_far(run, BEGAN + SECOND)
    tracing.ended(run, RunEnded(traced, Completed()), PHASE)
    tracing.released(traced, mine, PHASE)
    assert captured.spans() == []


def test_a_lost_run_has_no_end_to_speak_of() -> None:
    with pytest.raises(ValueError, match="not an end that the journal records"):
        ending_of(Lost(), job(""))


def test_what_happened_to_a_run_is_told_once(tracing: Tracing, captured: Captured) -> None:
    traced = job(new_traceparent())
    run = open_run(traced)
    run.moments.append(Moment(spans.RENEWAL_FAILED, {at.REASON: "no answer"}, BEGAN + 5))
    tracing.so_far(run, BEGAN + SECOND)
    tracing.so_far(run, BEGAN + 3 * SECOND)
    first, second = captured.spans(spans.RUN_SO_FAR)
    assert [(event.name, event.timestamp) for event in first.events] == [(spans.RENEWAL_FAILED, BEGAN + 5)]
    assert second.events == ()
    assert [(span.start_time, span.end_time) for span in (first, second)] == [
        (BEGAN, BEGAN + SECOND),
        (BEGAN + SECOND, BEGAN + 3 * SECOND),
    ]


def test_a_run_without_a_trace_is_told_of_by_no_span(tracing: Tracing, captured: Captured) -> None:
    untraced = JobRow("one", "ten-steps", "ledger", attempt=1)
    run = open_run(untraced)
    run.moments.append(Moment(spans.RENEWAL_FAILED, {}))
    assert tracing.started(RunStarted(untraced), PHASE, Acquisition(PHASE, context(0x77)), None) is None
    tracing.so_far(run, BEGAN + SECOND)
    tracing.state_saved(run, PHASE, 9)
    assert tracing.ended(run, RunEnded(untraced, Completed()), PHASE) is None
    tracing.released(untraced, None, PHASE)
    assert captured.spans() == []
    assert (run.exported_until, run.moments) == (BEGAN + SECOND, [])


def test_a_release_stands_beneath_the_last_run(tracing: Tracing, captured: Captured) -> None:
    traced = job(new_traceparent())
    tracing.released(traced, anchor(traced), PHASE)
    (span,) = captured.spans()
    mine = anchor(traced)
    assert mine is not None
    assert (span.name, span.parent.span_id) == (spans.RELEASE_LEASE, mine.span_id)
    assert span.attributes == ABOUT | {at.WORKER_NAME: "w1"}
