"""POST /api/v1/jobs/{id}/finalize, and the lists that leave finalized jobs out."""

from typing import Any

import pytest
from tests.unit.publisher.doubles import Api

from audit_projector.projection import Projection


async def cancelled(api: Api) -> str:
    """Return the id of a job that was cancelled while it waited."""
    job_id = await api.submitted(lock="ledger")
    await api.client.post(f"/api/v1/jobs/{job_id}/cancel")
    return job_id


async def test_a_finalized_job_says_by_whom_and_why(api: Api) -> None:
    job_id = await cancelled(api)
    answer = await api.client.post(
        f"/api/v1/jobs/{job_id}/finalize", json={"reason": " booked by hand "}, headers={"x-actor": "ada"}
    )

    assert answer.status_code == 202
    job = await api.get(f"/api/v1/jobs/{job_id}")
    assert answer.json() == job
    assert (job["status"], job["finalized_by"], job["finalize_reason"]) == (
        "Cancelled",
        "ada",
        "booked by hand",
    )
    event = (await api.get(f"/api/v1/jobs/{job_id}/events"))["items"][-1]
    assert (event["status"], event["actor"], event["data"]) == (
        "Finalized",
        "ada",
        {"reason": "booked by hand"},
    )


async def test_repeating_it_is_harmless(api: Api) -> None:
    job_id = await cancelled(api)
    answers = [
        await api.client.post(f"/api/v1/jobs/{job_id}/finalize", headers={"x-actor": actor})
        for actor in ("ada", "bob")
    ]
    found = [(one.status_code, one.json()["finalized_by"]) for one in answers]
    assert found == [(202, "ada"), (200, "ada")]
    assert len((await api.get(f"/api/v1/jobs/{job_id}/events"))["items"]) == 3


async def test_a_job_that_waits_is_not_finalized(api: Api) -> None:
    job_id = await api.submitted()
    answer = await api.client.post(f"/api/v1/jobs/{job_id}/finalize")

    problem = answer.json()
    assert (answer.status_code, problem["type"], problem["job_status"]) == (
        409,
        "urn:turnstile:problem:cannot_be_finalized",
        "Queued",
    )
    assert problem["detail"].startswith("The job is Queued: only a job that ended without")


@pytest.mark.parametrize("body", [{"reason": 7}, {"why": "x"}])
async def test_a_wrong_body_finalizes_nothing(api: Api, body: Any) -> None:
    job_id = await cancelled(api)
    assert (await api.client.post(f"/api/v1/jobs/{job_id}/finalize", json=body)).status_code == 422
    assert (await api.get(f"/api/v1/jobs/{job_id}"))["finalized_by"] is None


async def test_lists_leave_it_out_unless_they_are_asked_for_it(api: Api) -> None:
    job_id, other = await cancelled(api), await cancelled(api)
    await api.client.post(f"/api/v1/jobs/{job_id}/finalize")
    projection = Projection(api.journal, api.register, api.read_models, lambda _: None)
    for one in (job_id, other):
        await projection.project("ledger", one, 2)

    async def listed(query: str) -> list[tuple[str, bool]]:
        found = (await api.get(f"/api/v1/jobs?{query}"))["items"]
        return sorted((job["job_id"], job["finalized"]) for job in found)

    for filters in ("", "status=Cancelled&"):
        assert await listed(filters) == [(other, False)]
        assert await listed(f"{filters}finalized=true") == sorted([(other, False), (job_id, True)])
    # The read models have its last event: it does not count as active any more.
    assert api.register._active == {}
