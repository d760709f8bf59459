"""Handling a message: patience while the storage is away, and one task per job."""

import asyncio
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from faststream.exceptions import NackMessage
from faststream.rabbit.annotations import RabbitMessage

from audit_projector.handling import EventHandler
from audit_projector.projection import Projection
from audit_projector.telemetry import ProjectionTelemetry
from contracts.jobs import Event
from contracts.messages import JobEvents
from contracts.statuses import EventStatus
from coordination.clock import VirtualClock
from coordination.ports import UnknownOutcomeError
from service_defaults.broker import Intake

JOB = "018f6c3e-7b1a-7c4e-9d3a-0123456789ab"
OTHER = "018f6c3e-7b1a-7c4e-9d3a-ba9876543210"


class ScriptedProjection:
    """Fails so many times; keeps who is projected, and how many at once."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.asked: list[tuple[str, str, int, int]] = []
        self.under_way: dict[str, int] = {}
        self.most_at_once = 0

    async def project(self, lock: str, job_id: str, up_to: int, *, first: int) -> int:
        self.asked.append((lock, job_id, first, up_to))
        self.under_way[job_id] = self.under_way.get(job_id, 0) + 1
        self.most_at_once = max(self.most_at_once, self.under_way[job_id])
        await asyncio.sleep(0)
        self.under_way[job_id] -= 1
        if self.failures:
            self.failures -= 1
            raise UnknownOutcomeError("no answer")
        return 1


class ReadyIntake:
    """Gives the body it is handed instead of a message."""

    async def parse(self, message: Any, _: Any) -> Any:
        return message


def make_handler(projection: ScriptedProjection, clock: VirtualClock) -> EventHandler:
    intake = cast("Intake", ReadyIntake())
    return EventHandler(cast("Projection", projection), intake, clock, ProjectionTelemetry())


def message(*named: tuple[str, int]) -> RabbitMessage:
    events = [
        Event(
            job_id=job_id,
            seq=seq,
            event_id=f"{job_id}-{seq:06d}",
            status=EventStatus.STEP,
            message="",
            timestamp_utc=datetime(2026, 1, 1, tzinfo=UTC),
            attempt=1,
            fence=1,
            worker="w",
            lock="ledger",
            actor="w",
            trace_id=None,
            data={},
        )
        for job_id, seq in named
    ]
    return cast("RabbitMessage", JobEvents(lock="ledger", events=events))


async def test_each_job_is_projected_from_its_first_event_to_its_last() -> None:
    projection = ScriptedProjection()
    await make_handler(projection, VirtualClock()).on_events(message((JOB, 2), (JOB, 3), (OTHER, 9)))
    assert projection.asked == [("ledger", JOB, 2, 3), ("ledger", OTHER, 9, 9)]


async def test_a_storage_that_is_away_for_a_while_is_waited_for_with_pauses() -> None:
    projection, clock = ScriptedProjection(failures=5), VirtualClock()
    handling = asyncio.create_task(make_handler(projection, clock).on_events(message((JOB, 1))))
    started = clock.boot()
    while not handling.done():
        await clock.advance_to_next()
        await clock.settle()
    await handling
    assert len(projection.asked) == 6
    assert clock.boot() - started >= (0.5 + 1 + 2 + 4 + 8) / 2


async def test_a_message_is_given_back_when_the_storage_stays_away() -> None:
    projection, clock = ScriptedProjection(failures=10_000), VirtualClock()
    handling = asyncio.create_task(make_handler(projection, clock).on_events(message((JOB, 1))))
    while not handling.done():
        await clock.advance_to_next()
        await clock.settle()
    with pytest.raises(NackMessage):
        await handling
    assert len(projection.asked) < 120


async def test_a_job_is_projected_by_one_task_at_a_time() -> None:
    projection = ScriptedProjection()
    handler = make_handler(projection, VirtualClock())
    await asyncio.gather(*(handler.on_events(message((JOB, seq))) for seq in range(1, 9)))
    assert len(projection.asked) == 8
    assert projection.most_at_once == 1
    assert not handler._turns
