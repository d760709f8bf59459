"""What the audit-projector emits."""

import asyncio
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.trace import StatusCode
from tests.unit.audit_projector.doubles import World
from tests.unit.audit_projector.test_handling import JOB, ScriptedProjection, about, make_handler, message
from tests.unit.captured import Captured, capturing

from audit_projector.observations import EventsProjected, ExclusionViolated, TrailBroken
from audit_projector.telemetry import ProjectionTelemetry, _context_of
from contracts.telemetry import attributes as at
from contracts.telemetry import metrics, spans
from coordination.clock import VirtualClock


@pytest.fixture
def captured() -> Iterator[Captured]:
    with capturing() as captured:
        yield captured


TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


async def test_every_try_to_project_a_job_is_noted_on_the_span_of_the_message_with_a_link_to_the_job(
    captured: Captured,
) -> None:
    clock = VirtualClock()
    handler = make_handler(ScriptedProjection(failures=1), clock)
    with trace.get_tracer("test").start_as_current_span("process events"):
        handling = asyncio.create_task(handler.on_events(message(about(JOB, 3, trace=TRACE))))
        await clock.advance(1)
        await handling
    (span,) = captured.spans()
    named = {at.JOB_ID: JOB, at.LOCK_NAME: "ledger"}
    assert [(event.name, dict(event.attributes)) for event in span.events] == [
        (spans.PROJECTION_FAILED, {**named, at.ERROR_TYPE: "UnknownOutcomeError"}),
        (spans.JOB_PROJECTED, {**named, at.JOB_EVENT_COUNT: 1}),
    ]
    links = [f"{link.context.trace_id:032x}-{link.context.span_id:016x}" for link in span.links]
    assert links == [TRACE[3:-3]] * 2
    assert [dict(link.attributes) for link in span.links] == [{at.JOB_ID: JOB}] * 2
    # What fails is tried again until it succeeds, or the message is given back.
    assert span.status.status_code is StatusCode.UNSET


async def test_a_job_without_a_trace_is_noted_without_a_link(captured: Captured) -> None:
    handler = make_handler(ScriptedProjection(), VirtualClock())
    with trace.get_tracer("test").start_as_current_span("process events"):
        await handler.on_events(message(about()))
    (span,) = captured.spans()
    assert [event.name for event in span.events] == [spans.JOB_PROJECTED]
    assert not span.links


async def test_a_message_that_is_not_traced_is_handled_as_well(captured: Captured) -> None:
    await make_handler(ScriptedProjection(), VirtualClock()).on_events(message(about(JOB, 3, trace=TRACE)))
    assert captured.spans() == []


@pytest.mark.parametrize(
    "text",
    [
        TRACE,
        TRACE[:-2] + "00",
        TRACE[:-2] + "03",
        TRACE[:-2] + "ff",
        TRACE.upper(),
        "01" + TRACE[2:] + "-more",
        "ff" + TRACE[2:],
        f"00-{'0' * 32}-00f067aa0ba902b7-01",
        f"00-4bf92f3577b34da6a3ce929d0e0e4736-{'0' * 16}-01",
        TRACE + "-more",
        "nothing",
    ],
)
def test_the_trace_of_a_job_is_read_as_the_standard_says(text: str) -> None:
    expected = propagate.extract({"traceparent": text}, Context())
    assert span_of(_context_of(text)) == span_of(expected)


def span_of(context: Context) -> tuple[object, ...]:
    span = trace.get_current_span(context).get_span_context()
    return span.trace_id, span.span_id, span.is_remote, span.trace_flags


async def test_events_and_their_delay_are_measured(captured: Captured) -> None:
    world = World(clock=VirtualClock(datetime.now(UTC) - timedelta(hours=1)))
    job_id = await world.submit()
    await world.start()
    await world.project(job_id)
    telemetry = ProjectionTelemetry()
    for seen in world.observed:
        telemetry.observe(seen)
    assert captured.values(metrics.EVENTS_PROJECTED) == {(): 3}
    (lag,) = captured.points(metrics.PROJECTION_LAG)
    # The start came a second later. A minute more for a machine that is busy.
    assert (lag.count, 3600 <= lag.max < 3660, 3599 <= lag.min < lag.max) == (3, True, True)


async def test_a_clock_that_is_ahead_makes_no_negative_delay(captured: Captured) -> None:
    world = World()
    await world.clock.advance(86_400 * 365 * 100)
    job_id = await world.submit()
    await world.project(job_id)
    ProjectionTelemetry().observe(world.observed[0])
    (lag,) = captured.points(metrics.PROJECTION_LAG)
    assert (lag.count, lag.min) == (1, 0)


async def test_projecting_afresh_counts_nothing(captured: Captured) -> None:
    world = World()
    job_id = await world.submit()
    await world.project(job_id)
    world.observed.clear()
    await world.projection.project("ledger", job_id, 0, afresh=True)
    (seen,) = world.observed
    assert isinstance(seen, EventsProjected)
    ProjectionTelemetry().observe(seen)
    assert captured.points(metrics.EVENTS_PROJECTED) == captured.points(metrics.PROJECTION_LAG) == []


def test_what_an_alert_watches_is_there_before_it_happens(captured: Captured) -> None:
    ProjectionTelemetry()
    assert captured.values(metrics.EXCLUSION_VIOLATIONS) == {(): 0}
    assert captured.values(metrics.TRAIL_BREAKS) == {(): 0}


def test_a_violation_is_counted_and_both_jobs_are_named(
    captured: Captured, caplog: pytest.LogCaptureFixture
) -> None:
    ProjectionTelemetry().observe(ExclusionViolated("ledger", 1, "one", 2, "other", "why"))
    assert captured.values(metrics.EXCLUSION_VIOLATIONS) == {(): 1}
    (record,) = caplog.records
    assert (record.levelno, record.message) == (logging.CRITICAL, "exclusion violated")
    told = {at.JOB_ID: "one", at.OTHER_JOB_ID: "other", at.LOCK_FENCE: 1, at.OTHER_FENCE: 2}
    told |= {at.LOCK_NAME: "ledger", at.REASON: "why"}
    assert told.items() <= vars(record).items()


async def test_a_break_is_counted_and_logged(captured: Captured, caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    job_id = await world.submit()
    await world.project(job_id)
    (seen,) = [seen for seen in world.observed if isinstance(seen, EventsProjected)]
    ProjectionTelemetry().observe(TrailBroken(seen.events[0]))
    assert captured.values(metrics.TRAIL_BREAKS) == {(): 1}
    (record,) = caplog.records
    told = {at.JOB_ID: job_id, at.LOCK_NAME: "ledger", at.JOB_EVENT_NUMBER: 1}
    assert record.levelno == logging.ERROR
    assert told.items() <= vars(record).items()
