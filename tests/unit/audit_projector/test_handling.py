"""Handling a message: patience while the storage is away, and one task per job."""

import asyncio
from itertools import pairwise
from typing import Any, cast

import pytest
from faststream.exceptions import NackMessage
from faststream.rabbit import RabbitBroker
from faststream.rabbit.annotations import RabbitMessage

from audit_projector.handling import EventHandler, subscribe
from audit_projector.projection import Projection
from audit_projector.telemetry import ProjectionTelemetry
from contracts.messages import JobEvents
from contracts.telemetry import attributes as at
from contracts.topology import Topology
from coordination.clock import VirtualClock
from coordination.ports import UnknownOutcomeError
from service_defaults.broker import MessageReader
from service_defaults.logging import current_log_context

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
    """Gives the body it is handed instead of a message, and keeps what is set aside."""

    def __init__(self) -> None:
        self.set_aside: list[str] = []

    async def parse(self, message: Any, _: Any) -> Any:
        return message

    async def quarantine(self, message: Any, reason: str) -> None:
        self.set_aside.append(reason)


def make_handler(
    projection: ScriptedProjection, clock: VirtualClock, reader: ReadyIntake | None = None
) -> EventHandler:
    reads = cast("MessageReader", reader or ReadyIntake())
    return EventHandler(cast("Projection", projection), reads, clock, ProjectionTelemetry())


def message(
    job_id: str = JOB, first: int = 1, last: int | None = None, lock: str = "ledger"
) -> RabbitMessage:
    body = JobEvents(lock=lock, job_id=job_id, first=first, last=last or first)
    return cast("RabbitMessage", body)


async def handled(projection: ScriptedProjection, clock: VirtualClock) -> list[float]:
    """Handle a message until it is settled; returns the seconds at which it was tried. Raises NackMessage."""
    tries: list[float] = []
    project = projection.project

    async def timed(*args: Any, **more: Any) -> int:
        tries.append(clock.boot())
        return await project(*args, **more)

    projection.project = timed  # type: ignore[method-assign]
    handling = asyncio.create_task(make_handler(projection, clock).on_events(message()))
    while not handling.done():
        await clock.advance_to_next()
        await clock.settle()
    await handling
    return [at - tries[0] for at in tries]


async def test_a_job_is_projected_from_the_first_event_of_a_message_to_its_last() -> None:
    projection = ScriptedProjection()
    await make_handler(projection, VirtualClock()).on_events(message(JOB, 2, 4))
    assert projection.asked == [("ledger", JOB, 2, 4)]


async def test_log_lines_about_a_job_name_it_and_its_lock() -> None:
    contexts: list[dict[str, Any]] = []

    class Noting(ScriptedProjection):
        async def project(self, lock: str, job_id: str, up_to: int, *, first: int) -> int:
            contexts.append(dict(current_log_context()))
            return await super().project(lock, job_id, up_to, first=first)

    await make_handler(Noting(), VirtualClock()).on_events(message())
    assert contexts == [{at.JOB_ID: JOB, at.LOCK_NAME: "ledger"}]


async def test_names_are_projected_as_they_were_registered_however_they_are_written() -> None:
    projection = ScriptedProjection()
    handler = make_handler(projection, VirtualClock())
    await handler.on_events(message(JOB.upper(), 2, 3, lock="cafe\u0301"))
    assert projection.asked == [("caf\u00e9", JOB, 2, 3)]


@pytest.mark.parametrize(("job_id", "lock"), [("../../x?#", "ledger"), (JOB, "\u0000")])
async def test_names_that_cannot_be_are_set_aside_and_not_projected(job_id: str, lock: str) -> None:
    projection, reader = ScriptedProjection(), ReadyIntake()
    handler = make_handler(projection, VirtualClock(), reader)
    await handler.on_events(message(job_id, lock=lock))
    (reason,) = reader.set_aside
    assert reason
    assert projection.asked == []


async def test_a_message_that_does_not_parse_is_left_to_the_message_reader() -> None:
    projection, reader = ScriptedProjection(), ReadyIntake()
    await make_handler(projection, VirtualClock(), reader).on_events(cast("RabbitMessage", None))
    assert (projection.asked, reader.set_aside) == ([], [])


@pytest.mark.parametrize("share", [0.5, 1.0])
async def test_a_storage_that_is_away_for_a_while_is_waited_for_with_pauses_that_double(share: float) -> None:
    # Half of each pause is left to chance: the shortest and the longest there can be.
    clock = VirtualClock(jitter=lambda low, high: {0.5: low, 1.0: high}[share])
    tries = await handled(ScriptedProjection(failures=8), clock)
    pauses = [after - before for before, after in pairwise(tries)]
    assert pauses == [share * longest for longest in (0.5, 1, 2, 4, 8, 15, 15, 15)]


async def test_a_message_is_given_back_when_the_storage_stays_away_for_ten_minutes() -> None:
    projection, clock = ScriptedProjection(failures=10_000), VirtualClock()
    began = clock.boot()
    with pytest.raises(NackMessage):
        await handled(projection, clock)
    assert 600 <= clock.boot() - began < 600 + 15
    assert len(projection.asked) < 120


async def test_a_message_is_given_back_at_the_very_end_of_the_time_it_has() -> None:
    projection, reader = ScriptedProjection(failures=1), cast("MessageReader", ReadyIntake())
    projects = cast("Projection", projection)
    handler = EventHandler(projects, reader, VirtualClock(), ProjectionTelemetry(), patience_seconds=0)
    with pytest.raises(NackMessage):
        await handler.on_events(message())
    assert len(projection.asked) == 1


async def test_a_job_is_projected_by_one_task_at_a_time() -> None:
    projection = ScriptedProjection()
    handler = make_handler(projection, VirtualClock())
    await asyncio.gather(*(handler.on_events(message(first=seq)) for seq in range(1, 9)))
    assert len(projection.asked) == 8
    assert projection.most_at_once == 1
    assert not handler._turns


async def test_a_job_that_waits_for_the_storage_keeps_no_other_waiting() -> None:
    projection, clock = ScriptedProjection(failures=1), VirtualClock()
    handler = make_handler(projection, clock)
    waiting = asyncio.create_task(handler.on_events(message()))
    await clock.settle()
    await handler.on_events(message(OTHER))
    assert [job_id for _, job_id, _, _ in projection.asked] == [JOB, OTHER]
    assert not waiting.done()
    await clock.advance(1)
    await waiting
    assert not handler._turns


def test_events_are_consumed_sixteen_at_a_time_and_answered_to_no_address_in_a_message() -> None:
    asked: list[dict[str, Any]] = []

    class Broker:
        def subscriber(self, queue: Any, exchange: Any, **options: Any) -> Any:
            asked.append({"queue": queue.name, "exchange": exchange.name, **options})
            return subscribed.append

    subscribed: list[Any] = []
    topology = Topology("t")
    handler = make_handler(ScriptedProjection(), VirtualClock())
    subscribe(cast("RabbitBroker", Broker()), topology, handler)
    (options,) = asked
    assert (options["queue"], options["exchange"]) == (topology.projector_queue, topology.events_exchange)
    assert options["channel"].prefetch_count == 16
    assert options["no_reply"] is True
    assert subscribed == [handler.on_events]
