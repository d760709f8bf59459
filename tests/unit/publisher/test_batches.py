"""POST /api/v1/jobs:batch: each job is answered for itself, as if it had been submitted alone."""

import asyncio
import json
import uuid
from typing import Any

import httpx
import pytest
from tests.unit.publisher.doubles import Api

from contracts.jobs import MAX_BATCH_BYTES, MAX_BODY_BYTES, MOST_JOBS_OF_A_BATCH
from contracts.policies import JobPolicy
from submission import KnownKinds

PATH = "/api/v1/jobs:batch"


async def send(api: Api, *jobs: Any, **headers: str) -> httpx.Response:
    return await api.client.post(PATH, json={"jobs": jobs}, headers=headers)


def job(**more: object) -> dict[str, object]:
    return {"kind": "ten-steps", "lock": "ledger", "job_id": str(uuid.uuid4()), **more}


async def test_each_job_has_its_answer_in_the_order_of_the_request(api: Api) -> None:
    api.directory.know("ten-steps", {"properties": {"n": {"type": "number"}}})
    good, wrong, unknown = job(), job(parameters={"n": "x"}), job(kind="other")
    answer = await send(api, good, wrong, {"lock": "ledger"}, unknown)
    assert answer.status_code == 200
    content = answer.json()
    assert content["accepted"] == 1
    assert [item["status"] for item in content["items"]] == [202, 422, 422, 422]
    assert content["items"][0] == {
        "status": 202,
        "job": {"job_id": good["job_id"], "lock": "ledger", "status": "Queued", "existing": False},
        "problem": None,
    }
    fields = [[error["field"] for error in item["problem"]["errors"]] for item in content["items"][1:]]
    assert fields == [["parameters.n"], ["kind"], ["kind"]]
    assert content["items"][3]["problem"]["known_kinds"] == ["ten-steps"]
    for refused in (wrong, unknown):
        assert (await api.client.get(f"/api/v1/jobs/{refused['job_id']}")).status_code == 404


async def test_jobs_wait_in_the_order_of_the_request_whichever_is_checked_first(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = [job(parameters={"at": at}) for at in range(20)]
    check = KnownKinds.check

    async def check_the_last_first(self: KnownKinds, kind: str, parameters: dict[str, Any]) -> JobPolicy:
        for _ in range(100 - parameters["at"]):
            await asyncio.sleep(0)
        return await check(self, kind, parameters)

    monkeypatch.setattr(KnownKinds, "check", check_the_last_first)
    await send(api, *jobs)
    assert (await api.get("/api/v1/locks/ledger"))["line"] == [each["job_id"] for each in jobs]


async def test_a_batch_that_is_sent_again_adds_nothing(api: Api) -> None:
    jobs = [job(), job(lock="other")]
    await send(api, *jobs)
    again = (await send(api, *jobs, job())).json()
    assert again["accepted"] == 1
    assert [item["status"] for item in again["items"]] == [409, 409, 202]
    assert [item["problem"]["same_request"] for item in again["items"][:2]] == [True, True]
    changed = (await send(api, jobs[0] | {"priority": 1})).json()["items"][0]
    assert (changed["status"], changed["problem"]["same_request"]) == (409, False)


async def test_one_id_twice_in_a_batch_is_one_job(api: Api) -> None:
    once = job()
    items = (await send(api, once, once)).json()["items"]
    assert sorted(item["status"] for item in items) == [202, 409]
    assert (await api.get("/api/v1/locks/ledger"))["waiting"] == 1


async def test_the_actor_is_that_of_every_job_and_each_has_a_trace_of_its_own(api: Api) -> None:
    jobs = [job(), job()]
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    await send(api, *jobs, **{"x-actor": "Ada", "traceparent": trace})
    states = [await api.get(f"/api/v1/jobs/{each['job_id']}") for each in jobs]
    events = [await api.get(f"/api/v1/jobs/{each['job_id']}/events") for each in jobs]
    assert [found["items"][0]["actor"] for found in events] == ["Ada", "Ada"]
    assert states[0]["trace_id"] != states[1]["trace_id"]


async def test_jobs_whose_outcome_is_unknown_say_so_and_name_their_id(api: Api) -> None:
    api.storage.silent.add("journal.register")
    one = job()
    item = (await send(api, one)).json()["items"][0]
    assert (item["status"], item["problem"]["job_id"]) == (503, one["job_id"])
    api.storage.silent.clear()
    assert (await send(api, one)).json()["items"][0]["status"] == 202


@pytest.mark.parametrize(
    ("content", "status", "says"),
    [
        ({"jobs": []}, 422, "jobs"),
        ({}, 422, "jobs"),
        ({"jobs": [{}] * (MOST_JOBS_OF_A_BATCH + 1)}, 422, "jobs"),
        ({"jobs": ["x"]}, 422, "jobs[0]"),
        ({"jobs": [{}], "more": 1}, 422, "more"),
        ([], 422, "body"),
    ],
)
async def test_what_is_no_batch_is_refused_as_a_whole(
    api: Api, content: object, status: int, says: str
) -> None:
    answer = await api.client.post(PATH, json=content)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (status, says)
    assert not api.storage.calls


async def test_neither_a_batch_nor_a_job_of_it_may_be_too_large(api: Api) -> None:
    large = job(parameters={"text": "x" * MAX_BODY_BYTES})
    items = (await send(api, large, job())).json()["items"]
    assert [item["status"] for item in items] == [413, 202]
    body = json.dumps({"jobs": [job(parameters={"text": "x" * MAX_BATCH_BYTES})]})
    answer = await api.client.post(PATH, content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["detail"][:35]) == (413, "The body is larger than 8192 KiB; p")


async def test_an_unexpected_error_of_one_job_is_not_that_of_the_others(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, add = job(), api.register.add

    async def fail(registration: Any) -> None:
        if registration.job_id == bad["job_id"]:
            raise KeyError("secret")
        await add(registration)

    monkeypatch.setattr(api.register, "add", fail)
    answer = await send(api, bad, job())
    assert [item["status"] for item in answer.json()["items"]] == [500, 202]
    assert "secret" not in answer.text
