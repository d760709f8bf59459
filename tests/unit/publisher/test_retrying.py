"""POST /api/v1/jobs/{id}/retry."""

from typing import Any

import pytest
from tests.unit.publisher.doubles import Api, WorkerOf

from coordination.outcomes import Completed, Failed


async def failed(api: Api, worker_of: WorkerOf, **body: Any) -> str:
    """Return the id of a job that recorded a step and failed."""
    job_id = await api.submitted(lock="ledger", **body)
    worker = worker_of("ledger")
    await worker.start()
    await worker.step("one")
    await worker.end(Failed("ValueError", "no"))
    return job_id


async def test_a_retry_is_a_new_job_that_continues(api: Api, worker_of: WorkerOf) -> None:
    about = {"name": "A title", "description": "more", "priority": 3, "properties": {"team": "a"}}
    old = await failed(api, worker_of, parameters={"steps": 2}, **about)
    answer = await api.client.post(
        f"/api/v1/jobs/{old}/retry", json={"reason": " open again "}, headers={"x-actor": "ada"}
    )

    assert answer.status_code == 202
    new = answer.json()["job_id"]
    assert answer.json() == {"job_id": new, "lock": "ledger", "status": "Queued", "existing": False}
    assert answer.headers["location"] == f"/api/v1/jobs/{new}"
    job = await api.get(f"/api/v1/jobs/{new}")
    assert {name: job[name] for name in about} == about
    assert (job["kind"], job["retry_of"], job["retried_by"]) == ("ten-steps", old, None)
    assert (await api.get(f"/api/v1/jobs/{old}"))["retried_by"] == new
    (event,) = (await api.get(f"/api/v1/jobs/{new}/events"))["items"]
    assert (event["actor"], event["data"]["reason"], event["data"]["history"]) == ("ada", "open again", [old])
    assert event["message"] == f"submitted by ada as a retry of {old}: open again"


@pytest.mark.parametrize("content", [b"", b"null", b"{}"])
async def test_the_body_is_optional(api: Api, worker_of: WorkerOf, content: bytes) -> None:
    old = await failed(api, worker_of)
    answer = await api.client.post(
        f"/api/v1/jobs/{old}/retry", content=content, headers={"content-type": "application/json"}
    )

    assert answer.status_code == 202


async def test_changed_parameters_are_checked_with_the_others(api: Api, worker_of: WorkerOf) -> None:
    schema: dict[str, object] = {
        "type": "object",
        "properties": {"steps": {"type": "integer"}, "seconds": {"type": "integer"}},
        "required": ["steps"],
        "additionalProperties": False,
    }
    api.directory.know("ten-steps", schema)
    old = await failed(api, worker_of, parameters={"steps": 2})
    for wrong, field in (({"seconds": "x"}, "parameters.seconds"), ({"other": 1}, "parameters.other")):
        answer = await api.client.post(f"/api/v1/jobs/{old}/retry", json={"parameters": wrong})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    answer = await api.client.post(
        f"/api/v1/jobs/{old}/retry", json={"parameters": {"seconds": 1}, "fresh": True}
    )

    assert answer.status_code == 202
    (event,) = (await api.get(f"/api/v1/jobs/{answer.json()['job_id']}/events"))["items"]
    assert event["data"]["fresh"] is True
    worker = worker_of("ledger")
    await worker.start()
    assert worker.held is not None
    assert worker.held.job.parameters == '{"seconds":1,"steps":2}'


async def test_it_is_retried_once_and_the_answer_is_the_same(api: Api, worker_of: WorkerOf) -> None:
    old = await failed(api, worker_of)
    path, own = f"/api/v1/jobs/{old}/retry", "018f6c3e-7b1a-7c4e-9d3a-0123456789ab"
    answers = [
        await api.client.post(path, json=body) for body in ({"job_id": own.upper()}, {}, {"job_id": own})
    ]
    found = [(one.status_code, one.json()["job_id"], one.json()["existing"]) for one in answers]
    assert found == [(202, own, False), (200, own, True), (200, own, True)]
    assert {one.headers["location"] for one in answers} == {f"/api/v1/jobs/{own}"}
    other = await api.client.post(path, json={"fresh": True})

    assert (other.status_code, other.headers["location"]) == (409, f"/api/v1/jobs/{own}")
    problem = other.json()
    assert (problem["type"], problem["job_id"]) == ("urn:turnstile:problem:already_retried", own)
    assert own in problem["detail"]


async def test_a_job_that_did_not_fail_is_not_retried(api: Api, worker_of: WorkerOf) -> None:
    job_id = await api.submitted(lock="ledger")
    worker = worker_of("ledger")

    async def refused(status: str) -> None:
        answer = await api.client.post(f"/api/v1/jobs/{job_id}/retry")
        assert answer.status_code == 409
        problem = answer.json()
        assert (problem["type"], problem["job_id"], problem["job_status"]) == (
            "urn:turnstile:problem:cannot_be_retried",
            job_id,
            status,
        )
        assert problem["detail"].startswith(f"The job is {status}: only a job that ended without")

    await refused("Queued")
    await worker.start()
    await refused("Running")
    await worker.end(Completed())
    await refused("Completed")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"reason": "x" * 501}, "reason"),
        ({"fresh": "yes"}, "fresh"),
        ({"parameters": []}, "parameters"),
        ({"job_id": "7"}, "job_id"),
        ({"lock": "other"}, "lock"),
    ],
)
async def test_a_wrong_body_retries_nothing(api: Api, worker_of: WorkerOf, body: Any, field: str) -> None:
    old = await failed(api, worker_of)
    answer = await api.client.post(f"/api/v1/jobs/{old}/retry", json=body)

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    assert (await api.get(f"/api/v1/jobs/{old}"))["retried_by"] is None


async def test_a_job_that_does_not_exist_is_not_retried(api: Api) -> None:
    answer = await api.client.post("/api/v1/jobs/018f6c3e-7b1a-7c4e-9d3a-0123456789ab/retry")
    assert answer.status_code == 404


async def test_without_storage_a_retry_can_be_repeated(api: Api, worker_of: WorkerOf) -> None:
    old = await failed(api, worker_of)
    api.storage.is_away = True
    answer = await api.client.post(f"/api/v1/jobs/{old}/retry")
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:turnstile:problem:storage_unavailable")
    api.storage.is_away = False
    assert (await api.client.post(f"/api/v1/jobs/{old}/retry")).status_code == 202
