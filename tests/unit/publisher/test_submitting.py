"""POST /api/v1/jobs."""

import json
import uuid
from typing import Any, cast

import pytest
from tests.unit.publisher.doubles import Api

JSON = {"content-type": "application/json"}


async def test_an_accepted_job_is_found_at_once(api: Api) -> None:
    answer = await api.submit(lock="ledger")

    assert answer.status_code == 202
    job_id = answer.json()["job_id"]
    assert answer.json() == {"job_id": job_id, "lock": "ledger", "status": "Queued", "existing": False}
    assert answer.headers["location"] == f"/api/v1/jobs/{job_id}"
    events = await api.get(f"{answer.headers['location']}/events")
    assert [(event["seq"], event["status"]) for event in events["items"]] == [(1, "Submitted")]
    state = (await api.client.get(f"/api/v1/jobs/{job_id}")).json()
    assert (state["status"], state["kind"], state["position"]) == ("Queued", "ten-steps", 1)


async def test_the_wake_up_notifies_once_for_a_job(api: Api) -> None:
    job_id = (await api.submit(lock="ledger")).json()["job_id"]

    assert [(wake_up.lock_name, wake_up.job_id) for wake_up in api.notifier.wake_ups] == [("ledger", job_id)]


async def test_new_ids_are_version_7(api: Api) -> None:
    assert uuid.UUID((await api.submit()).json()["job_id"]).version == 7


async def test_the_trace_of_the_caller_is_the_trace_of_the_job(api: Api) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    headers = {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    answer = await api.client.post("/api/v1/jobs", json={"kind": "ten-steps"}, headers=headers)

    state = (await api.client.get(answer.headers["location"])).json()
    assert state["trace_id"] == trace
    assert (api.notifier.wake_ups[0].traceparent or "").split("-")[1] == trace


async def test_every_job_has_a_trace_of_its_own(api: Api) -> None:
    for _ in range(2):
        await api.submit()

    first, second = (wake_up.traceparent or "" for wake_up in api.notifier.wake_ups)
    assert first != second
    assert all(len(trace.split("-")[1]) == 32 for trace in (first, second))


@pytest.mark.parametrize(
    ("sent", "recorded"),
    [
        (None, "api"),
        ("Ada Lovelace", "Ada Lovelace"),
        ("Zoë".encode(), "Zoë"),
        # Latin-1 for a letter.
        (b"\xff", "ÿ"),
        (" ada ", "ada"),
        ("x" * 100, "x" * 100),
        # What is counted are characters, not bytes.
        (("é" * 100).encode(), "é" * 100),
    ],
)
async def test_the_audit_trail_names_who_asked(api: Api, sent: str | bytes | None, recorded: str) -> None:
    headers: Any = {} if sent is None else {"x-actor": sent}
    answer = await api.client.post("/api/v1/jobs", json={"kind": "ten-steps"}, headers=headers)

    events = (await api.get(f"{answer.headers['location']}/events"))["items"]
    assert events[0]["actor"] == recorded


@pytest.mark.parametrize("sent", ["", " ", "x" * 101, ("é" * 101).encode(), b"a\x01b", "a\u00a0b".encode()])
async def test_an_unusable_name_of_who_asks_is_refused(api: Api, sent: str | bytes) -> None:
    answer = await api.client.post(
        "/api/v1/jobs", json={"kind": "ten-steps"}, headers=cast("Any", {"x-actor": sent})
    )

    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {"field": "X-Actor", "message": "must be 1 to 100 printable characters"}
    ]
    assert api.notifier.wake_ups == []


async def test_nobody_may_call_themselves_a_schedule(api: Api) -> None:
    headers = {"x-actor": " schedule:nightly"}
    answer = await api.client.post("/api/v1/jobs", json={"kind": "ten-steps"}, headers=headers)

    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {"field": "X-Actor", "message": "must not begin with schedule:, as the names of schedules do"}
    ]


async def test_a_whole_number_may_be_written_with_a_fraction(api: Api) -> None:
    job_id = str(uuid.uuid4())
    assert (await api.submit(job_id=job_id, priority=9.0)).status_code == 202
    assert (await api.submit(job_id=job_id, priority=9)).json()["same_request"]
    assert (await api.submit(priority=1.5)).status_code == 422


