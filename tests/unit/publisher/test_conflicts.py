"""The field on_conflict: what a submission does when its lock has a job already."""

from dataclasses import replace
from typing import Any

import httpx
import pytest
from tests.unit.publisher.doubles import Api, WorkerOf

from contracts.policies import JobPolicy


async def submit(api: Api, on_conflict: str | None = None, **more: Any) -> httpx.Response:
    asked = {} if on_conflict is None else {"on_conflict": on_conflict}
    return await api.submit(lock="ledger", **asked, **more)


async def test_a_busy_lock_rejects_a_job_and_the_problem_names_the_one_that_is_there(api: Api) -> None:
    there = (await submit(api)).json()["job_id"]
    refused = await submit(api, "reject")
    assert refused.status_code == 409
    assert refused.json() == {
        "type": "urn:turnstile:problem:lock_busy",
        "title": "Lock busy",
        "status": 409,
        "detail": f"Lock 'ledger' is busy: job {there} is Queued. Nothing was submitted; try again when it "
        "has ended, or submit with another on_conflict.",
        "instance": "/api/v1/jobs",
        "job_id": there,
        "location": f"/api/v1/jobs/{there}",
    }
    assert refused.headers["location"] == f"/api/v1/jobs/{there}"


async def test_a_skipped_submission_is_answered_with_the_job_that_is_there(
    api: Api, worker_of: WorkerOf
) -> None:
    there = (await submit(api, "skip")).json()["job_id"]
    await worker_of("ledger").start()
    skipped = await submit(api, "skip")
    assert (skipped.status_code, skipped.json()) == (
        200,
        {"job_id": there, "lock": "ledger", "status": "Running", "existing": True},
    )
    assert skipped.headers["location"] == f"/api/v1/jobs/{there}"
    assert (await api.get("/api/v1/locks/ledger"))["waiting"] == 0


async def test_the_waiting_jobs_are_replaced_and_the_running_one_is_asked_to_stop(
    api: Api, worker_of: WorkerOf
) -> None:
    running = (await submit(api)).json()["job_id"]
    await worker_of("ledger").start()
    waiting = (await submit(api)).json()["job_id"]
    new = (await submit(api, "cancel-running")).json()["job_id"]
    assert (await api.get("/api/v1/locks/ledger"))["line"] == [new]
    states = [await api.get(f"/api/v1/jobs/{job_id}") for job_id in (running, waiting)]
    assert [(state["status"], state["cancel_requested"]) for state in states] == [
        ("Running", True),
        ("Cancelled", True),
    ]
    assert {state["cancel_reason"] for state in states} == {f"replaced by job {new}"}
    assert [(hint.what, hint.job_id) for hint in api.notifier.hints] == [("cancel_requested", running)]


async def test_too_many_waiting_jobs_are_not_replaced(api: Api) -> None:
    for _ in range(31):
        await submit(api)
    refused = await submit(api, "replace-waiting")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:turnstile:problem:too_many_waiting")


async def test_a_kind_says_it_for_submissions_that_do_not(api: Api) -> None:
    api.directory.know("ten-steps", {})
    known = api.directory.known_kinds["ten-steps"]
    policy = replace(known.policy, on_conflict="reject")
    api.directory.known_kinds["ten-steps"] = known.model_copy(update={"policy": policy})
    assert isinstance(policy, JobPolicy)
    assert (await submit(api)).status_code == 202
    assert (await submit(api)).status_code == 409
    assert (await submit(api, "queue")).status_code == 202


async def test_an_unknown_word_is_refused(api: Api) -> None:
    refused = await submit(api, "replace")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "on_conflict")


@pytest.mark.parametrize("policy", ["reject", "skip", "replace-waiting", "cancel-running"])
async def test_a_repeated_key_is_the_same_job_whatever_the_policy(api: Api, policy: str) -> None:
    first, again = [await submit(api, policy, idempotency_key="k") for _ in range(2)]
    assert (first.status_code, again.status_code) == (202, 200)
    assert again.json() == first.json() | {"existing": True}


async def test_each_job_of_a_batch_is_decided_for_itself(api: Api) -> None:
    await submit(api)
    asked = [{"kind": "ten-steps", "lock": "ledger", "on_conflict": policy} for policy in ("reject", "skip")]
    answer = (await api.client.post("/api/v1/jobs:batch", json={"jobs": asked})).json()
    assert [item["status"] for item in answer["items"]] == [409, 200]
    assert answer["accepted"] == 0


async def test_time_in_line_is_shown_and_is_part_of_the_request(api: Api) -> None:
    job_id = (await submit(api, expires_in=60, idempotency_key="k")).json()["job_id"]
    assert (await submit(api, expires_in=60.0, idempotency_key="k")).status_code == 200
    assert (await submit(api, expires_in=61, idempotency_key="k")).status_code == 422
    state = await api.get(f"/api/v1/jobs/{job_id}")
    assert state["expires_at"] > state["submitted_at"]
    for wrong in (0, -1, 10**9, "60", True):
        refused = await submit(api, expires_in=wrong)
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "expires_in")


async def test_time_limits_are_shown_and_are_part_of_the_request(api: Api) -> None:
    limits: dict[str, Any] = {"timeout": 5, "cancel_grace": 0}
    job_id = (await submit(api, idempotency_key="k", **limits)).json()["job_id"]
    assert (await submit(api, idempotency_key="k", **limits)).status_code == 200
    assert (await submit(api, idempotency_key="k", **limits | {"timeout": 6})).status_code == 422
    state = await api.get(f"/api/v1/jobs/{job_id}")
    assert {name: state[name] for name in limits} == limits
