"""POST /api/v1/jobs/{id}/cancel."""

from typing import Any

import pytest
from tests.unit.publisher.doubles import Api, WorkerOf


async def test_a_waiting_job_ends_at_once(api: Api) -> None:
    job_id = (await api.submit(lock="ledger")).json()["job_id"]
    answer = await api.client.post(f"/api/v1/jobs/{job_id}/cancel", headers={"x-actor": "ada"})

    assert answer.status_code == 202
    assert answer.json()["status"] == "Cancelled"
    events = (await api.client.get(f"/api/v1/jobs/{job_id}/events")).json()["items"]
    assert [(event["status"], event["actor"]) for event in events] == [
        ("Submitted", "api"),
        ("Cancelled", "ada"),
    ]
    assert api.notifier.hints == []


async def test_the_worker_of_a_running_job_gets_a_hint(api: Api, worker_of: WorkerOf) -> None:
    job_id = (await api.submit(lock="ledger")).json()["job_id"]
    await worker_of("ledger").start()
    answer = await api.client.post(f"/api/v1/jobs/{job_id}/cancel")

    assert answer.status_code == 202
    assert (answer.json()["status"], answer.json()["cancel_requested"]) == ("Running", True)
    assert [(hint.what, hint.lock, hint.job_id) for hint in api.notifier.hints] == [
        ("cancel_requested", "ledger", job_id)
    ]


async def test_a_cancellation_is_recorded_once_however_often_it_is_asked_for(
    api: Api, worker_of: WorkerOf
) -> None:
    job_id = await api.submitted(lock="ledger")
    await worker_of("ledger").start()
    for actor in ("ada", "bob"):
        answer = await api.client.post(f"/api/v1/jobs/{job_id}/cancel", headers={"x-actor": actor})
        assert (answer.status_code, answer.json()["cancel_requested"]) == (202, True)

    events = (await api.get(f"/api/v1/jobs/{job_id}/events"))["items"]
    assert [(event["status"], event["actor"]) for event in events[3:]] == [("CancelRequested", "ada")]
    # The worker may have lost the first hint.
    assert [hint.job_id for hint in api.notifier.hints] == [job_id, job_id]


async def test_the_reason_is_in_the_event_and_in_the_job(api: Api) -> None:
    job_id = await api.submitted(lock="ledger")
    answer = await api.client.post(
        f"/api/v1/jobs/{job_id}/cancel",
        json={"reason": "  wrong month <b>👻</b> "},
        headers={"x-actor": "ada"},
    )

    assert answer.status_code == 202
    job = answer.json()
    assert (job["cancel_requested_by"], job["cancel_reason"]) == ("ada", "wrong month <b>👻</b>")
    event = (await api.get(f"/api/v1/jobs/{job_id}/events"))["items"][-1]
    assert event["message"] == "cancelled by ada while waiting: wrong month <b>👻</b>"
    assert event["data"] == {"reason": "wrong month <b>👻</b>"}


@pytest.mark.parametrize("body", [None, {}, {"reason": ""}, {"reason": "   "}])
async def test_a_reason_is_optional(api: Api, body: Any) -> None:
    job_id = await api.submitted()
    job = (await api.client.post(f"/api/v1/jobs/{job_id}/cancel", json=body)).json()

    assert (job["status"], job["cancel_requested_by"], job["cancel_reason"]) == ("Cancelled", "api", None)
    assert (await api.get(f"/api/v1/jobs/{job_id}/events"))["items"][-1]["data"] == {}


async def test_a_body_that_is_null_is_none(api: Api) -> None:
    """Generated clients of Java send it where the caller gave them no body."""
    job_id = await api.submitted()
    answer = await api.client.post(
        f"/api/v1/jobs/{job_id}/cancel", content=b"null", headers={"content-type": "application/json"}
    )

    assert (answer.status_code, answer.json()["status"]) == (202, "Cancelled")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"reason":"' + b"x" * 501 + b'"}', "reason"),
        (b'{"reason":7}', "reason"),
        (b'{"reason":null}', "reason"),
        (b'{"why":"x"}', "why"),
        (b"[]", "body"),
    ],
)
async def test_a_wrong_body_cancels_nothing(api: Api, body: bytes, field: str) -> None:
    job_id = await api.submitted()
    answer = await api.client.post(
        f"/api/v1/jobs/{job_id}/cancel", content=body, headers={"content-type": "application/json"}
    )

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    assert (await api.get(f"/api/v1/jobs/{job_id}"))["status"] == "Queued"


@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [
        (b'{"reason":"x"}', "text/plain", 415),
        (b"{", "application/json", 400),
        (b'{"reason":"\\ud800"}', "application/json", 400),
        (b" " * 262_145, "application/json", 413),
    ],
)
async def test_a_body_that_cannot_be_read_cancels_nothing(
    api: Api, body: bytes, media_type: str, status: int
) -> None:
    job_id = await api.submitted()
    answer = await api.client.post(
        f"/api/v1/jobs/{job_id}/cancel", content=body, headers={"content-type": media_type}
    )

    assert answer.status_code == status
    assert (await api.get(f"/api/v1/jobs/{job_id}"))["status"] == "Queued"


async def test_a_cancelled_job_leaves_the_line_and_is_told_of_in_full(api: Api) -> None:
    first, second = [await api.submitted(lock="ledger", name="A title") for _ in range(2)]
    answer = await api.client.post(f"/api/v1/jobs/{first}/cancel")

    assert answer.json() == await api.get(f"/api/v1/jobs/{first}")
    assert (answer.json()["name"], answer.json()["position"]) == ("A title", None)
    assert (await api.get("/api/v1/locks/ledger"))["line"] == [second]


async def test_a_job_is_cancelled_under_any_spelling_of_its_id(api: Api) -> None:
    job_id = await api.submitted()

    assert (await api.client.post(f"/api/v1/jobs/{job_id.upper()}/cancel")).status_code == 202


@pytest.mark.parametrize("actor", ["", "x" * 101])
async def test_a_cancellation_by_an_unusable_name_is_refused(api: Api, actor: str) -> None:
    job_id = await api.submitted()
    answer = await api.client.post(f"/api/v1/jobs/{job_id}/cancel", headers={"x-actor": actor})

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "X-Actor")
    assert (await api.get(f"/api/v1/jobs/{job_id}"))["status"] == "Queued"


async def test_without_storage_a_cancellation_can_be_repeated(api: Api) -> None:
    job_id = (await api.submit(lock="ledger")).json()["job_id"]
    api.storage.is_away = True

    assert (await api.client.post(f"/api/v1/jobs/{job_id}/cancel")).status_code == 503
    api.storage.is_away = False
    assert (await api.client.post(f"/api/v1/jobs/{job_id}/cancel")).json()["status"] == "Cancelled"
