"""Handling a message: patience while the storage is away, and one task per job."""

import asyncio
from itertools import pairwise
from typing import Any, cast

import pytest
from faststream.exceptions import NackMessage
from faststream.rabbit import RabbitBroker
from faststream.rabbit.annotations import RabbitMessage

from audit_projector.announced import Announced, News
from audit_projector.announcement_reader import AnnouncementReader
from audit_projector.handling import EventHandler, subscribe
from audit_projector.projection import Projection
from audit_projector.telemetry import ProjectionTelemetry
from contracts.telemetry import attributes as at
from contracts.topology import Topology
from coordination.clock import VirtualClock
from coordination.ports import Announcement, UnknownOutcomeError
from service_defaults.logging import current_log_context

JOB = "018f6c3e-7b1a-7c4e-9d3a-0123456789ab"
OTHER = "018f6c3e-7b1a-7c4e-9d3a-ba9876543210"


class ScriptedProjection:
    """Fails so many times; keeps who is projected, and how many at once."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.asked: list[tuple[str, str, int, int]] = []
        self.news: list[News | None] = []
        self.is_asked = asyncio.Event()
        self.under_way: dict[str, int] = {}
        self.most_at_once = 0

    async def project(
        self, lock: str, job_id: str, up_to: int, *, first: int, news: News | None = None
    ) -> int:
        self.news.append(news)
        self.is_asked.set()
        self.asked.append((lock, job_id, first, up_to))
        self.under_way[job_id] = self.under_way.get(job_id, 0) + 1
        self.most_at_once = max(self.most_at_once, self.under_way[job_id])
        await asyncio.sleep(0)
        self.under_way[job_id] -= 1
        if self.failures:
            self.failures -= 1
            raise UnknownOutcomeError("no answer")
        return 1


class ReadyReader:
    """Takes what it is handed for what a message announces."""

    async def read(self, message: Any) -> list[Announced]:
        return cast("list[Announced]", message)


def make_handler(projection: ScriptedProjection, clock: VirtualClock, **options: Any) -> EventHandler:
    reader = cast("AnnouncementReader", ReadyReader())
    options = {"gather_seconds": 0.0} | options
    return EventHandler(cast("Projection", projection), reader, clock, ProjectionTelemetry(), **options)


def message(*items: Announced) -> RabbitMessage:
    return cast("RabbitMessage", list(items))


def about(
    job_id: str = JOB, first: int = 1, last: int | None = None, lock: str = "ledger", trace: str | None = None
) -> Announced:
    return Announced(lock, job_id, first, last or first, trace)


async def handled(projection: ScriptedProjection, clock: VirtualClock) -> list[float]:
    """Handle a message until it is settled; returns the seconds at which it was tried. Raises NackMessage."""
    tries: list[float] = []
    project = projection.project

    async def timed(*args: Any, **more: Any) -> int:
        tries.append(clock.boot())
        return await project(*args, **more)

    projection.project = timed  # type: ignore[method-assign]
    handling = asyncio.create_task(make_handler(projection, clock).on_events(message(about())))
    while not handling.done():
        await clock.advance_to_next()
        await clock.settle()
    await handling
    return [at - tries[0] for at in tries]


async def test_a_job_is_projected_from_the_first_event_of_a_message_to_its_last() -> None:
    projection = ScriptedProjection()
    await make_handler(projection, VirtualClock()).on_events(message(about(JOB, 2, 4)))
    assert projection.asked == [("ledger", JOB, 2, 4)]


async def test_log_lines_about_a_job_name_it_and_its_lock() -> None:
    contexts: list[dict[str, Any]] = []

    class Noting(ScriptedProjection):
        async def project(self, *asked: Any, **more: Any) -> int:
            contexts.append(dict(current_log_context()))
            return await super().project(*asked, **more)

    await make_handler(Noting(), VirtualClock()).on_events(message(about(JOB), about(OTHER, lock="stock")))
    assert contexts == [
        {at.JOB_ID: JOB, at.LOCK_NAME: "ledger"},
        {at.JOB_ID: OTHER, at.LOCK_NAME: "stock"},
    ]


async def test_a_message_that_was_quarantined_projects_nothing() -> None:
    projection = ScriptedProjection()
    handler = make_handler(projection, VirtualClock())
    await handler.on_events(message())
    assert projection.asked == []
    assert handler.oldest_seconds() == 0


async def test_what_one_message_says_of_a_job_is_projected_once_and_with_its_rows() -> None:
    projection = ScriptedProjection()
    rows = News([], cast("Any", None))
    handler = make_handler(projection, VirtualClock())
    ended = Announced("ledger", OTHER, 4, 4, None, rows)
    await handler.on_events(message(about(JOB, 1), ended, about(JOB, 3, 4), about(JOB, 2)))
    assert projection.asked == [("ledger", JOB, 1, 4), ("ledger", OTHER, 4, 4)]
    assert projection.news == [None, rows]


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


async def test_messages_about_one_job_are_all_given_back_in_time_though_they_wait_for_each_other() -> None:
    clock = VirtualClock()
    handler = make_handler(ScriptedProjection(failures=10_000), clock)
    given_back: list[float] = []

    async def hear(seq: int) -> None:
        with pytest.raises(NackMessage):
            await handler.on_events(message(about(first=seq)))
        given_back.append(clock.boot() - began)

    began = clock.boot()
    hearings = asyncio.gather(*(hear(seq) for seq in range(1, 17)))
    while not hearings.done():
        await clock.advance_to_next()
        await clock.settle()
    assert len(given_back) == 16
    assert min(given_back) >= 600
    assert max(given_back) < 600 + 15 + 1
    assert not handler._turns


async def test_a_message_is_given_back_at_the_very_end_of_the_time_it_has() -> None:
    projection = ScriptedProjection(failures=1)
    handler = make_handler(projection, VirtualClock(), patience_seconds=0)
    with pytest.raises(NackMessage):
        await handler.on_events(message(about()))
    assert len(projection.asked) == 1


async def test_a_job_is_projected_by_one_task_at_a_time_and_together_with_what_came_meanwhile() -> None:
    projection = ScriptedProjection()
    handler = make_handler(projection, VirtualClock())
    await asyncio.gather(*(handler.on_events(message(about(first=seq))) for seq in range(1, 9)))
    assert projection.asked == [("ledger", JOB, 1, 8)]
    projection.is_asked.clear()
    first = asyncio.create_task(handler.on_events(message(about(first=9))))
    await projection.is_asked.wait()
    await asyncio.gather(first, *(handler.on_events(message(about(first=seq))) for seq in range(10, 19)))
    assert [(first, last) for _, _, first, last in projection.asked] == [(1, 8), (9, 9), (10, 18)]
    assert projection.most_at_once == 1
    assert not handler._turns


async def test_what_comes_while_the_storage_is_away_is_projected_with_the_next_try() -> None:
    projection, clock = ScriptedProjection(failures=1), VirtualClock()
    handler = make_handler(projection, clock)
    hearings = [asyncio.create_task(handler.on_events(message(about(first=1))))]
    await clock.settle()
    hearings.append(asyncio.create_task(handler.on_events(message(about(first=2)))))
    await clock.settle()
    await clock.advance(1)
    await asyncio.gather(*hearings)
    assert [(first, last) for _, _, first, last in projection.asked] == [(1, 1), (1, 2)]
    assert not handler._turns


async def test_a_message_whose_task_ends_leaves_those_of_others_to_be_projected() -> None:
    projection, clock = ScriptedProjection(failures=1), VirtualClock()
    handler = make_handler(projection, clock)
    ended = asyncio.create_task(handler.on_events(message(about(first=1))))
    await clock.settle()
    other = asyncio.create_task(handler.on_events(message(about(first=2))))
    await clock.settle()
    ended.cancel()
    await clock.settle()
    await asyncio.wait([ended, other])
    assert ended.cancelled()
    assert [(first, last) for _, _, first, last in projection.asked] == [(1, 1), (2, 2)]
    assert not handler._turns


async def test_a_message_is_given_back_when_one_of_its_jobs_cannot_be_projected() -> None:
    projection = ScriptedProjection(failures=1)
    handler = make_handler(projection, VirtualClock(), patience_seconds=0)
    with pytest.raises(NackMessage):
        await handler.on_events(message(about(JOB), about(OTHER)))
    assert [job_id for _, job_id, _, _ in projection.asked] == [JOB, OTHER]


async def test_a_job_that_waits_for_the_storage_keeps_no_other_waiting() -> None:
    projection, clock = ScriptedProjection(failures=1), VirtualClock()
    handler = make_handler(projection, clock)
    waiting = asyncio.create_task(handler.on_events(message(about())))
    await clock.settle()
    await handler.on_events(message(about(OTHER)))
    assert [job_id for _, job_id, _, _ in projection.asked] == [JOB, OTHER]
    assert not waiting.done()
    await clock.advance(1)
    await waiting
    assert not handler._turns


def test_messages_are_consumed_many_at_a_time_and_answered_to_no_address_in_a_message() -> None:
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
    assert options["channel"].prefetch_count == 64
    assert options["no_reply"] is True
    assert subscribed == [handler.on_events]


async def test_what_is_announced_soon_after_is_gathered_and_projected_together() -> None:
    projection, clock = ScriptedProjection(), VirtualClock()
    handler = make_handler(projection, clock, gather_seconds=0.2)
    await handler.on_events(message(about(JOB, 1)))
    assert projection.asked == [("ledger", JOB, 1, 1)]
    later = [asyncio.create_task(handler.on_events(message(about(JOB, seq)))) for seq in (2, 3)]
    await clock.settle()
    await clock.advance(0.1)
    later.append(asyncio.create_task(handler.on_events(message(about(OTHER)))))
    await clock.settle()
    assert len(projection.asked) == 1
    await clock.advance(0.1)
    await asyncio.gather(*later)
    assert projection.asked[1:] == [("ledger", JOB, 2, 3), ("ledger", OTHER, 1, 1)]


async def test_a_message_that_is_given_up_keeps_no_other_from_leaving() -> None:
    projection, clock = ScriptedProjection(), VirtualClock()
    handler = make_handler(projection, clock, gather_seconds=0.2)
    await handler.on_events(message(about(JOB)))
    first, second = (asyncio.create_task(handler.on_events(message(about(job)))) for job in (JOB, OTHER))
    await clock.settle()
    first.cancel()
    await clock.advance(0.2)
    await second
    assert projection.asked[-1] == ("ledger", OTHER, 1, 1)


@pytest.mark.parametrize(("failures", "tries"), [(0, 1), (1, 2), (100, 5)])
async def test_a_job_that_was_found_is_tried_for_a_few_seconds_and_then_left_to_the_next_search(
    failures: int, tries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    projection, clock = ScriptedProjection(failures), VirtualClock()
    monkeypatch.setattr(clock, "jitter", lambda low, high: high)
    projecting = asyncio.create_task(
        make_handler(projection, clock).project([Announcement("ledger", JOB, 2, 4, None)])
    )
    while not projecting.done():
        await clock.advance_to_next()
        await clock.settle()
    await projecting
    assert projection.asked == [("ledger", JOB, 2, 4)] * tries
