"""POST /api/v1/jobs/{id}/pin and /unpin."""

from typing import Any

import pytest
from tests.unit.publisher.doubles import Api
from tests.unit.publisher.test_finalizing import cancelled


async def test_a_pinned_job_says_by_whom_and_why(api: Api) -> None:
    job_id = await cancelled(api)
    answer = await api.client.post(
        f"/api/v1/jobs/{job_id}/pin", json={"reason": " an audit "}, headers={"x-actor": "ada"}
    )
    assert answer.status_code == 202
    job = await api.get(f"/api/v1/jobs/{job_id}")
    assert answer.json() == job
    assert (job["status"], job["pinned_by"], job["pin_reason"]) == ("Cancelled", "ada", "an audit")

    answer = await api.client.post(f"/api/v1/jobs/{job_id}/unpin", headers={"x-actor": "bob"})
    assert answer.status_code == 202
    assert (answer.json()["pinned_by"], answer.json()["pin_reason"]) == (None, None)
    events = (await api.get(f"/api/v1/jobs/{job_id}/events"))["items"][-2:]
    assert [(event["status"], event["actor"], event["data"]) for event in events] == [
        ("Pinned", "ada", {"reason": "an audit"}),
        ("Unpinned", "bob", {}),
    ]


@pytest.mark.parametrize("action", ["pin", "unpin"])
async def test_a_job_that_waits_is_neither_pinned_nor_unpinned(api: Api, action: str) -> None:
    job_id = await api.submitted()
    answer = await api.client.post(f"/api/v1/jobs/{job_id}/{action}")
    problem = answer.json()
    assert (answer.status_code, problem["type"], problem["job_status"]) == (
        409,
        "urn:turnstile:problem:cannot_be_pinned",
        "Queued",
    )
    assert problem["detail"] == "The job is Queued: only a job that has ended can be pinned or unpinned."


@pytest.mark.parametrize("action", ["pin", "unpin"])
@pytest.mark.parametrize("body", [{"reason": 7}, {"why": "x"}])
async def test_a_wrong_body_changes_nothing(api: Api, action: str, body: Any) -> None:
    job_id = await cancelled(api)
    assert (await api.client.post(f"/api/v1/jobs/{job_id}/{action}", json=body)).status_code == 422
    assert len((await api.get(f"/api/v1/jobs/{job_id}/events"))["items"]) == 2
