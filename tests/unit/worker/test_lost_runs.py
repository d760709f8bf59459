"""What the worker that takes over tells of a lost run, from the journal and the heartbeats."""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from opentelemetry.trace import StatusCode
from tests.unit.audit_projector.doubles import LOCK
from tests.unit.audit_projector.doubles import World as Journalled
from tests.unit.captured import Captured
from tests.unit.worker.conftest import new_traceparent

from contracts.jobs import Worker
from contracts.telemetry import attributes as at
from contracts.telemetry import metrics, spans
from coordination.clock import VirtualClock
from coordination.journal.rows import JobRow
from coordination.observations import RunCutOff
from coordination.outcomes import Failed, Interrupted, RunOutcome
from coordination.ports import UnknownOutcomeError
from coordination.testing.memory import InMemoryJournal
from coordination.testing.worker_directory import InMemoryWorkerDirectory
from worker.telemetry.anchors import anchor
from worker.telemetry.lost_runs import LostRuns
from worker.telemetry.measurements import Measurements
from worker.telemetry.tracing import Tracing

#: Seconds that a test may be held up between a moment and its measurement.
SLACK = 60.0


def heartbeats(*workers: Worker) -> InMemoryWorkerDirectory:
    """Return a directory with the heartbeats of these workers."""
    directory = InMemoryWorkerDirectory()
    directory.heartbeats |= {worker.worker: worker for worker in workers}
    return directory


async def lived(world: Journalled) -> JobRow:
    """Return a job whose first attempt was interrupted, and whose second, with two steps, was lost."""
    await world.submit(traceparent=new_traceparent())
    await world.start("w1")
    await world.step("early")
    await world.end(Interrupted("shutdown"))
    await world.start("w1")
    await world.step("load")
    await world.step("count")
    held = world.held
    assert held is not None
    await world.start("w2")
    return held.job


def past() -> VirtualClock:
    """Return a clock that is an hour behind."""
    return VirtualClock(datetime.now(UTC) - timedelta(hours=1))


async def tell(journal: InMemoryJournal, directory: InMemoryWorkerDirectory, seen: RunCutOff) -> None:
    lost = LostRuns(journal, directory, Tracing("w2"), Measurements())
    lost.report(seen)
    assert lost._reporting  # in the background, as the take-over must not wait for it
    await asyncio.gather(*lost._reporting)
    await asyncio.sleep(0)
    assert not lost._reporting


def events_of(span: Any) -> Sequence[tuple[str, dict[str, Any]]]:
    return [(event.name, dict(event.attributes)) for event in span.events]


async def test_what_the_lost_attempt_had_recorded_is_told_in_order(captured: Captured) -> None:
    world = Journalled(clock=past())
    job = await lived(world)
    await tell(world.journal, heartbeats(), RunCutOff(job, "w1"))
    interruption, span = captured.span(spans.INTERRUPT_JOB), captured.span(spans.RUN_JOB)
    mine, before = anchor(job), anchor(job, 1)
    assert mine is not None
    assert before is not None
    assert interruption.parent.span_id == span.context.span_id == mine.span_id
    assert span.parent.span_id == 0xABC
    assert [link.context.span_id for link in span.links] == [before.span_id]
    assert (span.attributes[at.WORKER_NAME], interruption.attributes[at.WORKER_NAME]) == ("w1", "w2")
    reason = "worker w1 was lost"
    assert events_of(span) == [
        (spans.STEP_RECORDED, {at.JOB_STEP: "load", at.JOB_ATTEMPT: 2, at.JOB_STEP_SECONDS: 0.1}),
        (spans.STEP_RECORDED, {at.JOB_STEP: "count", at.JOB_ATTEMPT: 2, at.JOB_STEP_SECONDS: 0.1}),
        (
            spans.RUN_INTERRUPTED,
            {at.REASON: reason, at.JOB_ATTEMPT: 2, at.TAKE_OVER_CAUSE: "worker_lost"},
        ),
    ]
    for each in (span, interruption):
        assert each.attributes[at.JOB_OUTCOME] == "interrupted"
        assert (each.status.status_code, each.status.description) == (StatusCode.ERROR, reason)


async def test_the_run_lasts_from_its_start_and_its_silence_from_its_last_step(
    captured: Captured,
) -> None:
    world = Journalled(clock=past())
    job = await lived(world)
    await tell(world.journal, heartbeats(), RunCutOff(job, "w1"))
    interruption, span = captured.span(spans.INTERRUPT_JOB), captured.span(spans.RUN_JOB)
    moments = [event.timestamp for event in span.events]
    assert moments == sorted(moments)
    assert span.start_time < moments[0]
    assert interruption.start_time == moments[1]  # its second step, not its end by the take-over
    assert moments[2] == span.end_time == interruption.end_time <= time.time_ns()
    # In nanoseconds, as the clock of those who wrote it was an hour behind.
    assert 3590 < (time.time_ns() - moments[1]) / 1e9 < 3600 + SLACK


