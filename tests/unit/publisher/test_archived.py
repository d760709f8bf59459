"""Jobs that have left the journal over HTTP: archived while their audit trails stand, deleted afterwards."""

import pytest
from tests.unit.publisher.doubles import Api
from tests.unit.publisher.test_finalizing import cancelled

from audit_projector.projection import Projection
from coordination.maintenance.due_jobs import RetentionStores
from coordination.maintenance.retention import Retention
from coordination.retention_times import RetentionTimes

DAY = 86_400.0
TIMES = RetentionTimes(keep=DAY, trail=2 * DAY, ids=DAY)


async def let_go(api: Api, seconds: float) -> None:
    api.clock.jump(seconds)
    stores = RetentionStores(
        api.journal, api.register, api.clock, api.read_models.projected_seqs, api.read_models
    )
    await Retention(stores, TIMES).go()


async def archived(api: Api) -> str:
    """Return the id of a job that was cancelled, and has left the journal."""
    job_id = await cancelled(api)
    projection = Projection(api.journal, api.register, api.read_models, lambda _: None, times=TIMES)
    await projection.project("ledger", job_id, 2)
    await let_go(api, DAY)
    return job_id


async def test_an_archived_job_is_answered_from_its_audit_trail(api: Api) -> None:
    job_id = await cancelled(api)
    before = await api.get(f"/api/v1/jobs/{job_id}")
    events = await api.get(f"/api/v1/jobs/{job_id}/events")
    assert (before["state"], before["archived_at"]) == ("Present", None)
    projection = Projection(api.journal, api.register, api.read_models, lambda _: None, times=TIMES)
    await projection.project("ledger", job_id, 2)
    await let_go(api, DAY)

    after = await api.get(f"/api/v1/jobs/{job_id}")
    assert after["archived_at"].endswith("Z")
    assert after == before | {"state": "Archived", "archived_at": after["archived_at"]}
    assert await api.get(f"/api/v1/jobs/{job_id}/events") == events
    page = await api.get(f"/api/v1/jobs/{job_id}/events?limit=1")
    assert (page["items"], page["next"]) == (events["items"][:1], "1")
    assert (await api.get(f"/api/v1/jobs/{job_id}/events?cursor=1"))["items"] == events["items"][1:]


async def test_a_job_whose_trail_has_gone_is_deleted(api: Api) -> None:
    job_id = await archived(api)
    await let_go(api, DAY)
    for path in (f"/api/v1/jobs/{job_id}", f"/api/v1/jobs/{job_id}/events"):
        answer = await api.client.get(path)
        problem = answer.json()
        assert (answer.status_code, problem["type"], problem["state"]) == (
            410,
            "urn:turnstile:problem:job_removed",
            "Deleted",
        )
    await let_go(api, DAY)
    assert (await api.client.get(f"/api/v1/jobs/{job_id}")).status_code == 404


@pytest.mark.parametrize("action", ["cancel", "retry", "finalize", "pin", "unpin"])
async def test_nothing_can_be_done_to_an_archived_job(api: Api, action: str) -> None:
    job_id = await archived(api)
    answer = await api.client.post(f"/api/v1/jobs/{job_id}/{action}")
    problem = answer.json()
    assert (answer.status_code, problem["type"], problem["state"]) == (
        410,
        "urn:turnstile:problem:job_removed",
        "Archived",
    )
    assert (await api.client.get(f"/api/v1/jobs/{job_id}/result")).status_code == 410
