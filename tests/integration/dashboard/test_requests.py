"""What the pages Job and Jobs cost in requests, counted at the real adapters on a real server."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from dataclasses import replace as copied

import pytest
from deploy.servers import private
from tests.integration.counted import counted_storage, projection_on, world_on
from tests.integration.dashboard import history
from tests.unit.audit_projector.doubles import LOCK, World

from audit_projector.projection import Projection
from azure_storage.journal import TableJournal
from azure_storage.read_models import TableReadModels
from azure_storage.register import TableRegister
from contracts.statuses import JobStatus
from coordination.clock import VirtualClock
from coordination.outcomes import Completed
from dashboard.jobs_question import JobsQuestion
from dashboard.reading.job import JobReader
from dashboard.reading.jobs import PAGE, JobsReader
from dashboard.settings import DashboardSettings

# Writing the long history takes most of it.
pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

OPENING = {"journal.find": 1, "journal.read": 1, "journal.read_range": 1, "read_models.page": 1}


@dataclass
class Place:
    """A journal that jobs are written to, and readers whose requests are counted."""

    world: World
    projection: Projection
    clock: VirtualClock
    job: JobReader
    calls: Counter[str]

    async def counted(self, job_id: str) -> dict[str, int]:
        """Look at a job some seconds later, and return the requests that this took."""
        await self.clock.advance(2)
        self.calls.clear()
        await self.job.view(job_id)
        return dict(self.calls)


@pytest.fixture
async def place(azurite: private.Azurite, storage_namespace: str) -> AsyncIterator[Place]:
    async with counted_storage(azurite, storage_namespace) as storage:
        clock = VirtualClock()
        counted = storage.counted
        job = JobReader(TableJournal(counted), TableRegister(counted), TableReadModels(counted), clock)
        yield Place(
            world_on(storage.beside),
            projection_on(storage.beside),
            clock,
            job,
            storage.calls,
        )


async def test_a_job_costs_four_requests_to_open_one_to_follow_and_none_when_it_is_over(place: Place) -> None:
    world = place.world
    job_id = await world.submit()
    await world.start()
    await place.projection.project(LOCK, job_id, 3)
    assert await place.counted(job_id) == OPENING
    assert await place.counted(job_id) == {"journal.read": 1}
    await world.step("load")
    await world.end(Completed('{"rows": 12}'))
    await place.projection.project(LOCK, job_id, 5)
    assert await place.counted(job_id) == {
        "journal.read": 1, "journal.read_range": 1, "read_models.page": 1,
    }  # fmt: skip
    assert await place.counted(job_id) == {}
    view = await place.job.view(job_id)
    assert (view.status, view.projected, view.chain_broken_at) == (JobStatus.COMPLETED, 5, None)
    assert view.kept.result == '{"rows": 12}'
    assert [step.name for step in view.kept.steps] == ["load"]


async def test_what_the_trail_lacks_is_read_from_the_journal(place: Place) -> None:
    job_id = await place.world.submit()
    await place.projection.project(LOCK, job_id, 1)
    await place.world.start()
    view = await place.job.view(job_id)
    assert [entry.event.seq for entry in view.entries] == [1, 2, 3]
    assert (view.projected, view.behind_since) == (1, view.entries[1].event.timestamp_utc)


@pytest.mark.parametrize("jobs", [history.SHORT, history.LONG])
async def test_a_page_of_jobs_costs_the_same_whatever_the_history(
    azurite: private.Azurite, histories: dict[int, DashboardSettings], jobs: int
) -> None:
    async with counted_storage(azurite, histories[jobs].storage_namespace) as storage:
        reader = JobsReader(TableReadModels(storage.counted), VirtualClock())
        question = JobsQuestion()
        for _ in range(3):
            found = await reader.page(question)
            assert (len(found.jobs), found.is_dear) == (PAGE, False)
            question = copied(question, cursor=found.next)
        assert storage.calls.total() == 3
        storage.calls.clear()
        failed = await reader.page(JobsQuestion(statuses=frozenset({JobStatus.FAILED})))
        assert len(failed.jobs) == min(PAGE, jobs // 10)
        assert storage.calls.total() == 1
