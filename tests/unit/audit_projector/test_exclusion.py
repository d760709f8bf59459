"""Overlapping runs are found, each once, whatever comes first; and what looks alike is not taken for one."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from tests.unit.audit_projector.doubles import LOCK, World

from contracts.lock_names import partition
from contracts.statuses import EventStatus, JobStatus
from coordination.journal.events import Writer, record, timestamp
from coordination.journal.rows import event_key, job_key
from coordination.outcomes import Completed, Interrupted
from coordination.ports import Row, UnknownOutcomeError
from read_models.documents import LockRun, StaleError
from read_models.memory import InMemoryReadModels


async def write(
    world: World,
    job_id: str,
    status: EventStatus,
    fence: int,
    *,
    at: float,
    op_id: str | None = None,
    attempt: int = 1,
    worker: str = "worker-1",
) -> None:
    """Write an event past all the rules, at so many seconds."""
    job = replace(await world.job(job_id), fence=fence, attempt=attempt, worker=worker)
    moment = timestamp(world.clock.now() + timedelta(seconds=at))
    job, event = record(job, status, "forged", Writer(worker, op_id or uuid4().hex, moment, worker))
    states = {EventStatus.STARTED: JobStatus.RUNNING, EventStatus.COMPLETED: JobStatus.COMPLETED}
    job = replace(job, status=states.get(status, JobStatus(job.status)).value)
    rows = world.journal.partitions[partition(LOCK)]
    for key, values in ((event_key(job_id, event.seq), event.values()), (job_key(job_id), job.values())):
        rows[key] = Row(
            key, {name: value for name, value in values.items() if value is not None}, uuid4().hex
        )


async def two_jobs(world: World) -> tuple[str, str]:
    return await world.submit(), await world.submit()


async def ran_across(world: World, one: str, other: str, *, overlap: float) -> None:
    """Let a run of each job end as if nothing were wrong, but the first later than the second began."""
    await write(world, one, EventStatus.STARTED, 1, at=0)
    await write(world, other, EventStatus.STARTED, 2, at=10)
    await write(world, one, EventStatus.COMPLETED, 1, at=10 + overlap)
    await write(world, other, EventStatus.COMPLETED, 2, at=60)


Order = Callable[[Sequence[str]], list[str]]
ORDERS: list[Order] = [
    lambda jobs: [*jobs],
    lambda jobs: [*reversed(jobs)],
    lambda jobs: [*jobs, *jobs, *jobs],
]


@pytest.mark.parametrize("order", ORDERS)
async def test_runs_that_overlapped_are_found_when_both_are_over(order: Order) -> None:
    world = World()
    jobs = await two_jobs(world)
    await ran_across(world, *jobs, overlap=5.000001)
    for job_id in order(jobs):
        await world.project(job_id)
    (found,) = world.violations
    assert (found.lock, found.fence, found.job_id) == (LOCK, 1, jobs[0])
    assert (found.other_fence, found.other_job_id) == (2, jobs[1])
    assert found.reason == "it ended 5.0 s after the other had begun"


@pytest.mark.parametrize("overlap", [-1, 0, 4, 5])
async def test_clocks_that_differ_by_up_to_five_seconds_raise_no_alarm(overlap: float) -> None:
    world = World()
    jobs = await two_jobs(world)
    await ran_across(world, *jobs, overlap=overlap)
    for job_id in jobs:
        await world.project(job_id)
    assert len(world.models.runs) == 2
    assert world.violations == []


@pytest.mark.parametrize("order", ORDERS)
async def test_a_run_is_compared_with_those_on_either_side(order: Order) -> None:
    world = World()
    jobs = first, second, third = [await world.submit() for _ in range(3)]
    await write(world, first, EventStatus.STARTED, 1, at=0)
    await write(world, second, EventStatus.STARTED, 2, at=10)
    await write(world, third, EventStatus.STARTED, 3, at=20)
    await write(world, first, EventStatus.COMPLETED, 1, at=16)
    await write(world, second, EventStatus.COMPLETED, 2, at=26)
    await write(world, third, EventStatus.COMPLETED, 3, at=30)
    for job_id in order([second, first, third]):
        await world.project(job_id)
    found = sorted(
        (seen.fence, seen.job_id, seen.other_fence, seen.other_job_id) for seen in world.violations
    )
    assert found == [(1, jobs[0], 2, jobs[1]), (2, jobs[1], 3, jobs[2])]
    marked = {fence for (_, fence), lock_run in world.models.runs.items() if lock_run.overlap}
    assert marked == {2, 3}


async def test_what_one_transaction_wrote_did_not_overlap_whatever_the_times_say() -> None:
    world = World()
    one, other = await two_jobs(world)
    await write(world, one, EventStatus.STARTED, 1, at=0)
    await write(world, one, EventStatus.COMPLETED, 1, at=90, op_id="chain")
    await write(world, other, EventStatus.STARTED, 2, at=10, op_id="chain")
    for job_id in (other, one):
        await world.project(job_id)
    assert world.violations == []


@pytest.mark.parametrize("order", ORDERS)
async def test_a_run_that_has_not_ended_when_the_next_begins_is_found_however_short_the_overlap(
    order: Order,
) -> None:
    world = World()
    jobs = one, other = await two_jobs(world)
    await write(world, one, EventStatus.STARTED, 1, at=0)
    await write(world, other, EventStatus.STARTED, 2, at=1)
    for job_id in order(jobs):
        await world.project(job_id)
    await write(world, one, EventStatus.COMPLETED, 1, at=1.5)
    await write(world, other, EventStatus.COMPLETED, 2, at=2)
    for job_id in order(jobs):
        await world.project(job_id)
    assert [(found.fence, found.other_fence) for found in world.violations] == [(1, 2)]


async def test_a_run_whose_end_is_only_not_projected_yet_is_no_violation() -> None:
    world = World()
    one, other = await two_jobs(world)
    await world.start()
    await world.project(one)
    await world.end(Completed())
    await world.start()
    await world.project(other)
    await world.project(one)
    assert world.violations == []


async def test_an_end_that_is_only_not_projected_yet_is_no_violation_although_the_job_runs_again() -> None:
    world = World()
    one, other = await two_jobs(world)
    await write(world, one, EventStatus.STARTED, 1, at=0)
    await world.project(one)
    await write(world, one, EventStatus.INTERRUPTED, 1, at=1)
    await write(world, other, EventStatus.STARTED, 2, at=2)
    await write(world, other, EventStatus.COMPLETED, 2, at=3)
    await write(world, one, EventStatus.STARTED, 3, at=4, attempt=2)
    for job_id in (other, one):
        await world.project(job_id)
    assert (await world.job(one)).status == "Running"
    assert world.violations == []


@pytest.mark.parametrize("is_begun", [False, True])
async def test_a_run_of_which_only_the_end_is_known_is_no_violation(*, is_begun: bool) -> None:
    world = World()
    one, other = await two_jobs(world)
    await write(world, one, EventStatus.STARTED, 1, at=0)
    await write(world, other, EventStatus.STARTED, 2, at=1)
    await world.project(other)
    world.observed.clear()
    lock_run = world.models.runs[partition(LOCK), 2]
    world.models.runs.clear()
    # As another projector leaves it that has not yet written how the run began.
    row = lock_run if is_begun else replace(lock_run, began_at=None)
    world.models.runs[partition(LOCK), 2] = replace(row, ended_at=lock_run.began_at)
    await world.project(one)
    assert len(world.violations) == is_begun


async def test_a_run_whose_job_is_not_known_is_no_violation() -> None:
    world = World()
    _, other = await two_jobs(world)
    world.models.runs[partition(LOCK), 1] = LockRun(LOCK, 1, began_at=world.clock.now())
    await write(world, other, EventStatus.STARTED, 2, at=1)
    await world.project(other)
    assert world.violations == []


async def test_a_run_whose_job_is_not_in_the_journal_is_no_violation() -> None:
    world = World()
    _, other = await two_jobs(world)
    world.models.runs[partition(LOCK), 1] = LockRun(LOCK, 1, "no-such-job", began_at=world.clock.now())
    await write(world, other, EventStatus.STARTED, 2, at=1)
    await world.project(other)
    assert world.violations == []


async def test_a_holder_that_writes_after_it_was_replaced_is_found() -> None:
    world = World()
    one, other = await two_jobs(world)
    await world.start("worker-1")
    await world.start("worker-2")  # takes over, and interrupts
    await world.end(Interrupted("shutdown"))
    await world.project(one)
    await write(world, one, EventStatus.STEP, 1, at=0.1)
    for _ in range(2):
        await world.project(one)
    await world.project(other)
    (found,) = world.violations
    assert (found.fence, found.job_id, found.other_fence) == (1, one, 2)
    assert "worker-1 wrote Step" in found.reason


async def test_a_holder_that_writes_into_the_next_attempt_of_its_job_is_found() -> None:
    world = World()
    job_id = await world.submit()
    await world.start("worker-1")
    await world.start("worker-2")
    await write(world, job_id, EventStatus.STATE_SAVED, 1, at=0.1, worker="worker-1")
    await world.project(job_id)
    assert [(found.fence, found.other_fence) for found in world.violations] == [(1, 2)]


async def test_a_job_that_starts_while_it_runs_is_found() -> None:
    world = World()
    job_id = await world.submit()
    await write(world, job_id, EventStatus.STARTED, 1, at=0)
    await write(world, job_id, EventStatus.STARTED, 2, at=1, attempt=2, worker="worker-2")
    await world.project(job_id)
    (found,) = world.violations
    assert (found.lock, found.fence, found.job_id) == (LOCK, 2, job_id)
    assert (found.other_fence, found.other_job_id) == (None, None)
    assert found.reason == "worker-2 started it while an earlier run of the same job was not over"


@pytest.mark.parametrize("order", ORDERS)
async def test_two_runs_with_one_fence_are_found(order: Order) -> None:
    world = World()
    jobs = one, other = await two_jobs(world)
    await write(world, one, EventStatus.STARTED, 1, at=0)
    await write(world, one, EventStatus.COMPLETED, 1, at=1)
    await write(world, other, EventStatus.STARTED, 1, at=2, worker="worker-2")
    for job_id in order(jobs):
        await world.project(job_id)
    assert [(found.fence, found.reason) for found in world.violations] == [(1, "2 runs have this fence")]


async def test_a_violation_is_told_once_by_all_projectors_together() -> None:
    world = World()
    jobs = await two_jobs(world)
    await ran_across(world, *jobs, overlap=30)
    projectors = [world.another_projection() for _ in range(6)]
    await asyncio.gather(*(projector.project(LOCK, job_id, 9) for projector in projectors for job_id in jobs))
    for job_id in jobs:
        await world.another_projection().project(LOCK, job_id, 0, afresh=True)
    assert len(world.violations) == 1


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_violation_is_told_once_also_when_the_answer_to_its_mark_was_lost(moment: str) -> None:
    losses = 0

    async def lose(when: str, name: str) -> None:
        nonlocal losses
        if (when, name) == (moment, "read_models.overlap") and losses < 2:
            losses += 1
            raise UnknownOutcomeError

    world = World(models=InMemoryReadModels(lose))
    jobs = await two_jobs(world)
    await ran_across(world, *jobs, overlap=30)
    for job_id in [*jobs, *jobs, *jobs]:
        try:
            await world.project(job_id)
        except UnknownOutcomeError:
            continue
    assert losses == (2 if moment == "before" else 1)
    assert len(world.violations) == 1


async def test_a_violation_is_reported_although_the_row_to_be_marked_changed_since_it_was_read() -> None:
    changes = 0

    async def change(when: str, name: str) -> None:
        nonlocal changes
        if (when, name) == ("before", "read_models.overlap") and changes < 2:
            changes += 1
            raise StaleError

    world = World(models=InMemoryReadModels(change))
    jobs = await two_jobs(world)
    await ran_across(world, *jobs, overlap=30)
    for job_id in jobs:
        await world.project(job_id)
    assert changes == 2
    assert len(world.violations) == 1
    assert world.models.runs[partition(LOCK), 2].overlap


async def test_only_rows_beside_what_was_written_are_read() -> None:
    calls: list[str] = []

    async def note(when: str, name: str) -> None:
        calls.extend([name] if when == "before" else [])

    world = World(models=InMemoryReadModels(note))
    job_id = await world.submit()
    await world.project(job_id)
    assert "read_models.around" not in calls
    await world.start()
    await world.project(job_id)
    assert calls.count("read_models.around") == 1
    await world.step("load")
    await world.project(job_id)
    assert calls.count("read_models.around") == 1
