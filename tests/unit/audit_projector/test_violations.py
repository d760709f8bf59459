"""A violation names the runs it is about, and is reported once, also where rows change or are missing."""

from dataclasses import replace

import pytest
from tests.unit.audit_projector.doubles import LOCK, World
from tests.unit.audit_projector.test_exclusion import write

from audit_projector.exclusion import ExclusionCheck
from audit_projector.observations import Observation
from contracts.lock_names import partition
from contracts.statuses import EventStatus
from read_models.documents import LockRun, StaleError
from read_models.memory import InMemoryReadModels


async def test_a_run_beside_two_with_one_fence_is_no_violation_of_its_own() -> None:
    world = World()
    one, other, third = [await world.submit() for _ in range(3)]
    await write(world, one, EventStatus.STARTED, 1, at=0)
    await write(world, one, EventStatus.COMPLETED, 1, at=1)
    await write(world, other, EventStatus.STARTED, 1, at=2)
    await write(world, other, EventStatus.COMPLETED, 1, at=3)
    await write(world, third, EventStatus.STARTED, 2, at=4)
    for job_id in (one, other, third):
        await world.project(job_id)
    assert [(found.fence, found.reason) for found in world.violations] == [(1, "2 runs have this fence")]
    assert world.models.runs[partition(LOCK), 2].overlap is None


async def test_a_foreign_event_is_reported_with_the_run_that_came_next() -> None:
    world = World()
    jobs = one, other, third = [await world.submit() for _ in range(3)]
    for at, (job_id, fence) in enumerate(((one, 1), (other, 2), (third, 3))):
        await write(world, job_id, EventStatus.STARTED, fence, at=2 * at)
        await write(world, job_id, EventStatus.COMPLETED, fence, at=2 * at + 1)
        await world.project(job_id)
    await write(world, one, EventStatus.STEP, 1, at=9)
    await world.project(one)
    (found,) = world.violations
    assert (found.fence, found.job_id, found.other_fence, found.other_job_id) == (1, one, 2, jobs[1])


async def test_a_foreign_event_without_a_fence_is_reported_too() -> None:
    world = World()
    job_id = await world.submit()
    await write(world, job_id, EventStatus.STARTED, 1, at=0)
    await write(world, job_id, EventStatus.STEP, 0, at=1)
    await world.project(job_id)
    (found,) = world.violations
    assert (found.fence, found.job_id, found.other_fence) == (0, job_id, 1)


class ChangingModels(InMemoryReadModels):
    """Read models whose row changes once before it is marked: by another's mark, or by a write of its run."""

    def __init__(self, mark: str | None) -> None:
        super().__init__()
        self._mark = mark
        self.marks = 0

    async def mark_overlap(self, partition: str, lock_run: LockRun, mark: str) -> None:
        self.marks += 1
        if self.marks == 1:
            known = self.runs[partition, lock_run.fence]
            self.runs[partition, lock_run.fence] = replace(known, overlap=self._mark, etag="changed")
            raise StaleError
        await super().mark_overlap(partition, lock_run, mark)


@pytest.mark.parametrize(("mark", "reported", "marks"), [(None, 1, 2), ("another's", 0, 1)])
async def test_a_row_that_changes_before_it_is_marked_is_read_again(
    mark: str | None, reported: int, marks: int
) -> None:
    world, models = World(), ChangingModels(mark)
    observed: list[Observation] = []
    runs = [LockRun(LOCK, 1, "one", 1), LockRun(LOCK, 1, "other", 1)]
    for run in runs:
        await models.record_lock_runs(partition(LOCK), [run])
    check = ExclusionCheck(world.journal, models, observed.append)
    for _ in range(2):
        await check.check(partition(LOCK), runs)
    assert (len(observed), models.marks) == (reported, marks)
    assert models.runs[partition(LOCK), 1].overlap is not None
