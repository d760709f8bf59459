"""What the observer makes of single observations: counts, gauges, and what hangs beneath which span."""

import time
from collections.abc import Awaitable, Callable

import pytest
from opentelemetry import trace
from opentelemetry.trace import StatusCode
from tests.unit.captured import Captured
from tests.unit.worker.conftest import new_traceparent
from tests.unit.worker.observed import LOCK, Observed, beneath, events_of, job, run_of, span_data

from contracts.telemetry import attributes as at
from contracts.telemetry import metrics, spans
from coordination import observations as seen
from coordination.call_tracing import Took
from coordination.observations import Refusal
from coordination.outcomes import Completed
from service_defaults.storage_telemetry import TimedCall
from worker.telemetry import log_lines
from worker.telemetry.anchors import anchor


@pytest.fixture
def observed(captured: Captured) -> Observed:
    return Observed()


# --- storage calls -----------------------------------------------------------------------------------


async def test_a_lone_job_is_charged_with_every_call_from_the_lease_to_its_release(
    observed: Observed, captured: Captured
) -> None:
    await observed.begin(job())
    await observed.operate("step", 4, seen.StepRecorded(job(), "load", 0.1))
    await observed.operate("state", 5, seen.StateSaved(job(), 9))
    await observed.operate("flush", 6, seen.ProgressWritten(job()))
    await observed.finish(job())
    (calls,) = captured.points(metrics.JOB_STORAGE_CALLS)
    assert (calls.count, calls.sum) == (1, 2 + 3 + 4 + 5 + 6 + 1 + 1 + 2)
    assert calls.sum == observed.made


async def test_of_chained_jobs_each_is_charged_with_what_it_took(
    observed: Observed, captured: Captured
) -> None:
    first, second = job("one"), job("two")
    await observed.begin(first)
    await observed.operate(
        "chain", 7, seen.RunEnded(first, Completed()), seen.RunStarted(second, after=first)
    )
    (calls,) = captured.points(metrics.JOB_STORAGE_CALLS)
    assert (calls.count, calls.sum) == (1, 2 + 3 + 7)
    await observed.finish(second)
    (calls,) = captured.points(metrics.JOB_STORAGE_CALLS)
    assert (calls.count, calls.sum) == (2, observed.made)


async def test_a_lock_on_which_nothing_ran_charges_no_job(observed: Observed, captured: Captured) -> None:
    await observed.operate("acquire", 2, seen.LeaseAcquired(LOCK, 0.1))
    await observed.operate("release", 1, seen.LeaseReleased(LOCK))
    await observed.operate("look", 2, seen.LockLeft(LOCK))
    assert captured.points(metrics.JOB_STORAGE_CALLS) == []


async def test_a_run_that_is_left_without_its_end_is_charged_as_well(
    observed: Observed, captured: Captured
) -> None:
    await observed.begin(job())
    await observed.operate("step", 4, seen.StepRecorded(job(), "load", 0.1))
    await observed.operate("release", 1, seen.LeaseReleased(LOCK))
    await observed.operate("look", 2, seen.LockLeft(LOCK))
    (calls,) = captured.points(metrics.JOB_STORAGE_CALLS)
    assert (calls.count, calls.sum) == (1, observed.made)


async def test_calls_are_counted_on_the_span_of_what_made_them(
    observed: Observed, captured: Captured
) -> None:
    traced = job(traceparent=new_traceparent())
    await observed.begin(traced)
    await observed.operate("state", 2, seen.StateSaved(traced, 9))
    await observed.finish(traced)
    counts = {
        spans.ACQUIRE_LEASE: 2,
        spans.TAKE_OVER_LOCK: 3,
        spans.SAVE_STATE: 2,
        spans.COMPLETE_JOB: 1,
        spans.RELEASE_LEASE: 1,
    }
    for name, expected in counts.items():
        assert captured.span(name).attributes[at.STORAGE_CALLS] == expected
        assert captured.span(name).attributes[at.STORAGE_SECONDS] == pytest.approx(expected / 1e9, abs=1e-6)
    own = [spans.SAVE_STATE, spans.COMPLETE_JOB, spans.RELEASE_LEASE]
    assert sorted(beneath(captured, captured.span(spans.RUN_JOB))) == sorted(own)
    assert len(captured.spans()) == len(counts) + 1
    state = captured.span(spans.SAVE_STATE)
    assert state.attributes[at.JOB_STATE_SIZE] == 9


