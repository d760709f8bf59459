"""A holder keeps the tickets that it has read for a short while, and reads them again in time."""

from collections.abc import AsyncIterator

import pytest
from tests.unit.coordination.setting import Setting

from coordination.clients.cancellation import Canceller
from coordination.clients.job_writer import JobWriter
from coordination.holder.tenure import Tenure
from coordination.holder.upcoming import BELIEVED_SECONDS, FEWEST, MOST
from coordination.journal.rows import JobRow
from coordination.outcomes import Completed
from coordination.ports import Row


@pytest.fixture
async def world() -> AsyncIterator[Setting]:
    made = Setting()
    yield made
    await made.close()


def accept(_: JobRow) -> bool:
    return True


async def end(tenure: Tenure) -> str | None:
    """End the run in progress, and return the job that was started with it."""
    run = await tenure.finish(Completed(), accept)
    return run.job.job_id if run is not None else None


async def test_jobs_that_were_read_together_cost_no_query_each(world: Setting) -> None:
    jobs = [await world.submit() for _ in range(FEWEST)]
    tenure, run = await world.hold()
    assert [run.job.job_id, *[await end(tenure) for _ in jobs[1:]]] == jobs
    assert len(world.network.sent("journal.read_range")) == 1


async def test_what_waits_behind_the_tickets_that_were_read_is_found(world: Setting) -> None:
    jobs = [await world.submit() for _ in range(FEWEST + 1)]
    tenure, run = await world.hold()
    assert [run.job.job_id, *[await end(tenure) for _ in jobs]] == [*jobs, None]


async def test_a_long_line_is_read_in_larger_and_larger_pieces(world: Setting) -> None:
    jobs = [await world.submit() for _ in range(600)]
    tenure, run = await world.hold()
    assert [run.job.job_id, *[await end(tenure) for _ in jobs]] == [*jobs, None]
    # 4, 8, 16, 32, then 64 at a time.
    assert len(world.network.sent("journal.read_range")) <= 4 + -(-540 // MOST) + 1


async def test_a_line_of_slow_jobs_is_read_in_small_pieces(
    world: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = [await world.submit() for _ in range(200)]
    tenure, _ = await world.hold()
    for _ in jobs[:100]:
        await end(tenure)
    limits, read_range = [], world.journal.read_range

    async def watched(partition: str, prefix: str, limit: int | None = None, after: str = "") -> list[Row]:
        limits.append(limit)
        return await read_range(partition, prefix, limit, after)

    monkeypatch.setattr(world.journal, "read_range", watched)
    for _ in range(8):
        await world.clock.advance(BELIEVED_SECONDS)
        await end(tenure)
    assert limits[-1] == 1 + FEWEST


async def test_a_line_that_was_read_a_while_ago_is_read_again(world: Setting) -> None:
    await world.submit()
    await world.submit()
    tenure, _ = await world.hold()
    urgent = await world.submit(priority=0)
    await world.clock.advance(BELIEVED_SECONDS)
    assert await end(tenure) == urgent


@pytest.mark.parametrize("waiting", [0, 3])
async def test_a_next_job_that_was_cancelled_makes_the_line_be_read_again(
    world: Setting, waiting: int
) -> None:
    _, second, *others = [await world.submit() for _ in range(2 + waiting)]
    tenure, _ = await world.hold()
    registration = await world.register.find(second)
    assert registration is not None
    await Canceller(JobWriter(world.journal, world.notifier, world.clock)).cancel(registration, "bob")
    assert await end(tenure) == next(iter(others), None)


async def test_a_first_job_that_is_for_others_is_looked_at_again(world: Setting) -> None:
    """It may have been cancelled, and the next one may be for this worker."""
    _, second, third = [await world.submit() for _ in range(3)]
    tenure, _ = await world.hold()
    registration = await world.register.find(second)
    assert registration is not None
    await Canceller(JobWriter(world.journal, world.notifier, world.clock)).cancel(registration, "bob")
    run = await tenure.finish(Completed(), lambda job: job.job_id != second)
    assert run is not None
    assert run.job.job_id == third
