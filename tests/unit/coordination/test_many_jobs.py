"""Many jobs of one lock are read in few requests, wherever their ids lie."""

import random
import uuid
from collections.abc import AsyncIterator

import pytest
from tests.unit.coordination.setting import Setting

from contracts import lock_names
from coordination.journal import rows
from coordination.journal.many_jobs import read_jobs
from coordination.journal.rows import JobRow
from coordination.ports import Row

PARTITION = lock_names.partition("L")


@pytest.fixture
async def world() -> AsyncIterator[Setting]:
    made = Setting()
    yield made
    await made.close()


def store(world: Setting, *job_ids: str) -> None:
    stored = world.journal.partitions.setdefault(PARTITION, {})
    for job_id in job_ids:
        stored[rows.job_key(job_id)] = Row(rows.job_key(job_id), JobRow(job_id, "kind", "L").values(), "1")


def requests(world: Setting) -> tuple[int, int]:
    return len(world.network.sent("journal.read_range")), len(world.network.sent("journal.read"))


@pytest.mark.parametrize(
    ("count", "ranges", "single"), [(0, 0, 0), (3, 0, 3), (4, 1, 0), (600, 1, 0), (2500, 3, 0)]
)
async def test_neighbours_are_read_in_ranges(world: Setting, count: int, ranges: int, single: int) -> None:
    job_ids = [f"{number:06d}" for number in range(count)]
    store(world, *job_ids)
    found = await read_jobs(world.journal, PARTITION, job_ids)
    assert found == {job_id: JobRow(job_id, "kind", "L") for job_id in job_ids}
    assert requests(world) == (ranges, single)


async def test_ids_without_a_row_are_left_out(world: Setting) -> None:
    store(world, "1", "3", "5")
    assert set(await read_jobs(world.journal, PARTITION, ["0", "1", "2", "3", "4", "6"])) == {"1", "3"}
    assert set(await read_jobs(world.journal, PARTITION, ["1", "2"])) == {"1"}


async def test_jobs_that_lie_far_apart_are_read_one_by_one(world: Setting) -> None:
    others = [f"{number:06d}" for number in range(20_000)]
    store(world, *others)
    wanted = others[::2000]
    assert set(await read_jobs(world.journal, PARTITION, wanted)) == set(wanted)
    ranges, single = requests(world)
    assert ranges == 1
    assert single == len(wanted) - 1


@pytest.mark.parametrize("seed", range(5))
async def test_whatever_lies_where_the_same_is_found(world: Setting, seed: int) -> None:
    chance = random.Random(seed)
    stored = [str(uuid.UUID(int=chance.getrandbits(128))) for _ in range(chance.randrange(1, 400))]
    store(world, *stored)
    wanted = [*chance.sample(stored, chance.randrange(len(stored))), str(uuid.UUID(int=seed))]
    found = await read_jobs(world.journal, PARTITION, wanted)
    assert set(found) == set(wanted) & set(stored)
