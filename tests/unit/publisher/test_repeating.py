"""One id, several submissions: what is the same request, and what is another one."""

import json
import uuid
from typing import Any

import pytest
from tests.unit.publisher.doubles import Api, WorkerOf

from contracts.lock_names import partition
from coordination.journal.rows import JobRow, job_key
from coordination.outcomes import Completed
from coordination.ports import Row

JOB_ID = "018f6c3e-7b1a-7c4e-9d3a-0123456789ab"
WHOLE: dict[str, Any] = {
    "kind": "ten-steps",
    "lock": "ledger",
    "parameters": {"b": 1, "a": [2, {"d": "é", "c": None}]},
    "name": "A title",
    "description": "What for.",
    "priority": 3,
    "properties": {"team": "accounts", "area": "north"},
}


@pytest.mark.parametrize(
    "body",
    [
        WHOLE,
        json.loads(json.dumps(WHOLE, sort_keys=True)),
        {**WHOLE, "parameters": {"a": [2, {"c": None, "d": "\u00e9"}], "b": 1}},
        {**WHOLE, "properties": {"area": "north", "team": "accounts"}},
        {**WHOLE, "lock": " ledger "},
        {**WHOLE, "priority": 3.0},
        {**WHOLE, "job_id": JOB_ID.upper()},
    ],
)
async def test_the_same_request_in_another_spelling_has_nothing_left_to_do(
    api: Api, body: dict[str, Any]
) -> None:
    headers = {"x-actor": "another", "traceparent": f"00-{uuid.uuid4().hex}-b7ad6b7169203331-01"}
    assert (await api.submit(**{**WHOLE, "job_id": JOB_ID})).status_code == 202
    answer = await api.client.post("/api/v1/jobs", json={"job_id": JOB_ID, **body}, headers=headers)

    assert answer.json() == {
        "type": "urn:turnstile:problem:job_id_used",
        "title": "Job id used",
        "status": 409,
        "detail": f"Job {JOB_ID} was already submitted with the same content; nothing needs to be done.",
        "instance": "/api/v1/jobs",
        "job_id": JOB_ID,
        "location": f"/api/v1/jobs/{JOB_ID}",
        "same_request": True,
    }
    assert (answer.status_code, answer.headers["location"]) == (409, f"/api/v1/jobs/{JOB_ID}")
    assert answer.headers["content-type"] == "application/problem+json"
    # One job, in line once, announced once.
    assert len((await api.get(f"{answer.headers['location']}/events"))["items"]) == 1
    assert (await api.client.get("/api/v1/locks/ledger")).json()["line"] == [JOB_ID]
    assert len(api.notifier.wake_ups) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"kind": "eleven-steps"},
        {"lock": "Ledger"},
        {"parameters": {}},
        {"parameters": {"b": 1, "a": [{"c": None, "d": "é"}, 2]}},
        {"name": ""},
        {"description": "What for"},
        {"priority": 4},
        {"properties": {"team": "accounts"}},
        {"name": WHOLE["description"], "description": WHOLE["name"]},
    ],
)
async def test_another_request_under_a_used_id_is_refused_and_changes_nothing(
    api: Api, other: dict[str, Any]
) -> None:
    await api.submit(**{**WHOLE, "job_id": JOB_ID})
    before = (await api.client.get(f"/api/v1/jobs/{JOB_ID}")).json()
    answer = await api.submit(**{**WHOLE, **other, "job_id": JOB_ID})

    assert (answer.status_code, answer.json()["same_request"]) == (409, False)
    assert (
        answer.json()["detail"]
        == f"Job {JOB_ID} was already submitted with different content; use a new job_id."
    )
    assert answer.headers["location"] == answer.json()["location"] == f"/api/v1/jobs/{JOB_ID}"
    assert (await api.client.get(f"/api/v1/jobs/{JOB_ID}")).json() == before
    assert len(api.notifier.wake_ups) == 1


async def test_a_job_that_has_ended_is_not_run_again_by_a_repetition(api: Api, worker_of: WorkerOf) -> None:
    await api.submit(lock="ledger", job_id=JOB_ID)
    worker = worker_of("ledger")
    await worker.start()
    await worker.end(Completed("1"))
    answer = await api.submit(lock="ledger", job_id=JOB_ID)

    assert (answer.status_code, answer.json()["same_request"]) == (409, True)
    assert (await api.client.get(f"/api/v1/jobs/{JOB_ID}")).json()["status"] == "Completed"


