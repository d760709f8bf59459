"""POST /api/jobs/{id}/cancel."""

import uuid

from tests.unit.publisher.doubles import Api, WorkerOf

from coordination.outcomes import Completed


async def test_a_waiting_job_ends_at_once(api: Api) -> None:
    job_id = (await api.submit(lock="ledger")).json()["job_id"]
    answer = await api.client.post(f"/api/jobs/{job_id}/cancel", headers={"x-actor": "ada"})

    assert answer.status_code == 202
    assert answer.json()["status"] == "Cancelled"
    events = (await api.client.get(f"/api/jobs/{job_id}")).json()["items"]
    assert [(event["status"], event["actor"]) for event in events] == [
        ("Submitted", "api"),
        ("Cancelled", "ada"),
    ]
    assert api.bell.hints == []


async def test_the_worker_of_a_running_job_gets_a_hint(api: Api, worker_of: WorkerOf) -> None:
    job_id = (await api.submit(lock="ledger")).json()["job_id"]
    await worker_of("ledger").start()
    answer = await api.client.post(f"/api/jobs/{job_id}/cancel")

    assert answer.status_code == 202
    assert (answer.json()["status"], answer.json()["cancel_requested"]) == ("Running", True)
    assert [(hint.what, hint.lock, hint.job_id) for hint in api.bell.hints] == [
        ("cancel_requested", "ledger", job_id)
    ]


async def test_a_job_that_has_ended_answers_too_late(api: Api, worker_of: WorkerOf) -> None:
    job_id = (await api.submit(lock="ledger")).json()["job_id"]
    worker = worker_of("ledger")
    await worker.start()
    await worker.end(Completed("1"))
    answer = await api.client.post(f"/api/jobs/{job_id}/cancel")

    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:turnstile:problem:cancel_too_late"
    assert answer.json()["job_status"] == "Completed"


async def test_an_unknown_job_cannot_be_cancelled(api: Api) -> None:
    assert (await api.client.post(f"/api/jobs/{uuid.uuid4()}/cancel")).status_code == 404


async def test_without_storage_a_cancellation_can_be_repeated(api: Api) -> None:
    job_id = (await api.submit(lock="ledger")).json()["job_id"]
    api.storage.is_away = True

    assert (await api.client.post(f"/api/jobs/{job_id}/cancel")).status_code == 503
