"""The header Idempotency-Key: one key of one caller is one job, whatever is repeated."""

import asyncio
from typing import Any

import httpx
import pytest
from tests.unit.publisher.doubles import Api, WorkerOf

from contracts.identifiers import id_of_key
from contracts.lock_names import partition
from coordination.journal.rows import JobRow, job_key
from coordination.outcomes import Completed
from coordination.ports import Row

BODY: dict[str, Any] = {"kind": "ten-steps", "lock": "ledger", "parameters": {"steps": 3}}
KEY = "close-november/2026"


async def send(api: Api, key: str | None = KEY, /, actor: str = "api", **body: object) -> httpx.Response:
    headers = {"x-actor": actor} | ({} if key is None else {"Idempotency-Key": key})
    return await api.client.post("/api/v1/jobs", json={**BODY, **body}, headers=headers)


def leave_in_place(api: Api, job_id: str, status: str) -> None:
    """Leave of a job what the scheduler leaves of an id that it closes, or a removal of a job."""
    stored = api.journal.partitions[partition("ledger")]
    stored.clear()
    left = JobRow(job_id, "", "ledger", status=status)
    stored[job_key(job_id)] = Row(job_key(job_id), left.values(), "left")


async def test_a_repeated_key_is_answered_with_the_same_job(api: Api) -> None:
    first, again = await send(api), await send(api)
    assert (first.status_code, again.status_code) == (202, 200)
    assert again.json() == first.json() | {"existing": True}
    assert again.headers["location"] == first.headers["location"]
    assert len((await api.get(f"{first.headers['location']}/events"))["items"]) == 1
    assert (await api.get("/api/v1/locks/ledger"))["line"] == [first.json()["job_id"]]
    assert len(api.notifier.wake_ups) == 1


async def test_a_repeated_key_is_answered_with_the_job_as_it_is_now(api: Api, worker_of: WorkerOf) -> None:
    await send(api)
    worker = worker_of("ledger")
    await worker.start()
    assert (await send(api)).json()["status"] == "Running"
    await worker.end(Completed("1"))
    again = await send(api)
    assert (again.status_code, again.json()["status"]) == (200, "Completed")


async def test_ten_at_once_with_one_key_are_one_job(api: Api) -> None:
    answers = await asyncio.gather(*(send(api) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] * 9 + [202]
    assert len({answer.json()["job_id"] for answer in answers}) == 1
    assert (await api.get("/api/v1/locks/ledger"))["waiting"] == 1
    assert len(api.notifier.wake_ups) == 1


@pytest.mark.parametrize("other", [{"parameters": {}}, {"lock": "other"}, {"priority": 1}])
async def test_a_key_of_another_request_is_refused_with_the_name_of_the_header(
    api: Api, other: dict[str, Any]
) -> None:
    job_id = (await send(api)).json()["job_id"]
    refused = await send(api, **other)
    message = f"was used for another request, that of job {job_id}; use a new key for a new request"
    assert refused.status_code == 422
    assert refused.json() == {
        "type": "urn:turnstile:problem:idempotency_key_used",
        "title": "Idempotency key used",
        "status": 422,
        "detail": f"The idempotency key '{KEY}' {message}.",
        "instance": "/api/v1/jobs",
        "errors": [{"field": "Idempotency-Key", "message": message}],
        "job_id": job_id,
    }
    assert (await api.client.get("/api/v1/locks/other")).status_code == 404
    assert len(api.notifier.wake_ups) == 1


async def test_each_actor_and_each_key_has_jobs_of_its_own(api: Api) -> None:
    answers = [await send(api, "a", actor="ada"), await send(api, "a", actor="bob"), await send(api, "b")]
    assert [answer.status_code for answer in answers] == [202, 202, 202]
    assert len({answer.json()["job_id"] for answer in answers}) == 3


async def test_a_key_in_the_body_is_the_key_of_the_header(api: Api) -> None:
    first = await send(api)
    in_body = await send(api, None, idempotency_key=KEY)
    both = await send(api, idempotency_key=KEY)
    assert (in_body.status_code, both.status_code) == (200, 200)
    assert in_body.json() == both.json() == first.json() | {"existing": True}
    differs = await send(api, idempotency_key="another")
    assert (differs.status_code, differs.json()["errors"][0]["field"]) == (422, "Idempotency-Key")


@pytest.mark.parametrize("key", ["", "a b", "x" * 201, "\u00e9", "a\tb"])
async def test_a_key_that_cannot_be_one_is_refused_wherever_it_stands(api: Api, key: str) -> None:
    in_body = await send(api, None, idempotency_key=key)
    assert (in_body.status_code, in_body.json()["errors"][0]["field"]) == (422, "idempotency_key")
    headers = [(b"Idempotency-Key", key.encode())]
    in_header = await api.client.post("/api/v1/jobs", json=BODY, headers=headers)
    assert (in_header.status_code, in_header.json()["errors"][0]["field"]) == (422, "Idempotency-Key")
    words = "must be 1 to 200 visible ASCII characters: letters, digits and signs, no blanks"
    assert [one.json()["errors"][0]["message"] for one in (in_body, in_header)] == [words] * 2
    assert not api.storage.calls["journal.register"]


@pytest.mark.parametrize(
    ("header", "path"),
    [
        ("Idempotency-Key", "/api/v1/jobs"),
        ("X-Actor", "/api/v1/jobs"),
        ("X-Actor", "/api/v1/jobs:batch"),
        ("Idempotency-Key", "/api/v1/schedules/nightly:run"),
    ],
)
@pytest.mark.parametrize("second", ["a", "b"])
async def test_a_header_that_is_there_twice_is_refused_by_its_name(
    api: Api, header: str, path: str, second: str
) -> None:
    headers = [(header, "a"), (header.lower(), second)]
    refused = await api.client.post(path, json=BODY, headers=headers)
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:turnstile:problem:invalid_fields")
    assert refused.json()["errors"] == [{"field": header, "message": "is sent more than once; send it once"}]
    assert not api.storage.calls["journal.register"]


async def test_the_longest_key_is_taken(api: Api) -> None:
    assert (await send(api, "~" * 200)).status_code == 202


async def test_an_id_and_a_key_are_refused_together(api: Api) -> None:
    refused = await send(api, job_id=id_of_key("api", KEY))
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "idempotency_key")