async def test_what_is_observed_outside_of_any_operation_took_no_calls(
    observed: Observed, captured: Captured, caplog: pytest.LogCaptureFixture
) -> None:
    traced = job(traceparent=new_traceparent())
    for seen_alone in (
        seen.LeaseAcquired(LOCK, 0.1),
        seen.RunStarted(traced),
        seen.RunEnded(traced, Completed()),
        seen.LeaseReleased(LOCK),
        seen.LockLeft(LOCK),
    ):
        observed.telemetry.observe(seen_alone)
    assert "telemetry failed" not in caplog.text
    (calls,) = captured.points(metrics.JOB_STORAGE_CALLS)
    assert (calls.count, calls.sum) == (1, 0)
    names = [
        spans.ACQUIRE_LEASE,
        spans.TAKE_OVER_LOCK,
        spans.COMPLETE_JOB,
        spans.RUN_JOB,
        spans.RELEASE_LEASE,
    ]
    assert [span.name for span in captured.spans()] == names


# --- gauges -------------------------------------------------------------------------------------------


class Runners:
    alive, idle = 3, 1


async def test_locks_that_are_held_and_runs_that_are_silent_are_shown(
    observed: Observed, captured: Captured, caplog: pytest.LogCaptureFixture
) -> None:
    observed.telemetry.show_gauges(Runners())
    assert captured.values(metrics.RUNNERS) == {("busy",): 2, ("idle",): 1}
    assert captured.values(metrics.LOCKS_HELD) == {(): 0}
    assert captured.points(metrics.JOB_SILENCE) == []
    await observed.operate("acquire", 0, seen.LeaseAcquired("another", 0.1))
    await observed.begin(job())
    assert captured.values(metrics.LOCKS_HELD) == {(): 2}
    assert captured.values(metrics.JOB_SILENCE).keys() == {("ten-steps",)}
    await observed.finish(job())
    assert captured.values(metrics.LOCKS_HELD) == {(): 1}
    assert captured.points(metrics.JOB_SILENCE) == []
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []


Sign = Callable[[Observed], Awaitable[None]]


async def report(observed: Observed) -> None:
    observed.telemetry.reported(run_of(job()), 1.0, 2.0, "load")


async def record_step(observed: Observed) -> None:
    await observed.operate("step", 1, seen.StepRecorded(job(), "load", 0.1))


async def save_state(observed: Observed) -> None:
    await observed.operate("state", 1, seen.StateSaved(job(), 9))


async def renew(observed: Observed) -> None:
    await observed.operate("renew", 1, seen.LeaseRenewed(LOCK, 4.0))


@pytest.mark.parametrize(
    ("sign", "is_one"), [(report, True), (record_step, True), (save_state, True), (renew, False)]
)
async def test_a_run_is_silent_since_it_last_showed_that_it_gets_on(
    observed: Observed, captured: Captured, sign: Sign, *, is_one: bool
) -> None:
    observed.telemetry.show_gauges(Runners())
    await observed.begin(job())
    [run] = observed.telemetry._open_runs()
    run.sign -= 3600
    await sign(observed)
    silent = captured.values(metrics.JOB_SILENCE)["ten-steps",]
    assert (silent < 3600) == is_one


# --- what goes wrong ----------------------------------------------------------------------------------


async def test_a_renewal_that_fails_is_counted_and_told_with_the_next_span_of_the_run(
    observed: Observed, captured: Captured
) -> None:
    traced = job(traceparent=new_traceparent())
    await observed.begin(traced)
    await observed.operate("renew", 1, seen.RenewalFailed(LOCK, "no answer"))
    assert captured.values(metrics.RENEWALS_FAILED) == {("definitive",): 0, ("transient",): 1}
    assert captured.spans(spans.RUN_SO_FAR) == []
    await observed.finish(traced)
    expected = [(spans.RENEWAL_FAILED, {at.REASON: "no answer"})]
    assert events_of(captured.span(spans.RUN_JOB)) == expected


@pytest.mark.parametrize("is_lost", [True, False])
async def test_a_lease_that_ends_closes_the_run_and_counts_as_definitive_only_if_it_is_lost(
    observed: Observed, captured: Captured, *, is_lost: bool
) -> None:
    traced = job(traceparent=new_traceparent(), steps=4)
    await observed.begin(traced)
    [run] = observed.telemetry._open_runs()
    await observed.operate("renew", 0, seen.LeaseEnded(LOCK, "gone", is_lost))
    assert captured.values(metrics.RENEWALS_FAILED) == {("definitive",): int(is_lost), ("transient",): 0}
    last = captured.span(spans.RUN_SO_FAR)
    assert captured.spans(spans.RUN_JOB) == []  # the worker that records the end exports it
    assert events_of(last) == [(spans.LEASE_LOST, {at.REASON: "gone"})]
    assert last.status.status_code is StatusCode.ERROR
    assert last.attributes[at.JOB_STEPS] == 4
    assert run.timer is not None
    assert run.timer.cancelled()


