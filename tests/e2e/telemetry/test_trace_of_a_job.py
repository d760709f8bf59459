"""A job's trace tells its whole way, while it goes it and afterwards."""

import pytest
from tests.e2e.telemetry.otlp_receiver import OtlpReceiver
from tests.e2e.telemetry.scenarios import CALLER_SPAN, CALLER_TRACE, Commanded, Line, Traced
from tests.e2e.telemetry.traces import STARTS, Trace, projections

from contracts.telemetry import attributes as at
from contracts.telemetry import spans as sp
from contracts.telemetry.names import Source

pytestmark = pytest.mark.e2e

SEND, PROCESS = sp.SEND_JOBS, sp.PROCESS_JOBS

SUBMIT, SUBMIT_SYNC = (sp.SUBMIT_KIND.replace("{job.kind}", kind) for kind in ("traced", "traced-sync"))


def step(name: str) -> str:
    return sp.STEP.replace("{job.step}", name)


def assert_hangs_together(trace: Trace, *, below: str = "") -> None:
    """Fail unless each span came once and stands under one that came too, or under the caller's."""
    strays = [span for span in trace.orphans() if span.parent_id != below]
    assert not strays, f"{[(span.service, span.name, span.parent_id) for span in strays]} in\n{trace}"
    assert not trace.doubled(), f"{trace}"


def test_a_trace_has_every_part_of_the_jobs_way(ordinary: Traced) -> None:
    trace = ordinary.trace
    assert trace.of_kind(Source.PUBLISHER, "server"), f"{trace}"
    expected = [
        SUBMIT,
        SEND,
        PROCESS,
        sp.WAIT_IN_LINE,
        sp.ACQUIRE_LEASE,
        sp.TAKE_OVER_LOCK,
        step("load"),
        sp.SAVE_STATE,
        step("book"),
        sp.COMPLETE_JOB,
        sp.RELEASE_LEASE,
        sp.RUN_JOB,
    ]
    counts = {name: len(trace.named(name)) for name in expected}
    assert counts == dict.fromkeys(expected, 1), f"{trace}"


def test_its_parts_are_in_the_order_in_which_they_happened(ordinary: Traced) -> None:
    order = [
        SUBMIT,
        SEND,
        PROCESS,
        sp.ACQUIRE_LEASE,
        sp.TAKE_OVER_LOCK,
        step("load"),
        sp.SAVE_STATE,
        step("book"),
        sp.COMPLETE_JOB,
        sp.RELEASE_LEASE,
    ]
    starts = [ordinary.trace.one(name).start for name in order]
    assert starts == sorted(starts), f"{ordinary.trace}"
    waiting, anchor = ordinary.trace.one(sp.WAIT_IN_LINE), ordinary.trace.one(sp.TAKE_OVER_LOCK)
    submission = ordinary.trace.submission()
    assert submission.start <= waiting.start <= submission.end
    assert anchor.start <= waiting.end <= anchor.end + 0.1


def test_it_hangs_together_under_its_callers_span(ordinary: Traced) -> None:
    assert ordinary.trace.trace_id == CALLER_TRACE
    (request,) = ordinary.trace.of_kind(Source.PUBLISHER, "server")
    assert request.parent_id == CALLER_SPAN
    assert ordinary.trace.above(ordinary.trace.submission())[0] is request
    assert_hangs_together(ordinary.trace, below=CALLER_SPAN)


def test_what_an_attempt_does_stands_under_it_and_within_its_time(ordinary: Traced) -> None:
    attempt = ordinary.trace.one(sp.RUN_JOB)
    for name in (step("load"), sp.SAVE_STATE, step("book"), sp.COMPLETE_JOB):
        span = ordinary.trace.one(name)
        assert attempt.start <= span.start <= span.end <= attempt.end, f"{name} in\n{ordinary.trace}"
    for name in (step("load"), sp.SAVE_STATE, step("book"), sp.COMPLETE_JOB, sp.RELEASE_LEASE):
        assert attempt in ordinary.trace.above(ordinary.trace.one(name)), f"{name} in\n{ordinary.trace}"


def test_storage_calls_are_counted_on_what_waited_for_them(ordinary: Traced) -> None:
    for name in (
        SUBMIT,
        sp.ACQUIRE_LEASE,
        sp.TAKE_OVER_LOCK,
        step("load"),
        sp.SAVE_STATE,
        sp.COMPLETE_JOB,
        sp.RELEASE_LEASE,
    ):
        span = ordinary.trace.one(name)
        assert span.attributes[at.STORAGE_CALLS] >= 1, f"{name} in\n{ordinary.trace}"
        assert 0 < span.attributes[at.STORAGE_SECONDS] < 60
    calls = [span for span in ordinary.trace.spans if at.STORAGE_OPERATION in span.attributes]
    assert all(call.end - call.start >= 0.5 for call in calls), f"{ordinary.trace}"