@pytest.mark.parametrize(("lock", "status"), [("ledger", 202), ("other", 409)])
async def test_a_submission_that_got_no_further_than_its_id_can_be_repeated_with_the_same_content_only(
    api: Api, lock: str, status: int
) -> None:
    await api.submit(lock="ledger", job_id=JOB_ID)
    api.journal.partitions[partition("ledger")].clear()
    assert (await api.client.get(f"/api/v1/jobs/{JOB_ID}/events")).status_code == 404
    answer = await api.submit(lock=lock, job_id=JOB_ID)

    assert answer.status_code == status
    found = await api.client.get(f"/api/v1/jobs/{JOB_ID}")
    assert found.status_code == (200 if status == 202 else 404)
    assert (await api.client.get("/api/v1/locks/other")).status_code == 404


async def test_the_journal_gets_everything_that_was_asked_for(api: Api) -> None:
    trace = f"00-{uuid.uuid4().hex}-b7ad6b7169203331-01"
    headers = {"x-actor": "ada", "traceparent": trace}
    await api.client.post("/api/v1/jobs", json={**WHOLE, "job_id": JOB_ID}, headers=headers)

    job = JobRow.from_row(api.journal.partitions[partition("ledger")][job_key(JOB_ID)])
    assert (job.job_id, job.kind, job.lock_name, job.priority) == (JOB_ID, "ten-steps", "ledger", 3)
    assert (job.name, job.description, job.actor) == ("A title", "What for.", "ada")
    assert (json.loads(job.parameters), json.loads(job.properties)) == (
        WHOLE["parameters"],
        WHOLE["properties"],
    )
    assert (job.traceparent or "").split("-")[1] == trace.split("-")[1]


async def test_first_come_is_first_served_whatever_ids_callers_choose(api: Api) -> None:
    ids = [f"{number:x}18f6c3e-7b1a-7c4e-9d3a-0123456789ab" for number in (9, 7, 8, 0, 1)]
    for job_id in ids:
        assert (await api.submit(lock="ledger", job_id=job_id)).status_code == 202

    assert (await api.client.get("/api/v1/locks/ledger")).json()["line"] == ids
    places = [(await api.client.get(f"/api/v1/jobs/{job_id}")).json()["position"] for job_id in ids]
    assert places == [1, 2, 3, 4, 5]


async def test_priorities_go_before_the_time_of_submission(api: Api) -> None:
    answers = [await api.submit(lock="ledger", priority=priority) for priority in (9, 5, 0, 5, 0)]
    jobs = [answer.json()["job_id"] for answer in answers]

    line = (await api.client.get("/api/v1/locks/ledger")).json()["line"]
    assert line == [jobs[place] for place in (2, 4, 1, 3, 0)]


@pytest.mark.parametrize("second_lock", ["ledger", "other"])
async def test_whoever_submits_a_closed_id_is_told_to_take_a_new_one(api: Api, second_lock: str) -> None:
    job_id = str(uuid.uuid4())
    await api.submit(job_id=job_id, lock="ledger")
    stored = api.journal.partitions[partition("ledger")]
    # As the sweeper leaves an id whose submission got no further than its registration.
    closed = JobRow(job_id, "", "ledger", status=JobRow.TOMBSTONE)
    stored.clear()
    stored[job_key(job_id)] = Row(job_key(job_id), closed.values(), "closed")
    answer = await api.submit(job_id=job_id, lock=second_lock)

    body = answer.json()
    assert (answer.status_code, body["type"]) == (409, "urn:turnstile:problem:job_id_used")
    assert body["detail"] == (
        f"Job id {job_id} is closed: a submission with it was never completed, and no job has run or "
        "will run under it. Submit the job again with a new job_id."
    )
    assert (body["job_id"], body["same_request"]) == (job_id, False)
    # There is nothing to be found there.
    assert "location" not in body
    assert "location" not in answer.headers
    assert (await api.client.get(f"/api/v1/jobs/{job_id}")).status_code == 404
