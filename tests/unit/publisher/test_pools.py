"""The pool of a job over HTTP, and why no living worker may run a job that is next."""

from typing import Any

import pytest
from tests.unit.publisher.doubles import Api

from contracts.jobs import Worker


async def hear(api: Api, name: str, **about: Any) -> None:
    """Let a worker be alive."""
    about = {"kinds": ["ten-steps"], "seen_at": api.clock.now()} | about
    await api.directory.record_heartbeat(Worker.model_validate({"worker": name, **about}))


async def job(api: Api, job_id: str) -> Any:
    return await api.get(f"/api/v1/jobs/{job_id}")


async def test_a_job_says_its_pool_and_that_no_worker_of_it_is_there(api: Api) -> None:
    await hear(api, "plain")
    found = await job(api, await api.submitted(lock="ledger", pool="gpu"))
    assert found["pool"] == "gpu"
    assert found["waiting_for"]["no_worker"] == "no worker of pool gpu is there"


async def test_a_job_that_a_living_worker_may_run_says_nothing_of_that(api: Api) -> None:
    await hear(api, "gpu", pools=["gpu"])
    found = await job(api, await api.submitted(lock="ledger", pool="gpu"))
    assert found["waiting_for"]["no_worker"] is None


async def test_only_the_job_that_is_next_says_why_no_worker_runs_it(api: Api) -> None:
    jobs = [await api.submitted(lock="ledger", pool="gpu") for _ in range(2)]
    said = [(await job(api, job_id))["waiting_for"]["no_worker"] for job_id in jobs]
    assert said == ["no worker of pool gpu is there", None]


async def test_the_workers_are_listed_once_for_many_questions(api: Api) -> None:
    waiting = await api.submitted(lock="ledger", pool="gpu")
    for _ in range(5):
        await job(api, waiting)
    await hear(api, "gpu", pools=["gpu"])
    assert (await job(api, waiting))["waiting_for"]["no_worker"] is not None
    await api.clock.sleep(3)
    await hear(api, "gpu", pools=["gpu"])
    assert (await job(api, waiting))["waiting_for"]["no_worker"] is None


@pytest.mark.parametrize("pool", ["GPU", "", "a b", "x" * 65])
async def test_a_pool_that_cannot_be_is_refused_and_named(api: Api, pool: str) -> None:
    refused = await api.submit(pool=pool)
    assert refused.status_code == 422
    [error] = refused.json()["errors"]
    assert error["field"] == "pool"


async def test_a_worker_shows_its_pools(api: Api) -> None:
    await hear(api, "w", pools=["gpu"], custom_properties={"machine": "premium"}, kind_limits={"import": 1})
    found = await api.get("/api/v1/workers/w")
    assert (found["pools"], found["kind_limits"]) == (["gpu"], {"import": 1})
    assert found["custom_properties"] == {"machine": "premium"}
