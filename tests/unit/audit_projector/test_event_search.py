"""Events that no message tells of, while RabbitMQ takes none."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import datetime

import pytest
from tests.unit.audit_projector.doubles import LOCK, World
from tests.unit.audit_projector.test_handling import ReadyReader

from audit_projector.event_search import EventSearch
from audit_projector.handling import EventHandler
from audit_projector.telemetry import ProjectionTelemetry
from coordination.outcomes import Completed
from coordination.ports import UnknownOutcomeError

#: Seconds within which two searches have been made.
SOON = 6.0


class Searched(World):
    """A projector that gets no messages."""

    is_away = True
    #: How often the read models were asked how far they are, and how often they do not answer.
    asked = failures = 0

    def begin(self) -> asyncio.Task[None]:
        handler = EventHandler(
            self.projection,
            ReadyReader(),  # type: ignore[arg-type]
            self.clock,
            ProjectionTelemetry(),
            gather_seconds=0.0,
        )
        search = EventSearch(
            self.journal,
            self.register,
            self._projected_seqs,
            self.clock,
            handler.project,
            lambda: self.is_away,
            followers=self.followers,
        )
        return asyncio.create_task(search.keep_searching())

    async def _projected_seqs(self, jobs: Mapping[str, datetime]) -> Mapping[str, int]:
        self.asked += 1
        if self.failures:
            self.failures -= 1
            raise UnknownOutcomeError("no answer")
        return await self.models.projected_seqs(jobs)


@pytest.fixture
async def world() -> AsyncIterator[Searched]:
    made = Searched()
    searching = made.begin()
    yield made
    searching.cancel()
    await asyncio.wait([searching])


async def test_a_job_is_in_the_trail_step_by_step_though_no_message_comes(world: Searched) -> None:
    job_id = await world.submit()
    await world.clock.advance(SOON)
    assert world.trail(job_id) == ["Submitted"]
    await world.start()
    await world.step("first")
    await world.clock.advance(SOON)
    assert world.trail(job_id)[-1] == "Step"
    await world.end(Completed("null"))
    await world.clock.advance(SOON)
    assert world.trail(job_id)[-1] == "Completed"
    assert await world.active() == set()


async def test_as_long_as_the_broker_answers_nothing_is_read(world: Searched) -> None:
    world.is_away = False
    await world.submit()
    await world.clock.advance(600)
    assert (world.asked, world.models.trail) == (0, {})


async def test_what_is_known_of_jobs_that_wait_is_asked_less_and_less_often(world: Searched) -> None:
    for _ in range(3):
        await world.submit()
    await world.clock.advance(60)
    before = world.asked
    await world.clock.advance(120)
    assert world.asked - before <= 120 / 10 * 2


async def test_read_models_that_do_not_answer_end_one_search_only(world: Searched) -> None:
    world.failures = 1
    job_id = await world.submit()
    await world.clock.advance(2 * SOON)
    assert world.trail(job_id) == ["Submitted"]


async def test_a_job_that_could_not_be_projected_is_tried_again(
    world: Searched, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, failures = world.models.record_trail, [UnknownOutcomeError("no answer")]

    async def failing(entries: object) -> None:
        if failures:
            raise failures.pop()
        await record(entries)  # type: ignore[arg-type]

    monkeypatch.setattr(world.models, "record_trail", failing)
    job_id = await world.submit()
    await world.clock.advance(5 * SOON)
    assert world.trail(job_id) == ["Submitted"]


async def test_messages_that_come_late_find_nothing_to_do_and_ask_nobody(world: Searched) -> None:
    job_id = await world.submit()
    await world.start()
    await world.end(Completed("null"))
    await world.clock.advance(2 * SOON)
    world.is_away = False
    world.models.calls = world.journal.calls = world.register.calls = None  # type: ignore[assignment]
    for first in range(1, 4):
        assert await world.projection.project(LOCK, job_id, first, first=first) == 0