async def test_a_write_that_is_refused_closes_the_run_and_is_counted_by_how(
    observed: Observed, captured: Captured
) -> None:
    traced = job(traceparent=new_traceparent())
    await observed.begin(traced)
    [run] = observed.telemetry._open_runs()
    await observed.operate("step", 0, seen.Fenced(LOCK, "one", Refusal.TOO_LATE, "why"))
    counts = captured.values(metrics.WRITES_REFUSED)
    assert counts == {("taken_over",): 0, ("too_late",): 1, ("unknown",): 0}
    last = captured.span(spans.RUN_SO_FAR)
    assert captured.spans(spans.RUN_JOB) == []  # the worker that records the end exports it
    assert events_of(last) == [(spans.WRITE_REFUSED, {at.REASON: "why"})]
    assert last.status.status_code is StatusCode.ERROR
    assert run.timer is not None
    assert run.timer.cancelled()


async def test_what_happens_to_a_lock_on_which_nothing_runs_is_only_counted(
    observed: Observed, captured: Captured, caplog: pytest.LogCaptureFixture
) -> None:
    await observed.operate("acquire", 0, seen.LeaseAcquired(LOCK, 0.1))
    for wrong in (
        seen.RenewalFailed(LOCK, "no answer"),
        seen.LeaseEnded(LOCK, "gone", is_lost=True),
        seen.Fenced("another", "one", Refusal.TAKEN_OVER, "why"),
        seen.StepRecorded(job(), "load", 0.1),
        seen.RunEnded(job(), Completed()),
        seen.LeaseReleased("another"),
        seen.LockLeft("another"),
        seen.NotForThisWorker(LOCK, "unknown"),
    ):
        await observed.operate("any", 0, wrong)
    assert "telemetry failed" not in caplog.text
    assert captured.values(metrics.RENEWALS_FAILED) == {("definitive",): 1, ("transient",): 1}
    assert captured.values(metrics.JOBS_UNKNOWN_KIND) == {(): 1}
    assert captured.points(metrics.JOB_RUN_DURATION) == captured.spans() == []


@pytest.mark.parametrize(
    ("observation", "event"),
    [(seen.LeaseDenied(LOCK), spans.LOCK_HELD), (seen.WakeUpDeferred(LOCK), spans.WAKE_UP_DEFERRED)],
)
async def test_a_wake_up_that_leads_nowhere_is_noted_on_its_span(
    observed: Observed, captured: Captured, observation: seen.Observation, event: str
) -> None:
    with trace.get_tracer("test").start_as_current_span("process jobs"):
        await observed.operate("answer", 0, observation)
    assert events_of(captured.span("process jobs")) == [(event, {at.LOCK_NAME: LOCK})]


# --- what is measured and logged of a run -------------------------------------------------------------


async def test_what_is_observed_is_logged(observed: Observed, monkeypatch: pytest.MonkeyPatch) -> None:
    logged: list[seen.Observation] = []
    monkeypatch.setattr(log_lines, "write", logged.append)
    observations: list[seen.Observation] = [seen.LeaseDenied(LOCK), seen.LockLeft(LOCK)]
    for observation in observations:
        observed.telemetry.observe(observation)
    assert logged == observations


async def test_the_margin_of_each_renewal_is_measured_during_a_run_and_before(
    observed: Observed, captured: Captured
) -> None:
    await observed.operate("acquire", 0, seen.LeaseAcquired(LOCK, 0.1))
    await observed.operate("renew", 1, seen.LeaseRenewed(LOCK, 4.0))
    await observed.operate("take over", 0, seen.RunStarted(job(traceparent=new_traceparent())))
    await observed.operate("renew", 1, seen.LeaseRenewed(LOCK, 3.0))
    (margin,) = captured.points(metrics.LEASE_MARGIN)
    assert (margin.count, margin.sum) == (2, 7.0)


async def test_a_run_is_measured_in_seconds_from_its_start_to_its_end(
    observed: Observed, captured: Captured
) -> None:
    await observed.begin(job())
    [run] = observed.telemetry._open_runs()
    run.began -= 100 * 10**9
    await observed.finish(job())
    (took,) = captured.points(metrics.JOB_RUN_DURATION)
    assert (took.count, 100 <= took.sum < 160) == (1, True)


async def test_a_run_whose_lock_is_given_back_without_its_end_is_not_told_on(
    observed: Observed, captured: Captured
) -> None:
    await observed.begin(job(traceparent=new_traceparent()))
    [run] = observed.telemetry._open_runs()
    await observed.operate("release", 1, seen.LeaseReleased(LOCK))
    assert run.timer is not None
    assert run.timer.cancelled()


