"""What a client with an API key is answered: proofs, names in the audit trail, locks, kinds and limits."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.publisher.access.keyed import NOW, KeyedApi
from tests.unit.publisher.doubles import WorkerOf

from contracts.access import Role, Scope
from coordination.outcomes import Failed
from publisher.access.caller import Caller, current_caller

JOBS = "/api/v1/jobs"
SUBMISSION = {"kind": "ten-steps", "lock": "ledger-1"}


async def submitted(keyed: KeyedApi, key: str, **body: Any) -> Any:
    answer = await keyed.ask(key, "POST", JOBS, json=SUBMISSION | body)
    assert answer.status_code == 202, answer.text
    return answer.json()["job_id"]


@pytest.mark.parametrize(
    ("header", "challenge"),
    [
        (None, 'Bearer realm="turnstile"'),
        ("Bearer wrong", 'Bearer realm="turnstile", error="invalid_token"'),
        ("Bearer", 'Bearer realm="turnstile", error="invalid_token"'),
        ("Basic {key}", 'Bearer realm="turnstile", error="invalid_token"'),
        ("{key}", 'Bearer realm="turnstile", error="invalid_token"'),
    ],
)
async def test_a_request_without_a_good_key_is_told_what_to_send(
    keyed: KeyedApi, header: str | None, challenge: str
) -> None:
    key = keyed.keys.add("ops", role=Role.ADMIN)
    headers = {} if header is None else {"Authorization": header.format(key=key)}
    answer = await keyed.api.client.get(JOBS, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == challenge
    assert answer.json()["type"] == "urn:turnstile:problem:unauthenticated"
    assert "Authorization: Bearer KEY" in answer.json()["detail"]


async def test_two_keys_in_one_request_are_refused(keyed: KeyedApi) -> None:
    key = keyed.keys.add("ops", role=Role.ADMIN)
    twice = [("Authorization", f"Bearer {key}")] * 2
    assert (await keyed.api.client.get(JOBS, headers=twice)).status_code == 401


async def test_a_key_whose_time_is_over_is_refused_like_a_wrong_one(keyed: KeyedApi) -> None:
    over = keyed.keys.add("old", role=Role.ADMIN, expires=NOW)
    good = keyed.keys.add("new", role=Role.ADMIN, expires=NOW + timedelta(seconds=1))
    refused, wrong = await keyed.ask(over, "GET", JOBS), await keyed.ask("wrong", "GET", JOBS)
    assert (refused.status_code, refused.content) == (wrong.status_code, wrong.content)
    assert (await keyed.ask(good, "GET", JOBS)).status_code == 200


async def test_a_missing_scope_is_named(keyed: KeyedApi) -> None:
    key = keyed.keys.add("billing", role=Role.VIEWER)
    answer = await keyed.ask(key, "POST", JOBS, json=SUBMISSION)
    assert answer.status_code == 403
    challenge = 'Bearer realm="turnstile", error="insufficient_scope", scope="submit"'
    assert answer.headers["www-authenticate"] == challenge
    assert answer.json()["missing_scope"] == "submit"
    assert answer.json()["detail"].startswith("Client billing lacks the scope submit.")
    assert not keyed.api.storage.calls


async def actors(keyed: KeyedApi, key: str, job_id: str) -> list[str]:
    events = (await keyed.ask(key, "GET", f"{JOBS}/{job_id}/events")).json()["items"]
    return [event["actor"] for event in events]


async def test_the_audit_trail_names_the_client(keyed: KeyedApi) -> None:
    key = keyed.keys.add("billing", role=Role.OPERATOR)
    job_id = await submitted(keyed, key)
    same = await keyed.ask(key, "POST", f"{JOBS}/{job_id}/cancel", headers={"X-Actor": "billing"})
    assert same.status_code == 202
    assert set(await actors(keyed, key, job_id)) == {"billing"}


async def test_another_name_needs_a_scope_and_stands_beside_that_of_the_client(keyed: KeyedApi) -> None:
    plain = keyed.keys.add("billing", role=Role.ADMIN)
    acting = keyed.keys.add("portal", role=Role.SUBMITTER, scopes=(Scope.ACT_AS,))
    named = {"X-Actor": "maria"}
    refused = await keyed.ask(plain, "POST", JOBS, json=SUBMISSION, headers=named)
    assert (refused.status_code, refused.json()["missing_scope"]) == (403, "act-as")
    accepted = await keyed.ask(acting, "POST", JOBS, json=SUBMISSION, headers=named)
    assert await actors(keyed, acting, accepted.json()["job_id"]) == ["portal (as maria)"]
    long = await keyed.ask(acting, "POST", JOBS, json=SUBMISSION, headers={"X-Actor": "m" * 100})
    assert (long.status_code, long.json()["errors"][0]["field"]) == (422, "X-Actor")
    schedule = await keyed.ask(acting, "POST", JOBS, json=SUBMISSION, headers={"X-Actor": "schedule:close"})
    assert schedule.status_code == 422


async def test_the_keys_of_two_clients_for_one_request_are_two(keyed: KeyedApi) -> None:
    one, other = (keyed.keys.add(name, role=Role.SUBMITTER) for name in ("one", "other"))
    jobs = [await submitted(keyed, key, idempotency_key="november") for key in (one, other)]
    assert jobs[0] != jobs[1]


@pytest.fixture
def limited(keyed: KeyedApi) -> str:
    return keyed.keys.add("billing", role=Role.OPERATOR, locks=("ledger-",), kinds=("ten-steps",))


@pytest.fixture
def ops(keyed: KeyedApi) -> str:
    return keyed.keys.add("ops", role=Role.ADMIN)


async def test_a_client_submits_only_on_its_locks_and_of_its_kinds(keyed: KeyedApi, limited: str) -> None:
    await submitted(keyed, limited)
    calls = dict(keyed.api.storage.calls)
    for body, name in (
        ({"lock": "payroll"}, "lock_not_allowed"),
        ({"lock": "ledger"}, "lock_not_allowed"),
        ({"kind": "checksum-file"}, "kind_not_allowed"),
    ):
        answer = await keyed.ask(limited, "POST", JOBS, json=SUBMISSION | body)
        assert answer.status_code == 403
        assert answer.json()["type"] == f"urn:turnstile:problem:{name}"
    unnamed = await keyed.ask(limited, "POST", JOBS, json={"kind": "ten-steps"})
    assert unnamed.json()["type"] == "urn:turnstile:problem:lock_not_allowed"
    assert keyed.api.storage.calls == calls


async def test_in_a_batch_only_the_jobs_of_other_locks_are_refused(keyed: KeyedApi, limited: str) -> None:
    jobs = [SUBMISSION, SUBMISSION | {"lock": "payroll"}]
    answer = await keyed.ask(limited, "POST", f"{JOBS}:batch", json={"jobs": jobs})
    items = answer.json()["items"]
    assert [item["status"] for item in items] == [202, 403]
    assert items[1]["problem"]["type"] == "urn:turnstile:problem:lock_not_allowed"


async def test_a_job_of_another_lock_does_not_exist_for_a_client(
    keyed: KeyedApi, limited: str, ops: str
) -> None:
    own, others = await submitted(keyed, ops), await submitted(keyed, ops, lock="payroll")
    never = "018f6c3e-7b1a-7c4e-9d3a-0123456789ab"
    for method, rest in (
        ("GET", ""),
        ("GET", "/result"),
        ("GET", "/events"),
        ("GET", "/stream"),
        ("POST", "/cancel"),
        ("POST", "/retry"),
        ("POST", "/finalize"),
        ("POST", "/pin"),
        ("POST", "/unpin"),
    ):
        foreign = await keyed.ask(limited, method, f"{JOBS}/{others}{rest}")
        absent = await keyed.ask(limited, method, f"{JOBS}/{never}{rest}")
        assert foreign.status_code == 404
        assert foreign.text.replace(others, never) == absent.text
    assert (await keyed.ask(limited, "GET", f"{JOBS}/{own}")).status_code == 200
    assert (await keyed.ask(ops, "GET", f"{JOBS}/{others}")).json()["status"] == "Queued"


async def test_a_look_at_a_job_costs_a_limited_client_no_further_request(
    keyed: KeyedApi, limited: str, ops: str
) -> None:
    job_id = await submitted(keyed, ops)
    counts = []
    for key in (ops, limited):
        keyed.api.storage.calls.clear()
        await keyed.ask(key, "GET", f"{JOBS}/{job_id}")
        counts.append(dict(keyed.api.storage.calls))
    assert counts[0] == counts[1]


async def test_a_client_sees_and_limits_only_its_locks(keyed: KeyedApi, limited: str, ops: str) -> None:
    await submitted(keyed, ops)
    await submitted(keyed, ops, lock="payroll")
    keyed.api.know_locks(["ledger-1", "payroll"])
    seen = [lock["lock"] for lock in (await keyed.ask(limited, "GET", "/api/v1/locks")).json()["items"]]
    assert seen == ["ledger-1"]
    for method, body in (("GET", None), ("PUT", {"limit": 2})):
        own = await keyed.ask(limited, method, "/api/v1/locks/ledger-1", json=body)
        other = await keyed.ask(limited, method, "/api/v1/locks/payroll", json=body)
        assert (own.status_code, other.status_code) == (200, 403)
        assert other.json()["type"] == "urn:turnstile:problem:lock_not_allowed"


async def test_a_retry_is_a_submission_of_its_kind(keyed: KeyedApi, ops: str, worker_of: WorkerOf) -> None:
    other = keyed.keys.add("other", role=Role.OPERATOR, kinds=("checksum-file",))
    job_id = await submitted(keyed, ops)
    worker = worker_of("ledger-1")
    await worker.start()
    await worker.end(Failed("ValueError", "no"))
    refused = await keyed.ask(other, "POST", f"{JOBS}/{job_id}/retry")
    assert refused.json()["type"] == "urn:turnstile:problem:kind_not_allowed"
    assert (await keyed.ask(ops, "POST", f"{JOBS}/{job_id}/retry")).status_code == 202


async def test_a_client_that_asks_too_often_waits_as_long_as_it_is_told(keyed: KeyedApi, ops: str) -> None:
    other = keyed.keys.add("other", role=Role.VIEWER)
    own = keyed.keys.add("own", role=Role.VIEWER, rate=1000.0, burst=50)
    keyed.set_limits(rate=0.5, burst=3)
    statuses = [(await keyed.ask(ops, "GET", JOBS)).status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    refused = await keyed.ask(ops, "GET", JOBS)
    assert refused.headers["retry-after"] == "2"
    assert refused.json()["type"] == "urn:turnstile:problem:too_many_requests"
    assert (await keyed.ask(other, "GET", JOBS)).status_code == 200
    assert [(await keyed.ask(own, "GET", JOBS)).status_code for _ in range(10)] == [200] * 10
    keyed.seconds = 1.9
    assert (await keyed.ask(ops, "GET", JOBS)).status_code == 429
    keyed.seconds = 2.0
    assert (await keyed.ask(ops, "GET", JOBS)).status_code == 200
    keyed.seconds = 1000.0
    statuses = [(await keyed.ask(ops, "GET", JOBS)).status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 429]


async def test_a_client_follows_a_limited_number_of_jobs(keyed: KeyedApi, ops: str) -> None:
    keyed.keys.add("other", role=Role.VIEWER)
    job_id = await submitted(keyed, ops)
    stream = replace(keyed.api.use_cases.stream, most_of_client=1)
    keyed.api.app.state.use_cases = replace(keyed.api.use_cases, stream=stream)
    client = keyed.keys.clients["ops"].client("ops")
    registration = await keyed.api.register.find(job_id)
    assert registration is not None
    token = current_caller.set(Caller(client))
    try:
        with stream.followed(registration):
            refused = await keyed.ask(ops, "GET", f"{JOBS}/{job_id}/stream")
            assert refused.status_code == 429
            assert refused.headers["retry-after"] == "5"
            assert refused.json()["type"] == "urn:turnstile:problem:too_many_own_followers"
            current_caller.set(Caller(keyed.keys.clients["other"].client("other")))
            stream.check_room()
        current_caller.set(Caller(client))
        stream.check_room()
    finally:
        current_caller.reset(token)


async def test_the_callers_of_requests_at_the_same_time_are_not_mixed_up(
    keyed: KeyedApi, limited: str, ops: str
) -> None:
    others = await submitted(keyed, ops, lock="payroll")
    answers = await asyncio.gather(
        *(keyed.ask(key, "GET", f"{JOBS}/{others}") for key in (limited, ops) * 20)
    )
    assert [answer.status_code for answer in answers] == [404, 200] * 20
