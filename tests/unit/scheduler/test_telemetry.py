"""What the scheduler emits."""

import logging
from collections.abc import Iterator
from datetime import timedelta

import pytest
from tests.unit.captured import Captured, capturing

from contracts.jobs import Worker
from contracts.telemetry import attributes as at
from contracts.telemetry import metrics, spans
from coordination.clock import VirtualClock
from coordination.journal.rows import JobRow
from coordination.maintenance.due_jobs import Went
from coordination.maintenance.queue_snapshot import LineSeen, Look, QueueSnapshot, RunSeen
from coordination.maintenance.sweeper import Swept
from coordination.ports import ActiveJob, UnknownOutcomeError
from scheduler.telemetry import SchedulerTelemetry

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture
def captured() -> Iterator[Captured]:
    with capturing() as captured:
        yield captured


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def telemetry(captured: Captured, clock: VirtualClock) -> SchedulerTelemetry:
    return SchedulerTelemetry(clock, 15.0)


def look(traceparent: str | None, worker: str = "w") -> Look:
    job = JobRow("id", "ten-steps", "ledger", traceparent=traceparent)
    return Look(job, 3, 7, 12.3456, worker)


def test_a_waiting_job_is_told_in_its_own_trace(telemetry: SchedulerTelemetry, captured: Captured) -> None:
    telemetry.snapshot_taken(QueueSnapshot(looks=[look(f"00-{TRACE}-{PARENT}-01")]), [])
    span = captured.span(spans.LOOK_AT_LINE)
    assert (f"{span.context.trace_id:032x}", f"{span.parent.span_id:016x}") == (TRACE, PARENT)
    assert span.attributes == {
        at.JOB_ID: "id",
        at.JOB_KIND: "ten-steps",
        at.LOCK_NAME: "ledger",
        at.LINE_POSITION: 3,
        at.LINE_LENGTH: 7,
        at.LINE_SECONDS: 12.346,
        at.WORKER_NAME: "w",
    }


def test_a_job_behind_nobodys_run_names_no_worker(telemetry: SchedulerTelemetry, captured: Captured) -> None:
    looks = [look(f"00-{TRACE}-{PARENT}-01", worker="") for _ in range(3)]
    telemetry.snapshot_taken(QueueSnapshot(looks=[look(None), *looks]), [])
    found = captured.spans(spans.LOOK_AT_LINE)
    assert len(found) == 3  # one that has no trace keeps no other from being told of
    assert not any(at.WORKER_NAME in span.attributes for span in found)


@pytest.mark.parametrize("traceparent", [None, "", "nonsense", f"00-{TRACE}-{PARENT}-00"])
def test_a_job_without_a_trace_or_one_that_is_not_sampled_has_no_span(
    telemetry: SchedulerTelemetry, captured: Captured, traceparent: str | None
) -> None:
    telemetry.snapshot_taken(QueueSnapshot(looks=[look(traceparent)]), [])
    assert captured.spans() == []


def test_only_the_longest_lines_and_runs_are_named(telemetry: SchedulerTelemetry, captured: Captured) -> None:
    lines = [LineSeen(f"l{number}", 100 - number, float(number)) for number in range(15)]
    runs = [RunSeen(f"l{number}", "job", "w", 100.0 - number, "k") for number in range(15)]
    telemetry.snapshot_taken(QueueSnapshot(5, 15, lines, runs), [])
    lengths = captured.values(metrics.LINE_LENGTH)
    assert (len(lengths), lengths["l0",], lengths["(other)",]) == (11, 100, 90 + 89 + 88 + 87 + 86)
    ages = captured.values(metrics.LINE_AGE)
    assert (len(ages), ages["l14",], ages["(other)",]) == (11, 14, 4)
    longest = captured.values(metrics.LOCK_RUN_AGE)
    # By the names of the labels: kind, lock, worker.
    assert (len(longest), longest["k", "l0", "w"]) == (11, 100)
    assert longest["(other)", "(other)", "(other)"] == 90
    assert captured.values(metrics.JOBS) == {("queued",): 5, ("running",): 15}


def test_ten_lines_and_runs_are_all_named(telemetry: SchedulerTelemetry, captured: Captured) -> None:
    lines = [LineSeen(f"l{number}", 1, 1.0) for number in range(10)]
    runs = [RunSeen(f"l{number}", "job", "w", 1.0, "k") for number in range(10)]
    telemetry.snapshot_taken(QueueSnapshot(10, 10, lines, runs), [])
    names = {f"l{number}" for number in range(10)}
    assert {name for (name,) in captured.values(metrics.LINE_LENGTH)} == names
    assert {name for (name,) in captured.values(metrics.LINE_AGE)} == names
    assert {name for _, name, _ in captured.values(metrics.LOCK_RUN_AGE)} == names


@pytest.mark.parametrize("repair", ["notified", "announced", "abandoned"])
def test_each_repair_alone_makes_a_span(
    telemetry: SchedulerTelemetry, captured: Captured, repair: str
) -> None:
    telemetry.swept(Swept(**{repair: 1}), 0.5)  # type: ignore[arg-type]
    assert captured.span(spans.SWEEP)