async def test_a_removed_job_is_not_run_again_by_its_key(api: Api) -> None:
    job_id = (await send(api)).json()["job_id"]
    leave_in_place(api, job_id, JobRow.REMOVED)
    again = await send(api)
    assert (again.status_code, again.json()["type"]) == (410, "urn:turnstile:problem:job_removed")
    assert again.json()["job_id"] == job_id
    assert (await send(api, priority=1)).status_code == 422


async def test_a_key_whose_submission_was_closed_is_not_used_again(api: Api) -> None:
    job_id = (await send(api)).json()["job_id"]
    leave_in_place(api, job_id, JobRow.TOMBSTONE)
    again = await send(api)
    assert (again.status_code, again.json()["type"]) == (422, "urn:turnstile:problem:idempotency_key_used")
    assert "never arrived" in again.json()["detail"]


async def test_without_an_answer_the_key_is_to_be_repeated(api: Api) -> None:
    api.storage.silent.add("journal.commit")
    unknown = await send(api)
    assert unknown.status_code == 503
    assert "Submit again with the same Idempotency-Key" in unknown.json()["detail"]
    api.storage.silent.clear()
    assert (await send(api)).status_code == 202


async def test_a_key_costs_no_further_request(api: Api) -> None:
    await send(api, None)
    without = dict(api.storage.calls)
    api.storage.calls.clear()
    await send(api)
    assert set(api.storage.calls) <= set(without)
    assert all(api.storage.calls[name] <= count for name, count in without.items())


async def test_jobs_of_a_batch_have_keys_of_their_own(api: Api) -> None:
    jobs = [BODY | {"idempotency_key": "1"}, BODY | {"idempotency_key": "2"}]
    path = "/api/v1/jobs:batch"
    first = (await api.client.post(path, json={"jobs": jobs})).json()
    again = (await api.client.post(path, json={"jobs": [*jobs, jobs[0] | {"priority": 1}]})).json()
    assert (first["accepted"], again["accepted"]) == (2, 0)
    assert [item["status"] for item in again["items"]] == [200, 200, 422]
    before = [item["job"] | {"existing": True} for item in first["items"]]
    assert [item["job"] for item in again["items"][:2]] == before
    assert again["items"][2]["problem"]["type"] == "urn:turnstile:problem:idempotency_key_used"