async def test_a_start_without_a_lease_that_was_seen_is_charged_from_then_on(
    observed: Observed, captured: Captured
) -> None:
    await observed.operate("take over", 3, seen.RunStarted(job()))
    await observed.finish(job())
    (calls,) = captured.points(metrics.JOB_STORAGE_CALLS)
    assert (calls.count, calls.sum) == (1, observed.made)


async def test_the_end_of_what_never_ran_here_and_a_lock_on_which_nothing_ran_are_passed_over(
    observed: Observed, captured: Captured, caplog: pytest.LogCaptureFixture
) -> None:
    await observed.operate("end", 1, seen.RunEnded(job(), Completed()))
    await observed.operate("acquire", 2, seen.LeaseAcquired(LOCK, 0.1))
    await observed.operate("look", 2, seen.LockLeft(LOCK))
    assert "telemetry failed" not in caplog.text
    assert captured.points(metrics.JOB_RUN_DURATION) == captured.points(metrics.JOB_STORAGE_CALLS) == []


@pytest.mark.parametrize("is_traced", [True, False])
async def test_a_step_of_a_run_that_is_over_or_has_no_trace_is_told_without_calls(
    observed: Observed, captured: Captured, *, is_traced: bool
) -> None:
    traceparent = new_traceparent()
    row = job(traceparent=traceparent if is_traced else None)
    if not is_traced:
        await observed.begin(row)
        await observed.operate("step", 2, seen.StepRecorded(row, "load", 0.1))
    observed.telemetry.step_over(run_of(row), "load", span_data(traceparent))
    assert len(captured.spans()) == is_traced


# --- runners ------------------------------------------------------------------------------------------


async def test_the_calls_that_recorded_a_step_are_counted_once_on_its_span(
    observed: Observed, captured: Captured
) -> None:
    traceparent = new_traceparent()
    traced = job(traceparent=traceparent)
    await observed.begin(traced)
    await observed.operate("step", 2, seen.StepRecorded(traced, "load", 0.1))
    observed.telemetry.step_over(run_of(traced), "load", span_data(traceparent))
    observed.telemetry.step_over(run_of(traced), "count", span_data(traceparent, f"{0xBB:016x}", "count"))
    load, count = captured.span("step load"), captured.span("step count")
    assert (load.attributes[at.STORAGE_CALLS], count.attributes.get(at.STORAGE_CALLS)) == (2, None)


async def test_calls_that_failed_or_were_slow_hang_beneath_what_made_them(
    observed: Observed, captured: Captured
) -> None:
    traceparent = new_traceparent()
    traced = job(traceparent=traceparent)
    await observed.begin(traced)
    took = Took(time.time_ns())
    second = 1_000_000_000
    took.calls += [TimedCall("lost", "unknown", 1, 2), TimedCall("again", "ok", 1, 2, resends=1)]
    took.calls += [TimedCall("slow", "ok", 1, 1 + second // 2), TimedCall("quick", "ok", 1, second // 2)]
    observed.telemetry.observe(seen.StepRecorded(traced, "load", 0.1, took=took))
    observed.telemetry.step_over(run_of(traced), "load", span_data(traceparent))
    load = captured.span("step load")
    assert beneath(captured, load) == ["lost", "again", "slow"]
    assert load.attributes[at.STORAGE_CALLS] == 4


async def test_a_span_of_a_handler_hangs_beneath_the_anchor_that_the_handler_was_given(
    observed: Observed, captured: Captured
) -> None:
    traceparent = new_traceparent()
    traced = job(traceparent=traceparent)
    mine = anchor(traced)
    assert mine is not None
    given = observed.telemetry.run_traceparent(run_of(traced))
    assert given == f"00-{mine.trace_id:032x}-{mine.span_id:016x}-01"
    observed.telemetry.span_over(run_of(traced), span_data(traceparent))
    assert captured.span("load").parent.span_id == mine.span_id


async def test_a_job_without_a_trace_has_no_spans_and_gives_its_handler_none(
    observed: Observed, captured: Captured
) -> None:
    untraced = run_of(job())
    await observed.begin(job())
    assert observed.telemetry.run_traceparent(untraced) is None
    observed.telemetry.span_over(untraced, span_data(new_traceparent()))
    observed.telemetry.step_over(untraced, "load", span_data(new_traceparent()))
    assert captured.spans() == []


def test_runners_that_are_replaced_are_counted_by_why(observed: Observed, captured: Captured) -> None:
    observed.telemetry.runner_replaced("ended")
    assert captured.values(metrics.RUNNER_RESTARTS) == {("died",): 0, ("ended",): 1}
