"""First come, first served: the order of the line, whatever ids the callers chose."""

import random

import pytest
from tests.unit.coordination.journaled_lock import JournaledLock
from tests.unit.coordination.small_world import Script, World

from coordination.journal.rows import ticket_key
from coordination.observations import RunStarted
from coordination.outcomes import Completed, Interrupted


async def run_all(lock: JournaledLock) -> list[str]:
    """Start one job after the other, by a take-over and in ending transactions; return their ids."""
    started: list[str] = []
    draft = await lock.take_over()
    while draft.job is not None:
        started.append(draft.job.job_id)
        draft, _ = await lock.end(Completed(), chain=bool(lock.tickets()))
    return started


async def test_jobs_run_in_the_order_of_submission_and_not_of_their_ids() -> None:
    lock = JournaledLock()
    for job_id, order in (("z", "1"), ("y", "2"), ("m", "3"), ("a", "4")):
        await lock.submit(job_id, order)
    assert await run_all(lock) == ["z", "y", "m", "a"]


async def test_jobs_run_in_the_order_of_priority_before_that_of_submission() -> None:
    lock = JournaledLock()
    submitted = [(f"{99 - number}", f"{number:02d}", number * 7 % 10) for number in range(30)]
    for job_id, order, priority in submitted:
        await lock.submit(job_id, order, priority=priority)
    expected = sorted(submitted, key=lambda job: (job[2], job[1]))
    assert await run_all(lock) == [job_id for job_id, _, _ in expected]


async def test_jobs_of_the_same_order_run_in_the_order_of_their_ids() -> None:
    lock = JournaledLock()
    for job_id in ("c", "a", "b"):
        await lock.submit(job_id, "same")
    assert await run_all(lock) == ["a", "b", "c"]


@pytest.mark.parametrize("how", ["lost", "stopped"])
async def test_an_interrupted_job_is_first_again_although_its_id_is_last(how: str) -> None:
    lock = JournaledLock()
    await lock.submit("z", "1")
    await lock.submit("a", "2")
    assert (await lock.take_over("w1")).job == lock.job("z")
    if how == "stopped":
        await lock.end(Interrupted("the worker is stopping"))
        assert lock.tickets() == ["z", "a"]
    draft = await lock.take_over("w2")
    assert draft.job is not None
    assert draft.job.job_id == "z"
    assert lock.tickets() == ["a"]


async def test_an_interrupted_job_waits_behind_one_that_was_submitted_earlier() -> None:
    """A less urgent run, whose id is first, is cut off while a job of its own priority waits."""
    lock = JournaledLock()
    await lock.submit("a", "2")
    await lock.take_over("w1")
    # Its publisher gave it its order earlier, and wrote it later.
    await lock.submit("z", "1")
    await lock.take_over("w2")
    assert lock.lock.job_id == "z"
    assert lock.tickets() == ["a"]


def test_keys_of_tickets_sort_by_priority_then_order_then_id() -> None:
    randomness = random.Random(1)
    jobs = [
        (priority, f"018f-{randomness.randrange(20):02d}", f"{randomness.randrange(10_000):04d}")
        for priority in range(100)
        for _ in range(5)
    ]
    randomness.shuffle(jobs)
    assert [ticket_key(*job) for job in sorted(jobs)] == sorted(ticket_key(*job) for job in jobs)


async def test_workers_start_jobs_with_ids_of_their_callers_in_the_order_of_submission() -> None:
    world = World(seed=1, workers=2)
    ids = [f"{name}18f6c3e-7b1a-7c4e-9d3a-0123456789ab" for name in "fedcba"]
    for job_id in ids:
        await world.submit(script=Script(steps=1), job_id=job_id)
    await world.run_until_done()
    assert [seen.job.job_id for seen in world.observed if isinstance(seen, RunStarted)] == ids
    world.check()
    await world.close()
