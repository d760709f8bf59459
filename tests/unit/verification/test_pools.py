"""I14: a run is on a worker that serves the pool of its job."""

import json

import pytest
from tests.unit.verification.asking import broken
from tests.unit.verification.authored import Author, job_id
from tests.unit.verification.breaking import forge
from tests.unit.verification.records import Records

from coordination.journal import rows

JOB = job_id(1)


def history(pool: str | None, served: object, in_row: str = "") -> Records:
    """Return the history of a job of a pool that ran on a worker which says what it serves."""
    author = Author()
    author.start(author.submit())
    author.end(JOB)
    for seq, values in ((1, {"pool": pool}), (3, {"pools": served})):
        data = json.loads(str(author.event(JOB, seq)["data"]))
        named = {name: value for name, value in values.items() if value is not None}
        forge(author, JOB, seq, data=json.dumps(data | named))
    if in_row or pool is not None:
        author.rows[rows.job_key(JOB)][0]["pool"] = in_row or pool
    return Records(author)


@pytest.mark.parametrize(
    ("pool", "served"),
    [(None, None), ("gpu", ["gpu"]), ("gpu", ["default", "gpu"]), (None, ["default", "gpu"])],
)
async def test_a_run_on_a_worker_of_the_pool_is_in_order(pool: str | None, served: object) -> None:
    assert await broken(history(pool, served)) == {}


@pytest.mark.parametrize(
    ("pool", "served", "worker"),
    [
        ("gpu", None, "default"),
        ("gpu", ["reports"], "reports"),
        ("gpu", [], "no pool"),
        ("gpu", "gpu", "no pool"),
        (None, ["gpu", "reports"], "gpu, reports"),
    ],
)
async def test_a_run_on_a_worker_of_another_pool_is_found(
    pool: str | None, served: object, worker: str
) -> None:
    said = f"event 3: it was started on w1, a worker of {worker}, and its pool is {pool or 'default'}"
    assert await broken(history(pool, served)) == {"I14": [said]}


async def test_a_row_that_names_another_pool_than_the_submission_is_found() -> None:
    assert set(await broken(history("gpu", ["gpu"], in_row="reports"))) == {"I1"}