def test_those_that_fail_or_are_slow_say_what_they_did(receiver: OtlpReceiver, mishaps: None) -> None:
    calls = [span for span in receiver.spans if at.STORAGE_OPERATION in span.attributes]
    assert calls
    for call in calls:
        assert call.name == call.attributes[at.STORAGE_OPERATION]
        assert call.attributes[at.STORAGE_OUTCOME] in at.STORAGE_OUTCOME.values
        assert (call.status == "error") == (call.attributes[at.STORAGE_OUTCOME] in {"unknown", "denied"})


def test_a_wake_up_is_sent_and_processed_once(ordinary: Traced, commanded: Commanded) -> None:
    for traced in (ordinary, commanded):
        (sent,) = [span for span in traced.trace.named(SEND) if span.service == Source.PUBLISHER.service_name]
        processed = traced.trace.one(PROCESS)
        assert (sent.kind, processed.kind) == ("producer", "consumer")
        assert processed.parent_id == sent.span_id, f"{traced.trace}"
        assert sent.attributes["messaging.system"] == "rabbitmq"


def test_a_projection_is_in_no_jobs_trace_and_leads_to_it(ordinary: Traced, receiver: OtlpReceiver) -> None:
    assert not [span for span in ordinary.trace.spans if span.service == Source.AUDIT_PROJECTOR.service_name]
    submission = ordinary.trace.submission()
    leading = [
        span
        for span in receiver.spans
        if (submission.trace_id, submission.span_id) in {(link.trace_id, link.span_id) for link in span.links}
        and span.service == Source.AUDIT_PROJECTOR.service_name
    ]
    assert {span.name for span in leading} == {sp.PROCESS_EVENTS}
    assert len(projections(receiver, ordinary.job)) <= sum(len(span.links) for span in leading)


def test_jobs_that_follow_one_another_on_a_lock_have_a_whole_trace_each(line: Line) -> None:
    traces = [traced.trace for traced in line.jobs]
    assert len({trace.trace_id for trace in traces}) == len(traces)
    for trace in traces:
        assert_hangs_together(trace)
        assert trace.submission().name in {SUBMIT, SUBMIT_SYNC}
        for name in (
            sp.WAIT_IN_LINE,
            step("load"),
            step("book"),
            sp.SAVE_STATE,
            sp.COMPLETE_JOB,
        ):
            assert len(trace.named(name)) == 1, f"{name} in\n{trace}"
        assert len(trace.named(*STARTS)) == 1, f"{trace}"
    assert traces[0].named(sp.TAKE_OVER_LOCK)
    # The first found nobody behind it when it started, and lets go at its end before it looks again.
    chained = traces[2].one(sp.START_NEXT_JOB)
    assert chained.attributes[at.HAND_OVER_CAUSE] == "chained"


def test_a_trace_shows_a_job_while_it_runs(line: Line) -> None:
    trace = line.while_running
    for name in (
        SUBMIT,
        sp.WAIT_IN_LINE,
        sp.ACQUIRE_LEASE,
        sp.TAKE_OVER_LOCK,
        step("load"),
        sp.SAVE_STATE,
    ):
        assert len(trace.named(name)) == 1, f"{name} in\n{trace}"
    assert not trace.named(sp.COMPLETE_JOB, step("book"), sp.RUN_JOB)
    stretches = trace.named(sp.RUN_SO_FAR)
    anchor = trace.one(sp.TAKE_OVER_LOCK)
    assert 1 < stretches[0].end - anchor.start < 4, f"{trace}"
    assert stretches[0].attributes[at.JOB_STEP] == "book"
    assert stretches[0].attributes[at.JOB_STEPS] == 1


def test_a_trace_shows_a_job_while_it_waits_and_behind_whom(line: Line) -> None:
    trace = line.while_waiting
    look = trace.named(sp.LOOK_AT_LINE)[0]
    assert look.service == Source.SCHEDULER.service_name
    assert look.attributes[at.LINE_POSITION] == 1
    assert look.attributes[at.LINE_LENGTH] == 2
    assert look.attributes[at.WORKER_NAME] == line.jobs[0].job.events()[-1]["worker"]
    assert not trace.named(sp.WAIT_IN_LINE, *STARTS)


def test_a_job_whose_wake_up_was_lost_is_started_from_the_scheduler(
    lost_wake_up: Traced, receiver: OtlpReceiver
) -> None:
    assert_hangs_together(lost_wake_up.trace)
    assert len(lost_wake_up.trace.named(*STARTS)) == 1, f"{lost_wake_up.trace}"
    notified = [
        span
        for span in receiver.spans
        if span.service == Source.SCHEDULER.service_name and span.name in {SEND, sp.SWEEP}
    ]
    assert {span.name for span in notified} == {SEND, sp.SWEEP}


def test_a_job_that_a_message_submits_continues_the_trace_of_the_message(commanded: Commanded) -> None:
    assert commanded.trace.trace_id == commanded.sender_trace, f"{commanded.trace}"
    assert_hangs_together(commanded.trace, below=commanded.sender_span)
    submission = commanded.trace.submission()
    processing = commanded.trace.above(submission)[0]
    assert (processing.service, processing.kind) == (Source.PUBLISHER.service_name, "consumer")
    assert processing.parent_id == commanded.sender_span