async def test_lock_names_are_normalised(api: Api) -> None:
    composed = await api.submit(lock=" Caf\u00e9 ")
    decomposed = await api.submit(lock="Cafe\u0301")

    assert composed.json()["lock"] == decomposed.json()["lock"] == "Caf\u00e9"


async def test_an_own_id_in_capitals_is_the_same_id(api: Api) -> None:
    job_id = str(uuid.uuid4())
    await api.submit(job_id=job_id.upper())

    assert (await api.client.get(f"/api/v1/jobs/{job_id}")).status_code == 200
    assert (await api.client.get(f"/api/v1/jobs/{job_id.upper()}")).status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "kind"),
        ({"kind": "Ten Steps"}, "kind"),
        ({"kind": 7}, "kind"),
        ({"kind": "k", "lock": ""}, "lock"),
        ({"kind": "k", "lock": "x" * 201}, "lock"),
        ({"kind": "k", "lock": "a\u202eb"}, "lock"),
        ({"kind": "k", "priority": 10}, "priority"),
        ({"kind": "k", "priority": "1"}, "priority"),
        ({"kind": "k", "priority": 10**40}, "priority"),
        ({"kind": "k", "parameters": [1]}, "parameters"),
        ({"kind": "k", "job_id": "1"}, "job_id"),
        ({"kind": "k", "properties": {"a": 1}}, "properties.a"),
        ({"kind": "k", "properties": {"a": "x" * 257}}, "properties.a"),
        ({"kind": "k", "name": "x" * 201}, "name"),
        ({"kind": "k", "wish": 1}, "wish"),
        ([1], "body"),
        ("text", "body"),
        (None, "body"),
    ],
)
async def test_a_wrong_field_is_named(api: Api, body: Any, field: str) -> None:
    answer = await api.client.post("/api/v1/jobs", content=json.dumps(body), headers=JSON)

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert field in [error["field"] for error in answer.json()["errors"]]
    assert field in answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty"),
        (b"{", "line 1"),
        (b'{"kind": "k", "parameters": {"x": NaN}}', "NaN"),
        (b'{"kind": "k", "parameters": {"x": -Infinity}}', "-Infinity"),
        (b'{"kind": "k", "parameters": {"x": 1e999}}', "too large"),
        (b'{"kind": "k", "parameters": {"x": ' + b"9" * 5000 + b"}}", "too many digits"),
        (b'{"kind": "k", "name": "\\ud800"}', "surrogate"),
        (b'{"kind": "k", "parameters": {"\\udc00": 1}}', "surrogate"),
        (b'{"kind": "k", "lock": "a", "lock": "b"}', "'lock' twice"),
        (b'{"kind": "k", "parameters": {"' + b"x" * 2000 + b'": 1, "' + b"x" * 2000 + b'": 1}}', "twice"),
        (b"\xff\xfe", "UTF-8"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        (b"[" * 100_000, "levels"),
        (b'{"a":' * 20_000 + b"1" + b"}" * 20_000, "levels"),
        (b'{"kind":"k","parameters":{"a":' + b"[" * 40 + b"]" * 40 + b"}}", "levels"),
    ],
)
async def test_what_is_not_json_is_refused_with_the_reason(api: Api, body: Any, reason: str) -> None:
    answer = await api.client.post("/api/v1/jobs", content=body, headers=JSON)

    assert answer.status_code == 400
    assert reason in answer.json()["detail"]
    assert len(answer.text) < 1000


async def test_a_submission_the_storage_did_not_confirm_can_be_repeated(api: Api) -> None:
    api.storage.is_away = True
    answer = await api.submit(lock="ledger")

    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    job_id = answer.json()["job_id"]
    assert job_id in answer.json()["detail"]
    api.storage.is_away = False
    assert (await api.submit(lock="ledger", job_id=job_id)).status_code == 202


async def test_what_can_never_be_stored_is_refused(api: Api) -> None:
    answer = await api.submit(
        description="\u0001" * 4000, name="\u0001" * 200, properties={"a": "\u0001" * 256}
    )
    assert answer.status_code == 202

    many = {"\u0001" * 60 + f"{number:04d}": "\u0001" * 256 for number in range(32)}
    answer = await api.submit(properties=many)
    assert answer.status_code == 422
    assert answer.json()["type"].endswith(":cannot_be_stored")
