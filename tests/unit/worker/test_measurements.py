"""What a worker measures: every number, under the right labels, and from zero where an alert looks."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from opentelemetry import trace
from tests.unit.captured import Captured
from tests.unit.worker.conftest import new_traceparent

from contracts.telemetry import attributes as at
from contracts.telemetry import metrics
from contracts.telemetry.names import Metric
from coordination.journal.events import timestamp
from coordination.journal.rows import JobRow
from coordination.observations import Fenced, HandOver, HandOverCause, Refusal, RunStarted, StepRecorded
from worker.telemetry.measurements import Measurements, silences, states
from worker.telemetry.open_runs import OpenRun

JOB = JobRow("id", "ten-steps", "ledger", attempt=1)

#: Seconds that a test may be held up between a moment and its measurement.
SLACK = 60.0


@pytest.fixture
def measurements(captured: Captured) -> Measurements:
    return Measurements()


def ago(seconds: float) -> str:
    return timestamp(datetime.now(UTC) - timedelta(seconds=seconds))


def started(
    queued: str, cause: HandOverCause | None = None, freed: str = "", traceparent: str | None = None
) -> RunStarted:
    job = JobRow("id", "ten-steps", "ledger", attempt=1, queued_at=queued, traceparent=traceparent)
    return RunStarted(job, None if cause is None else HandOver(cause, freed))


def only(captured: Captured, metric: Metric, labels: dict[str, str]) -> Any:
    """Return the only point of a metric, which has these labels."""
    (point,) = captured.points(metric)
    assert point.attributes == labels
    return point


def test_the_wait_in_line_is_measured_from_when_the_job_was_queued(
    measurements: Measurements, captured: Captured
) -> None:
    measurements.started(started(ago(100)))
    waited = only(captured, metrics.JOB_LINE_DURATION, {at.JOB_KIND: "ten-steps"})
    assert (waited.count, 100 <= waited.sum < 100 + SLACK) == (1, True)
    assert captured.points(metrics.HAND_OVER_DURATION) == captured.points(metrics.TAKE_OVER_DURATION) == []


def test_a_wait_whose_clock_is_ahead_is_no_wait(measurements: Measurements, captured: Captured) -> None:
    measurements.started(started(ago(-3600)))
    assert only(captured, metrics.JOB_LINE_DURATION, {at.JOB_KIND: "ten-steps"}).sum == 0


def test_a_job_that_does_not_say_since_when_it_waits_is_not_measured(
    measurements: Measurements, captured: Captured
) -> None:
    measurements.started(started("", HandOverCause.RELEASED, ago(10)))
    assert captured.points(metrics.JOB_LINE_DURATION) == []


@pytest.mark.parametrize("cause", [HandOverCause.CHAINED, HandOverCause.RELEASED])
def test_a_start_alone_measures_no_hand_over(
    measurements: Measurements, captured: Captured, cause: HandOverCause
) -> None:
    measurements.started(started(ago(100), cause, ago(50)))
    assert captured.points(metrics.HAND_OVER_DURATION) == captured.points(metrics.TAKE_OVER_DURATION) == []


@pytest.mark.parametrize("cause", [HandOverCause.CHAINED, HandOverCause.RELEASED])
@pytest.mark.parametrize(("seconds", "measured"), [(0.0042, 0.0042), (-1, 0)])
def test_a_hand_over_is_measured_by_its_cause(
    measurements: Measurements, captured: Captured, cause: HandOverCause, seconds: float, measured: float
) -> None:
    measurements.handed_over(JOB, cause, seconds)
    took = only(captured, metrics.HAND_OVER_DURATION, {at.HAND_OVER_CAUSE: cause.value})
    assert (took.count, took.sum) == (1, measured)


@pytest.mark.parametrize("cause", [HandOverCause.RUNNER_DIED, HandOverCause.WORKER_STOPPED])
def test_a_take_over_is_measured_from_when_the_run_before_was_cut_off(
    measurements: Measurements, captured: Captured, cause: HandOverCause
) -> None:
    measurements.started(started(ago(50), cause, ago(100)))
    took = only(captured, metrics.TAKE_OVER_DURATION, {at.TAKE_OVER_CAUSE: cause.value})
    assert (took.count, 100 <= took.sum < 100 + SLACK) == (1, True)
    assert captured.points(metrics.HAND_OVER_DURATION) == []


def test_a_take_over_from_a_lost_worker_is_left_to_its_heartbeat(
    measurements: Measurements, captured: Captured
) -> None:
    measurements.started(started(ago(50), HandOverCause.WORKER_LOST))
    assert captured.points(metrics.TAKE_OVER_DURATION) == []
    measurements.taken_over(JOB, HandOverCause.WORKER_LOST, 12.5)
    took = only(captured, metrics.TAKE_OVER_DURATION, {at.TAKE_OVER_CAUSE: "worker_lost"})
    assert (took.count, took.sum) == (1, 12.5)


@pytest.mark.parametrize(("seconds", "measured"), [(12.5, 12.5), (-1, 0)])
def test_a_run_is_measured_by_its_kind_and_end(
    measurements: Measurements, captured: Captured, seconds: float, measured: float
) -> None:
    measurements.ended(JOB, "failed", seconds)
    run = only(captured, metrics.JOB_RUN_DURATION, {at.JOB_KIND: "ten-steps", at.JOB_OUTCOME: "failed"})
    assert (run.count, run.sum) == (1, measured)


def test_storage_calls_are_measured_by_kind(measurements: Measurements, captured: Captured) -> None:
    measurements.called(JOB, 7)
    calls = only(captured, metrics.JOB_STORAGE_CALLS, {at.JOB_KIND: "ten-steps"})
    assert (calls.count, calls.sum) == (1, 7)


def step_sums(captured: Captured) -> dict[tuple[str, str], float]:
    points = captured.points(metrics.JOB_STEP_DURATION)
    return {(point.attributes[at.JOB_KIND], point.attributes[at.JOB_STEP]): point.sum for point in points}


def test_steps_are_measured_by_name_without_the_number_of_a_repetition(
    measurements: Measurements, captured: Captured
) -> None:
    for name, seconds in (("load", 1.0), ("load#2", 2.0), ("count", 4.0)):
        measurements.step(StepRecorded(JOB, name, seconds))
    assert step_sums(captured) == {("ten-steps", "load"): 3, ("ten-steps", "count"): 4}


def test_fifty_step_names_of_a_kind_are_measured_by_name_and_all_others_together(
    measurements: Measurements, captured: Captured
) -> None:
    for number in range(52):
        measurements.step(StepRecorded(JOB, f"step {number}", 1.0))
    measurements.step(StepRecorded(JOB, "step 7", 1.0))
    measurements.step(StepRecorded(JobRow("id", "another", "ledger"), "step 51", 1.0))
    expected = {("ten-steps", f"step {number}"): 1.0 for number in range(50)}
    expected |= {("ten-steps", "step 7"): 2, ("ten-steps", "(other)"): 2, ("another", "step 51"): 1}
    assert step_sums(captured) == expected


@pytest.mark.parametrize("job", [JOB, None])
def test_the_margin_of_a_renewal_is_measured_during_a_run_and_between_two(
    measurements: Measurements, captured: Captured, job: JobRow | None
) -> None:
    measurements.renewed(job, 4.5)
    margin = only(captured, metrics.LEASE_MARGIN, {})
    assert (margin.count, margin.sum) == (1, 4.5)


def test_what_an_alert_looks_at_is_there_before_it_happens(
    measurements: Measurements, captured: Captured
) -> None:
    assert captured.values(metrics.RENEWALS_FAILED) == {("definitive",): 0, ("transient",): 0}
    assert captured.values(metrics.WRITES_REFUSED) == {("taken_over",): 0, ("too_late",): 0, ("unknown",): 0}
    assert captured.values(metrics.RUNNER_RESTARTS) == {("died",): 0, ("ended",): 0}
    assert captured.values(metrics.JOBS_UNKNOWN_KIND) == {(): 0}


def test_what_goes_wrong_is_counted_by_how(measurements: Measurements, captured: Captured) -> None:
    measurements.not_renewed(definitive=True)
    for _ in range(2):
        measurements.not_renewed(definitive=False)
    assert captured.values(metrics.RENEWALS_FAILED) == {("definitive",): 1, ("transient",): 2}
    for refusal, times in ((Refusal.TAKEN_OVER, 1), (Refusal.TOO_LATE, 2), (Refusal.UNKNOWN, 3)):
        for _ in range(times):
            measurements.refused(Fenced("ledger", "id", refusal, "why"))
    assert captured.values(metrics.WRITES_REFUSED) == {("taken_over",): 1, ("too_late",): 2, ("unknown",): 3}
    measurements.runner_replaced("died")
    assert captured.values(metrics.RUNNER_RESTARTS) == {("died",): 1, ("ended",): 0}
    measurements.unknown_kind()
    assert captured.values(metrics.JOBS_UNKNOWN_KIND) == {(): 1}


def test_wake_ups_are_counted_by_their_answer(measurements: Measurements, captured: Captured) -> None:
    for answer in ("taken", "held", "held"):
        measurements.answered(answer)
    assert captured.values(metrics.WAKE_UPS_HANDLED) == {("taken",): 1, ("held",): 2}


class Runners:
    """A pool of so many runners."""

    def __init__(self, alive: int, idle: int) -> None:
        self.alive, self.idle = alive, idle


@pytest.mark.parametrize(("alive", "idle", "busy"), [(5, 2, 3), (2, 2, 0), (1, 2, 0)])
def test_runners_are_busy_or_idle(alive: int, idle: int, busy: int) -> None:
    read = {reading.labels[at.RUNNER_STATE]: reading.value for reading in states(Runners(alive, idle))}
    assert read == {"busy": busy, "idle": idle}


def test_of_each_kind_the_most_silent_run_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.telemetry.measurements.time", SimpleNamespace(monotonic=lambda: 5000.0))

    def run(kind: str, silent: float) -> OpenRun:
        return OpenRun(JobRow("id", kind, "ledger"), None, 0, 0, sign=5000.0 - silent)

    runs = [run("a", 100), run("a", 1000), run("a", 10), run("b", 500), run("c", 0.5)]
    read = {reading.labels[at.JOB_KIND]: reading.value for reading in silences(runs)}
    assert read == {"a": 1000, "b": 500, "c": 0.5}


@pytest.mark.parametrize("is_traced", [True, False])
@pytest.mark.parametrize(
    "metric",
    [
        metrics.JOB_LINE_DURATION,
        metrics.HAND_OVER_DURATION,
        metrics.TAKE_OVER_DURATION,
        metrics.JOB_RUN_DURATION,
        metrics.JOB_STORAGE_CALLS,
        metrics.JOB_STEP_DURATION,
        metrics.LEASE_MARGIN,
    ],
)
def test_an_exemplar_leads_to_the_run_and_to_no_other_trace(
    measurements: Measurements, captured: Captured, metric: Metric, *, is_traced: bool
) -> None:
    traceparent = new_traceparent() if is_traced else None
    freed = ago(5)
    with trace.get_tracer("test").start_as_current_span("another"):
        measurements.started(started(freed, HandOverCause.RUNNER_DIED, freed, traceparent))
        job = started(freed, traceparent=traceparent).job
        measurements.handed_over(job, HandOverCause.CHAINED, 0.01)
        measurements.ended(job, "completed", 1)
        measurements.called(job, 1)
        measurements.step(StepRecorded(job, "load", 1))
        measurements.renewed(job, 1)
    (point,) = captured.points(metric)
    traces = {exemplar.trace_id for exemplar in point.exemplars}
    assert traces == ({int(traceparent.split("-")[1], 16)} if traceparent else set())