async def test_the_lost_run_is_measured_from_its_start_until_it_was_found(captured: Captured) -> None:
    world = Journalled(clock=past())
    job = await lived(world)
    await tell(world.journal, heartbeats(), RunCutOff(job, "w1"))
    (run,) = captured.points(metrics.JOB_RUN_DURATION)
    assert run.attributes == {at.JOB_KIND: "ten-steps", at.JOB_OUTCOME: "interrupted"}
    # It was started at the fourth second of that hour.
    assert (run.count, 3600 - 4 <= run.sum < 3600 - 4 + SLACK) == (1, True)
    assert captured.points(metrics.TAKE_OVER_DURATION) == []  # no heartbeat tells since when


async def test_the_take_over_is_measured_from_the_lost_workers_last_heartbeat(captured: Captured) -> None:
    world = Journalled(clock=past())
    job = await lived(world)
    now = datetime.now(UTC)
    others = [Worker(worker=name, seen_at=now - timedelta(seconds=900)) for name in ("w0", "w2")]
    lost = Worker(worker="w1", seen_at=now - timedelta(seconds=100))
    await tell(world.journal, heartbeats(others[0], lost, others[1]), RunCutOff(job, "w1"))
    (took,) = captured.points(metrics.TAKE_OVER_DURATION)
    assert took.attributes == {at.TAKE_OVER_CAUSE: "worker_lost"}
    assert (took.count, 100 <= took.sum < 100 + SLACK) == (1, True)


async def test_a_later_process_of_the_same_name_was_not_the_lost_one(captured: Captured) -> None:
    world = Journalled(clock=past())
    job = await lived(world)
    now = datetime.now(UTC)
    successor = Worker(worker="w1", seen_at=now, started_at=now - timedelta(seconds=5))
    await tell(world.journal, heartbeats(successor), RunCutOff(job, "w1"))
    assert captured.points(metrics.TAKE_OVER_DURATION) == []
    (run,) = captured.points(metrics.JOB_RUN_DURATION)
    assert run.count == 1


async def test_a_heartbeat_whose_clock_is_ahead_makes_no_negative_take_over(captured: Captured) -> None:
    world = Journalled(clock=past())
    job = await lived(world)
    ahead = Worker(worker="w1", seen_at=datetime.now(UTC) + timedelta(hours=1))
    await tell(world.journal, heartbeats(ahead), RunCutOff(job, "w1"))
    (took,) = captured.points(metrics.TAKE_OVER_DURATION)
    assert took.sum == 0


async def test_a_run_whose_clock_was_ahead_makes_no_span_that_ends_before_it_begins(
    captured: Captured,
) -> None:
    world = Journalled(clock=VirtualClock(datetime.now(UTC) + timedelta(hours=1)))
    job = await lived(world)
    await tell(world.journal, heartbeats(), RunCutOff(job, "w1"))
    for span in captured.spans():
        assert span.start_time == span.end_time <= time.time_ns()
    assert captured.span(spans.RUN_JOB).start_time == captured.span(spans.RUN_JOB).events[-1].timestamp


async def test_a_storage_that_is_away_leaves_the_bare_fact(captured: Captured) -> None:
    async def fail(moment: str, call: str) -> None:
        raise UnknownOutcomeError

    job = JobRow("one", "ten-steps", LOCK, attempt=2, traceparent=new_traceparent())
    await tell(InMemoryJournal(fail), heartbeats(), RunCutOff(job, "w1"))
    span = captured.span(spans.RUN_JOB)
    assert [name for name, _ in events_of(span)] == [spans.RUN_INTERRUPTED]
    assert captured.points(metrics.JOB_RUN_DURATION) == captured.points(metrics.TAKE_OVER_DURATION) == []


async def test_a_job_without_a_trace_is_measured_all_the_same(captured: Captured) -> None:
    world = Journalled(clock=past())
    await world.submit()
    await world.start("w1")
    held = world.held
    assert held is not None
    await tell(world.journal, heartbeats(), RunCutOff(held.job, "w1"))
    assert captured.spans() == []
    assert len(captured.points(metrics.JOB_RUN_DURATION)) == 1


@pytest.mark.parametrize("data", ["{}", '{"number": 1}'])
async def test_a_step_of_unknown_length_is_told_without_it(captured: Captured, data: str) -> None:
    world = Journalled(clock=past())
    job = await lived(world)
    rows = next(iter(world.journal.partitions.values()))
    for key, row in list(rows.items()):
        if row.values.get("status") == "Step":
            rows[key] = type(row)(key, {**row.values, "data": data}, row.etag)
    await tell(world.journal, heartbeats(), RunCutOff(job, "w1"))
    span = captured.span(spans.RUN_JOB)
    told = [about for name, about in events_of(span) if name == spans.STEP_RECORDED]
    assert told == [{at.JOB_STEP: name, at.JOB_ATTEMPT: 2} for name in ("load", "count")]


@pytest.mark.parametrize("end", [Interrupted("worker w1 was lost"), Failed("Broken", "no more attempts")])
async def test_the_end_that_the_take_over_wrote_is_nothing_that_the_lost_worker_had_recorded(
    captured: Captured, end: RunOutcome
) -> None:
    world = Journalled(clock=past())
    await world.submit(traceparent=new_traceparent())
    await world.start("w1")
    await world.step("load")
    held = world.held
    assert held is not None
    await world.end(end)
    await tell(world.journal, heartbeats(), RunCutOff(held.job, "w1"))
    assert captured.span(spans.INTERRUPT_JOB).start_time == captured.span(spans.RUN_JOB).events[0].timestamp
