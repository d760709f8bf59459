"""What projecting a job costs in requests to the storage, counted at the real adapters on a real server."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import cast

import pytest
from deploy.servers import private
from tests.integration.counted import counted_storage, projection_on, world_on
from tests.unit.audit_projector.doubles import LOCK, World
from tests.unit.audit_projector.messages import ParsingReader, seal_of, sealed

from audit_projector.announcement_reader import AnnouncementReader
from audit_projector.handling import EventHandler
from audit_projector.projection import Projection
from audit_projector.telemetry import ProjectionTelemetry
from azure_storage.read_models import TableReadModels, TableReadModelWriter
from contracts.lock_names import partition
from coordination.clock import SystemClock
from coordination.outcomes import Completed, Failed, Interrupted
from coordination.ports import Announcement
from read_models.documents import KnownLock
from service_defaults.broker import MessageReader

pytestmark = pytest.mark.integration

#: First and last event that each message about a job with one step names.
SUBMITTED, STARTED, STEP, ENDED = (1, 1), (2, 3), (4, 4), (5, 5)
MESSAGES = SUBMITTED, STARTED, STEP, ENDED


@dataclass
class Place:
    """A journal that jobs are written to, and a projector whose requests are counted."""

    world: World
    projection: Projection
    writer: TableReadModelWriter
    models: TableReadModels
    calls: Counter[str]

    async def tell(self, job_id: str, message: tuple[int, int]) -> Counter[str]:
        """Project what one message names; returns the requests it took."""
        self.calls.clear()
        first, last = message
        await self.projection.project(LOCK, job_id, last, first=first)
        return Counter(self.calls)

    async def told_of(self, happens: Callable[[], Awaitable[object]]) -> list[Announcement]:
        """Let something happen; returns what is announced of it."""
        self.world.notifier.take_announcements()
        await happens()
        return self.world.notifier.take_announcements()

    async def hear(self, told: Sequence[Announcement]) -> Counter[str]:
        """Handle sealed messages, all at once, of ten announcements each; returns the requests it took."""
        self.calls.clear()
        messages = [sealed(*told[start : start + 10]) for start in range(0, len(told), 10)]
        reader = AnnouncementReader(cast("MessageReader", ParsingReader()), seal_of())
        handler = EventHandler(self.projection, reader, SystemClock(), ProjectionTelemetry())
        await asyncio.gather(*map(handler.on_events, messages))
        return Counter(self.calls)

    async def run_one(self) -> str:
        """Submit a job and run it to its end, telling nobody."""
        job_id = await self.world.submit()
        await self.world.start()
        await self.world.step("load")
        await self.world.end(Completed())
        return job_id

    async def is_projected(self, job_id: str) -> bool:
        seqs = [event.seq for event in await self.models.audit_trail(job_id)]
        return seqs == [1, 2, 3, 4, 5] and job_id not in {
            job.job_id async for job in self.world.register.active(self.world.clock.now())
        }


@pytest.fixture
async def place(azurite: private.Azurite, storage_namespace: str) -> AsyncIterator[Place]:
    async with counted_storage(azurite, storage_namespace) as storage:
        place = Place(
            world_on(storage.beside),
            projection_on(storage.counted),
            TableReadModelWriter(storage.counted),
            TableReadModels(storage.beside),
            storage.calls,
        )
        # Locks are not new every time.
        await place.tell(await place.run_one(), (1, 5))
        yield place


async def test_messages_that_come_one_by_one_cost_what_each_must(place: Place) -> None:
    world = place.world
    job_id = await world.submit()
    costs = [await place.tell(job_id, SUBMITTED)]
    await world.start()
    costs.append(await place.tell(job_id, STARTED))
    await world.step("load")
    costs.append(await place.tell(job_id, STEP))
    await world.end(Completed())
    costs.append(await place.tell(job_id, ENDED))
    assert await place.is_projected(job_id)
    assert [cost.total() for cost in costs] == [5, 8, 4, 8], costs


async def test_a_job_that_fails_after_a_take_over_costs_a_request_for_each_rare_state(place: Place) -> None:
    world = place.world
    job_id = await world.submit()
    await place.tell(job_id, (1, 1))
    await world.start()
    await place.tell(job_id, (2, 3))
    await world.end(Interrupted("shutdown"))
    interrupted = await place.tell(job_id, (4, 4))
    await world.start()
    await place.tell(job_id, (5, 6))
    await world.step("load")
    step = await place.tell(job_id, (7, 7))
    await world.end(Failed("ValueError", "that was wrong"))
    failed = await place.tell(job_id, (8, 8))
    # A job in no rare state: 7 for an interruption, 4 for a step, 8 for an end.
    assert [cost.total() for cost in (interrupted, step, failed)] == [8, 4, 10], (interrupted, step, failed)


async def test_of_messages_that_wait_only_the_first_costs_anything(place: Place) -> None:
    job_id = await place.run_one()
    costs = [await place.tell(job_id, message) for message in MESSAGES]
    assert await place.is_projected(job_id)
    assert [cost.total() for cost in costs] == [9, 0, 0, 0], costs


async def test_sealed_messages_that_come_one_by_one_cost_no_reads_of_the_journal(place: Place) -> None:
    world = place.world
    lives: list[Callable[[], Awaitable[object]]] = [
        world.submit,
        world.start,
        lambda: world.step("load"),
        lambda: world.end(Completed()),
    ]
    costs = [await place.hear(await place.told_of(happens)) for happens in lives]
    assert not any(name.startswith("journal.read") for cost in costs for name in cost)
    assert [cost.total() for cost in costs] == [3, 6, 3, 6], costs


async def test_a_hundred_jobs_whose_whole_lives_are_in_hand_cost_little_more_than_a_request_each(
    place: Place,
) -> None:
    jobs = [await place.run_one() for _ in range(100)]
    told = place.world.notifier.take_announcements()
    cost = await place.hear([announcement for announcement in told if announcement.job_id in jobs])
    assert all([await place.is_projected(job_id) for job_id in jobs])
    assert cost.total() <= 160, cost


async def test_a_hundred_jobs_that_waited_before_they_ran_cost_little_more_than_two_requests_each(
    place: Place,
) -> None:
    world = place.world
    world.notifier.take_announcements()
    jobs = [await world.submit() for _ in range(100)]
    cost = await place.hear(world.notifier.take_announcements())
    for _ in jobs:
        await world.start()
        await world.step("load")
        await world.end(Completed())
    cost += await place.hear(world.notifier.take_announcements())
    assert all([await place.is_projected(job_id) for job_id in jobs])
    assert cost.total() <= 260, cost


async def test_fences_of_one_lock_that_rise_at_once_are_written_together(place: Place) -> None:
    place.calls.clear()
    locks = [KnownLock(LOCK, partition(LOCK), fence) for fence in range(2, 18)]
    await asyncio.gather(*map(place.writer.record_lock, locks))
    assert place.calls.total() <= 2, place.calls
    assert (await place.models.locks(5)).items == locks[-1:]
