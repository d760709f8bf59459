"""What a worker tells of runs, over the in-memory ports."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from opentelemetry import propagate, trace
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import StatusCode
from tests.unit.captured import Captured
from tests.unit.coordination.small_world import Script, World
from tests.unit.worker.conftest import new_traceparent
from tests.waiting import until

from contracts.telemetry import attributes as at
from contracts.telemetry import metrics, spans
from contracts.telemetry.names import Metric
from coordination.ports import UnknownOutcomeError
from worker.telemetry import anchors

Make = Callable[..., World]


def named(found: list[ReadableSpan], name: str) -> list[ReadableSpan]:
    return [span for span in found if span.name == name]


def one(found: list[ReadableSpan], name: str) -> ReadableSpan:
    [span] = named(found, name)
    return span


def about(told: ReadableSpan | Event) -> Mapping[str, Any]:
    return told.attributes or {}


def labelled(found: list[object]) -> dict[tuple[object, ...], object]:
    return {tuple(point.attributes.values()): point for point in found}  # type: ignore[attr-defined]


async def test_a_run_is_told_from_its_wait_to_its_release_under_its_submission(
    telling_world: Make, captured: Captured
) -> None:
    world = telling_world(1)
    traceparent = new_traceparent()
    job_id = await world.submit(script=Script(steps=2), traceparent=traceparent)
    await world.run_until_done()
    found = captured.trace(traceparent)
    anchor = one(found, spans.RUN_JOB)
    assert {span.parent.span_id for span in found if span.parent} == {0xABC, anchor.context.span_id}
    above = {spans.WAIT_IN_LINE, spans.ACQUIRE_LEASE, spans.TAKE_OVER_LOCK, spans.RUN_JOB}
    assert {span.name for span in found if span.parent.span_id == 0xABC} == above
    beneath = {span.name for span in found if span.parent.span_id != 0xABC}
    assert beneath == {spans.COMPLETE_JOB, spans.RELEASE_LEASE}
    [job] = world.jobs()
    assert anchor.context.span_id == anchors.anchor(job).span_id
    assert about(anchor)[at.JOB_ID] == job_id
    assert about(anchor)[at.JOB_ATTEMPT] == 1
    assert about(one(found, spans.COMPLETE_JOB))[at.JOB_OUTCOME] == "completed"


async def test_chained_jobs_each_have_their_own_trace_and_a_link_to_the_run_before(
    telling_world: Make, captured: Captured
) -> None:
    world = telling_world(2)
    first, second = new_traceparent(), new_traceparent()
    await world.submit(traceparent=first)
    await world.submit(traceparent=second)
    await world.run_until_done()
    start = one(captured.trace(second), spans.START_NEXT_JOB)
    end = one(captured.trace(first), spans.RUN_JOB)
    assert [link.context.span_id for link in start.links] == [end.context.span_id]
    assert about(start)[at.HAND_OVER_CAUSE] == "chained"
    assert not named(captured.trace(second), spans.ACQUIRE_LEASE)
    assert not named(captured.trace(first), spans.RELEASE_LEASE)
    assert one(captured.trace(second), spans.RELEASE_LEASE)


async def test_an_attempt_links_to_the_one_whose_runner_died(telling_world: Make, captured: Captured) -> None:
    world = telling_world(3)
    traceparent = new_traceparent()
    await world.submit(script=Script(kills=1), traceparent=traceparent)
    await world.run_until_done()
    found = captured.trace(traceparent)
    first, second = named(found, spans.RUN_JOB)
    start = named(found, spans.TAKE_OVER_LOCK)[-1]
    for later in (start, second):
        assert first.context.span_id in {link.context.span_id for link in later.links}
    assert about(start)[at.TAKE_OVER_CAUSE] == "runner_died"
    interrupted = one(found, spans.INTERRUPT_JOB)
    assert interrupted.parent.span_id == first.context.span_id
    assert first.status.status_code is StatusCode.ERROR
    [moment] = first.events
    assert moment.name == spans.RUN_INTERRUPTED
    assert about(moment)[at.REASON]
    assert ("runner_died",) in labelled(captured.points(metrics.TAKE_OVER_DURATION))


async def test_what_a_lost_worker_had_recorded_is_told_by_the_one_that_takes_over(
    telling_world: Make, captured: Captured
) -> None:
    world = telling_world(4, workers=2)
    traceparent = new_traceparent()
    await world.submit(script=Script(steps=30), traceparent=traceparent)
    world.deliver()
    await world.clock.advance(3.5)
    renew = world.leases.renew

    async def cut_off(name: str, lease_id: str, timeout: float) -> None:
        raise UnknownOutcomeError

    world.leases.renew = cut_off  # type: ignore[method-assign]
    await world.clock.advance(10)
    world.leases.renew = renew  # type: ignore[method-assign]
    await world.run_until_done()
    await asyncio.sleep(0)
    found = captured.trace(traceparent)
    interrupted = one(found, spans.INTERRUPT_JOB)
    first, second = named(found, spans.RUN_JOB)
    assert interrupted.parent.span_id == first.context.span_id
    assert first.context.span_id in {link.context.span_id for link in second.links}
    recorded = [moment for moment in first.events if moment.name == spans.STEP_RECORDED]
    assert recorded
    assert first.events[-1].name == spans.RUN_INTERRUPTED
    steps_before = [event for event in world.events(world.jobs()[0].job_id) if event.status == "Step"]
    dead = [event.message for event in steps_before if event.attempt == 1]
    assert [about(moment)[at.JOB_STEP] for moment in recorded] == dead
    # The worker that was cut off told so itself.
    lost = [event.name for span in named(found, spans.RUN_SO_FAR) for event in span.events]
    assert spans.RENEWAL_FAILED in lost


async def test_a_long_run_is_told_in_pieces_while_it_runs(
    telling_world: Make, captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("observer", "open_runs"):
        monkeypatch.setattr(f"worker.telemetry.{module}.SHORTEST_PAUSE", 0.01)
    monkeypatch.setattr("worker.telemetry.open_runs._FIRST", 0)
    world = telling_world(5)
    traceparent = new_traceparent()
    await world.submit(script=Script(steps=3), traceparent=traceparent)
    world.deliver()
    await world.clock.advance(0.5)
    await until(lambda: len(named(captured.trace(traceparent), spans.RUN_SO_FAR)) >= 2)
    first, second = named(captured.trace(traceparent), spans.RUN_SO_FAR)[:2]
    assert first.end_time == second.start_time
    assert not named(captured.trace(traceparent), spans.COMPLETE_JOB)
    await world.run_until_done()


async def test_waits_runs_and_calls_are_measured(telling_world: Make, captured: Captured) -> None:
    world = telling_world(6)
    for _ in range(3):
        await world.submit(script=Script(steps=2))
    await world.run_until_done()
    [runs] = captured.points(metrics.JOB_RUN_DURATION)
    assert (runs.count, runs.attributes[at.JOB_OUTCOME]) == (3, "completed")
    [in_line] = captured.points(metrics.JOB_LINE_DURATION)
    assert in_line.count == 3
    assert sum(point.count for point in captured.points(metrics.JOB_STEP_DURATION)) == 6
    assert sum(point.count for point in captured.points(metrics.JOB_STORAGE_CALLS)) == 3
    assert {point.value for point in captured.points(metrics.WRITES_REFUSED)} == {0}


async def test_a_job_without_a_trace_runs_as_well(telling_world: Make, captured: Captured) -> None:
    world = telling_world(7)
    await world.submit()
    await world.run_until_done()
    assert world.jobs()[0].status == "Completed"
    assert not captured.spans()


async def test_many_different_step_names_are_measured_as_one(telling_world: Make, captured: Captured) -> None:
    world = telling_world(8)
    await world.submit(script=Script(steps=80))
    await world.run_until_done()
    names = {point.attributes[at.JOB_STEP] for point in captured.points(metrics.JOB_STEP_DURATION)}
    assert len(names) == 51
    assert "(other)" in names


@pytest.mark.parametrize(
    "metric", [metrics.JOB_RUN_DURATION, metrics.JOB_STEP_DURATION, metrics.JOB_LINE_DURATION]
)
async def test_an_exemplar_leads_to_the_trace_of_the_run_that_was_measured(
    telling_world: Make, captured: Captured, metric: Metric
) -> None:
    world = telling_world(9)
    traces = [new_traceparent() for _ in range(2)]
    with trace.get_tracer("test").start_as_current_span("another job's wake-up"):
        for traceparent in traces:
            await world.submit(script=Script(steps=1), traceparent=traceparent)
        await world.run_until_done()
    exemplars = [exemplar.trace_id for point in captured.points(metric) for exemplar in point.exemplars]
    assert exemplars
    assert set(exemplars) <= {int(traceparent.split("-")[1], 16) for traceparent in traces}


async def test_a_start_stands_under_the_wake_up_of_its_own_trace_and_links_to_one_of_another(
    telling_world: Make, captured: Captured
) -> None:
    world = telling_world(10)
    tracer = trace.get_tracer("test")
    own, other = new_traceparent(), new_traceparent()
    for traceparent, lock in ((own, "own"), (other, "other")):
        await world.submit(lock, traceparent=traceparent)
    with tracer.start_as_current_span("process jobs", propagate.extract({"traceparent": own})) as notifier:
        world.deliver()
        await world.run_until_done()
    for name in (spans.ACQUIRE_LEASE, spans.TAKE_OVER_LOCK):
        assert one(captured.trace(own), name).parent.span_id == notifier.get_span_context().span_id
    start = one(captured.trace(other), spans.ACQUIRE_LEASE)
    assert start.parent.span_id == 0xABC
    assert [link.context.span_id for link in start.links] == [notifier.get_span_context().span_id]


async def test_a_failed_run_ends_in_an_error(telling_world: Make, captured: Captured) -> None:
    world = telling_world(11)
    traceparent = new_traceparent()
    await world.submit(script=Script(kills=99), traceparent=traceparent)
    await world.run_until_done()
    ends = named(captured.trace(traceparent), spans.INTERRUPT_JOB)
    assert len(ends) == 3
    assert {end.status.status_code for end in ends} == {StatusCode.ERROR}
    assert all(about(end)[at.ERROR_TYPE] for end in ends)


async def test_what_goes_wrong_in_telling_does_not_reach_the_protocol(
    telling_world: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("worker.telemetry.tracing.Tracing.started", lambda *_: 1 / 0)
    world = telling_world(12)
    await world.submit(script=Script(steps=1), traceparent=new_traceparent())
    await world.run_until_done()
    assert world.jobs()[0].status == "Completed"
    assert "telemetry failed" in caplog.text