def test_a_duty_that_begins_is_logged(
    telemetry: SchedulerTelemetry, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        telemetry.on_duty()
        telemetry.failed("sweep", UnknownOutcomeError("no answer"))
    said = [(record.levelno, record.message) for record in caplog.records]
    assert said == [(logging.INFO, "leadership acquired"), (logging.WARNING, "sweep failed")]
    assert vars(caplog.records[1])[at.ERROR_MESSAGE] == "no answer"


def test_few_lines_leave_no_others(telemetry: SchedulerTelemetry, captured: Captured) -> None:
    telemetry.snapshot_taken(QueueSnapshot(1, 0, [LineSeen("a", 1, 2.0)]), [])
    assert captured.values(metrics.LINE_LENGTH) == {("a",): 1}
    assert captured.values(metrics.LINE_AGE) == {("a",): 2}


def test_workers_are_alive_silent_or_gone(
    telemetry: SchedulerTelemetry, captured: Captured, clock: VirtualClock
) -> None:
    silences = [-5, 0, 35, 35.000001, 3600, 3600.000001, 86_400]
    beats = [clock.now() - timedelta(seconds=silence) for silence in silences]
    telemetry.snapshot_taken(QueueSnapshot(), [Worker(worker=str(beat), seen_at=beat) for beat in beats])
    assert captured.values(metrics.WORKERS) == {("alive",): 3, ("silent",): 2}
    busy = [Worker(worker=str(beat), seen_at=beat, running=["job"]) for beat in beats]
    telemetry.snapshot_taken(QueueSnapshot(), busy)
    assert captured.values(metrics.WORKERS) == {("alive",): 2, ("silent",): 3}


def test_a_worker_that_was_stopped_in_order_is_neither_alive_nor_silent(
    telemetry: SchedulerTelemetry, captured: Captured, clock: VirtualClock
) -> None:
    now = clock.now()
    beats = [now, now - timedelta(seconds=60)]
    stopped = [Worker(worker=str(beat), seen_at=beat, stopped_at=beat) for beat in beats]
    telemetry.snapshot_taken(QueueSnapshot(), [*stopped, Worker(worker="w", seen_at=now)])
    assert captured.values(metrics.WORKERS) == {("alive",): 1, ("silent",): 0}


def test_repairs_are_counted_from_zero(telemetry: SchedulerTelemetry, captured: Captured) -> None:
    zero = {("notified",): 0, ("announced",): 0, ("abandoned",): 0}
    assert captured.values(metrics.SWEEP_REPAIRS) == zero
    telemetry.swept(Swept(notified=2, announced=1), 0.5)
    assert captured.values(metrics.SWEEP_REPAIRS) == zero | {("notified",): 2, ("announced",): 1}
    telemetry.swept(Swept(abandoned=4), 0.5)
    repairs = {("notified",): 2, ("announced",): 1, ("abandoned",): 4}
    assert captured.values(metrics.SWEEP_REPAIRS) == repairs


def test_jobs_that_expired_are_counted_from_zero_and_shown_in_their_own_traces(
    telemetry: SchedulerTelemetry, captured: Captured
) -> None:
    assert captured.values(metrics.JOB_EXPIRATIONS) == {(): 0}
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    traced, untraced = JobRow("a", "kind", "L", traceparent=trace), JobRow("b", "kind", "L")
    telemetry.swept(Swept(expired=[traced, untraced]), 0.5)
    assert captured.values(metrics.JOB_EXPIRATIONS) == {(): 2}
    span = captured.span(spans.EXPIRE_JOB)
    assert (span.attributes or {})[at.JOB_ID] == "a"
    assert f"{span.context.trace_id:032x}" == trace.split("-")[1]


def test_jobs_that_leave_are_counted_by_step_and_logged(
    telemetry: SchedulerTelemetry, captured: Captured, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        telemetry.retained(Went())
        assert not caplog.records
        telemetry.retained(Went(3, 2, 1, put_off=4, broken=[("id", "its chain is broken")]))
    assert captured.values(metrics.RETENTION_STEPS) == {
        ("archived",): 3, ("deleted",): 2, ("forgotten",): 1, ("broken",): 1,
    }  # fmt: skip
    error, info = caplog.records
    assert (error.levelname, getattr(error, at.JOB_ID), getattr(error, at.REASON)) == (
        "ERROR",
        "id",
        "its chain is broken",
    )
    steps = (at.RETENTION_ARCHIVED, at.RETENTION_DELETED, at.RETENTION_FORGOTTEN, at.RETENTION_PUT_OFF)
    assert [getattr(info, name) for name in steps] == [3, 2, 1, 4]


def test_only_a_sweep_that_repaired_something_is_a_span(
    telemetry: SchedulerTelemetry,
    captured: Captured,
    clock: VirtualClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    jobs = [ActiveJob(job_id, "ledger", "p", clock.now()) for job_id in ("a", "b", "c", "d")]
    with caplog.at_level(logging.INFO):
        telemetry.swept(Swept(jobs), 0.5)
        assert captured.spans() == []
        telemetry.swept(Swept(jobs, notified=1, announced=2, abandoned=3), 0.5)
    span = captured.span(spans.SWEEP)
    about = {at.SWEEP_ACTIVE: 4, at.SWEEP_RUNG: 1, at.SWEEP_ANNOUNCED: 2, at.SWEEP_ABANDONED: 3}
    about |= {at.SWEEP_EXPIRED: 0}
    assert span.attributes == about
    assert 0.5e9 <= span.end_time - span.start_time < 5e9
    (record,) = caplog.records
    assert about.items() <= vars(record).items()
    assert captured.values(metrics.SWEEPS) == {(): 2}
