"""A try to project that fails or comes second leaves nothing out and counts nothing twice."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.unit.audit_projector.doubles import LOCK, World, content

from audit_projector.observations import EventsProjected, TrailBroken
from contracts.jobs import JobSummary
from contracts.lock_names import partition
from coordination.journal.rows import event_key
from coordination.outcomes import Completed
from coordination.ports import UnknownOutcomeError
from coordination.testing.memory import InMemoryJournal, InMemoryRegister
from read_models.documents import StaleError, Watermark
from read_models.memory import InMemoryReadModels


class FailsOnce:
    """Fails the first call of one name, before it is carried out."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.has_failed = False

    async def __call__(self, moment: str, name: str) -> None:
        if (moment, name) == ("before", self._name) and not self.has_failed:
            self.has_failed = True
            raise UnknownOutcomeError


class StaleModels(InMemoryReadModels):
    """Read models in which others have written the summary before, so many times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.left = times
        self.tries = 0

    async def record_summary(self, summary: JobSummary, mark: Watermark, etag: str | None) -> str:
        self.tries += 1
        if self.left:
            self.left -= 1
            raise StaleError
        return await super().record_summary(summary, mark, etag)


def projected(world: World) -> Iterator[int]:
    """Yield how many events each observation says were projected."""
    return (len(seen.events) for seen in world.observed if isinstance(seen, EventsProjected))


CALLS = [
    "journal.read",
    "read_models.watermark",
    "journal.read_range",
    "read_models.trail",
    "read_models.recent",
    "read_models.lock_runs",
    "read_models.around",
    "read_models.lock",
    "read_models.summary",
]


@pytest.mark.parametrize("call", [*CALLS, "journal.retire"])
async def test_a_call_that_fails_leaves_nothing_out_when_the_message_is_tried_again(call: str) -> None:
    fault = FailsOnce(call)
    world = World(
        journal=InMemoryJournal(fault), register=InMemoryRegister(fault), models=InMemoryReadModels(fault)
    )
    fault.has_failed = True  # while the job lives
    job_id = await world.submit()
    await world.start()
    await world.end(Completed())
    fault.has_failed = False
    with pytest.raises(UnknownOutcomeError):
        await world.project(job_id, 4, first=4)
    assert fault.has_failed
    if call in CALLS:
        assert world.models.summaries == {}  # the watermark comes last
    assert await world.active() == {job_id}
    await world.project(job_id, 4, first=4)
    expected = World(world.journal, world.register, world.notifier, world.clock)
    await expected.project(job_id)
    assert content(world.models) == content(expected.models)
    assert list(projected(world)) == [4]
    assert await world.active() == set()


async def test_a_break_is_reported_once_although_the_try_is_repeated() -> None:
    fault = FailsOnce("read_models.summary")
    world = World(models=InMemoryReadModels(fault))
    job_id = await world.submit()
    await world.start()
    rows = world.journal.partitions[partition(LOCK)]
    for seq in (2, 3):
        key = event_key(job_id, seq)
        rows[key] = replace(rows[key], values={**rows[key].values, "message": "altered"})
    with pytest.raises(UnknownOutcomeError):
        await world.project(job_id)
    await world.project(job_id)
    await world.projection.project(LOCK, job_id, 0, afresh=True)
    assert [seen.event.seq for seen in world.observed if isinstance(seen, TrailBroken)] == [2, 3]
    broken = [entry.event.seq for entry in world.models.trail.values() if entry.is_broken]
    assert broken == [2, 3]


async def test_the_same_break_in_another_job_is_reported_too() -> None:
    world = World()
    jobs = [await world.submit(), await world.submit()]
    rows = world.journal.partitions[partition(LOCK)]
    for job_id in jobs:
        key = event_key(job_id, 1)
        rows[key] = replace(rows[key], values={**rows[key].values, "message": "altered"})
        await world.project(job_id)
    assert [seen.event.job_id for seen in world.observed if isinstance(seen, TrailBroken)] == jobs


async def test_a_projector_that_others_overtake_nine_times_projects_the_job() -> None:
    models = StaleModels(9)
    world = World(models=models)
    job_id = await world.submit()
    assert await world.project(job_id) == 1
    assert models.tries == 10
    assert models.summaries[job_id][1].seq == 1
    assert list(projected(world)) == [1]


async def test_a_projector_that_others_overtake_ten_times_leaves_the_job_to_a_later_message() -> None:
    models = StaleModels(10)
    world = World(models=models)
    job_id = await world.submit()
    with pytest.raises(UnknownOutcomeError, match=job_id):
        await world.project(job_id)
    assert (models.tries, models.summaries) == (10, {})
    assert await world.project(job_id) == 1
