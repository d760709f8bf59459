"""The field start_at: what it may be, what the job says of it, and what becomes of the job until then."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.unit.publisher.doubles import Api, WorkerOf

from contracts import lock_names
from contracts.policies import LONGEST_WAIT, JobPolicy
from coordination.journal import rows
from coordination.maintenance.pauses import Pace
from coordination.maintenance.start_times import StartTimes
from coordination.ports import ActiveJob

PARTITION = lock_names.partition("ledger")


def ahead(api: Api, seconds: float) -> str:
    return (api.clock.now() + timedelta(seconds=seconds)).isoformat()


async def put_in_line(api: Api) -> None:
    starts = StartTimes(api.journal, api.register, api.notifier, api.clock, Pace())
    await starts.put_lock_in_line(PARTITION)


def as_active(job_id: str, due_at: datetime) -> ActiveJob:
    return ActiveJob(job_id, "ledger", PARTITION, due_at, due_at)


async def test_a_job_says_before_when_it_does_not_start_and_has_no_place_until_then(
    api: Api, worker_of: WorkerOf
) -> None:
    start_at = ahead(api, 3600)
    job_id = await api.submitted(lock="ledger", start_at=start_at)
    other = await api.submitted(lock="ledger")
    job = await api.get(f"/api/v1/jobs/{job_id}")
    assert datetime.fromisoformat(job["start_at"]) == datetime.fromisoformat(start_at)
    assert (job["status"], job["position"], job["next_attempt_at"]) == ("Queued", None, None)
    assert job["waiting_for"]["lock"] == "ledger"
    lock = await api.get("/api/v1/locks/ledger")
    assert (lock["line"], lock["waiting"]) == ([other], 1)
    (event,) = (await api.get(f"/api/v1/jobs/{job_id}/events"))["items"]
    assert datetime.fromisoformat(event["data"]["start_at"]) == datetime.fromisoformat(start_at)
    await worker_of("ledger").start()
    assert (await api.get(f"/api/v1/jobs/{other}"))["status"] == "Running"

    api.clock.jump(3600)
    await put_in_line(api)
    job = await api.get(f"/api/v1/jobs/{job_id}")
    assert (job["position"], job["next_attempt_at"]) == (1, None)
    assert job["start_at"] is not None


async def test_other_jobs_have_no_start_time(api: Api) -> None:
    for more in ({}, {"start_at": ahead(api, -60)}, {"start_at": None}):
        job_id = await api.submitted(lock="ledger", **more)
        job = await api.get(f"/api/v1/jobs/{job_id}")
        assert (job["start_at"], job["position"] is None) == (None, False)


@pytest.mark.parametrize(
    ("start_at", "says"),
    [
        ("2026-12-01T02:00:00", "must be a time with an offset, such as 2026-12-24T18:00:00+01:00"),
        ("tomorrow", "must be a time with an offset, such as 2026-12-24T18:00:00+01:00, not 'tomorrow'"),
        ("", "must be a time with an offset"),
        ("1796090400", "must be a text such as 2026-12-24T18:00:00+01:00"),
        (1796090400, "must be a text such as 2026-12-24T18:00:00+01:00"),
        (True, "must be a text such as 2026-12-24T18:00:00+01:00"),
        ("9999-12-31T23:59:59-12:00", "must lie in the years from 1971 to 2199"),
        ("0001-01-01T00:00:00+12:00", "must lie in the years from 1971 to 2199"),
        ("2199-01-01T00:00:00Z", "must be at most 366 days ahead; submit the job later"),
    ],
)
async def test_what_is_no_start_time_is_refused_with_what_to_write(
    api: Api, start_at: Any, says: str
) -> None:
    refused = await api.submit(lock="ledger", start_at=start_at)
    assert refused.status_code == 422
    ((field, message),) = [(one["field"], one["message"]) for one in refused.json()["errors"]]
    assert (field, message[: len(says)]) == ("start_at", says)
    assert api.journal.partitions == {}


async def test_the_longest_time_ahead_is_a_year(api: Api) -> None:
    assert (await api.submit(start_at=ahead(api, LONGEST_WAIT))).status_code == 202
    assert (await api.submit(start_at=ahead(api, LONGEST_WAIT + 1))).status_code == 422


async def test_only_a_job_that_queues_may_have_a_start_time(api: Api) -> None:
    start_at = ahead(api, 60)
    refused = await api.submit(lock="ledger", start_at=start_at, on_conflict="skip")
    (problem,) = refused.json()["errors"]
    assert (refused.status_code, problem["field"]) == (422, "on_conflict")
    assert problem["message"] == ("cannot be 'skip' together with start_at; give 'queue', or no start_at")
    assert (await api.submit(lock="ledger", start_at=start_at, on_conflict="queue")).status_code == 202


async def test_a_kind_with_another_policy_lets_a_submission_queue_that_says_so(api: Api) -> None:
    api.directory.know("ten-steps", {})
    known = api.directory.known_kinds
    policy = JobPolicy(on_conflict="reject")
    known["ten-steps"] = known["ten-steps"].model_copy(update={"policy": policy})
    refused = await api.submit(lock="ledger", start_at=ahead(api, 60))
    (problem,) = refused.json()["errors"]
    assert (refused.status_code, problem["field"]) == (422, "on_conflict")
    assert problem["message"] == (
        "cannot be 'reject', as its kind says, together with start_at; give 'queue', or no start_at"
    )
    queued = await api.submit(lock="ledger", start_at=ahead(api, 60), on_conflict="queue")
    assert queued.status_code == 202


async def test_a_delayed_job_is_no_conflict_for_others(api: Api) -> None:
    await api.submitted(lock="ledger", start_at=ahead(api, 60))
    assert (await api.submit(lock="ledger", on_conflict="reject")).status_code == 202


async def test_a_repeated_submission_is_the_same_job_also_after_its_start_time(api: Api) -> None:
    start_at = ahead(api, 60)
    first = await api.submit(lock="ledger", start_at=start_at, idempotency_key="k")
    api.clock.jump(120)
    # The same moment, written otherwise.
    other = datetime.fromisoformat(start_at).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    again = await api.submit(lock="ledger", start_at=other, idempotency_key="k")
    assert (again.status_code, again.json()["job_id"]) == (200, first.json()["job_id"])
    differs = await api.submit(lock="ledger", start_at=ahead(api, 60), idempotency_key="k")
    assert differs.status_code == 422


async def test_each_job_of_a_batch_has_its_own_start_time(api: Api) -> None:
    jobs = [
        {"kind": "ten-steps", "lock": "ledger", "start_at": ahead(api, 60)},
        {"kind": "ten-steps", "lock": "ledger", "start_at": "soon"},
        {"kind": "ten-steps", "lock": "ledger"},
    ]
    answer = (await api.client.post("/api/v1/jobs:batch", json={"jobs": jobs})).json()
    assert [item["status"] for item in answer["items"]] == [202, 422, 202]
    assert [
        len([key for key in api.journal.partitions[PARTITION] if key.startswith(prefix)])
        for prefix in (rows.LATER, rows.TICKETS)
    ] == [1, 1]


async def test_a_delayed_job_is_cancelled_at_once_and_its_end_is_found_without_a_message(api: Api) -> None:
    start_at = api.clock.now() + timedelta(seconds=3600)
    job_id = await api.submitted(lock="ledger", start_at=start_at.isoformat())
    await api.register.postpone(as_active(job_id, start_at))
    answer = await api.client.post(f"/api/v1/jobs/{job_id}/cancel", json={"reason": "not needed"})
    assert (answer.status_code, answer.json()["status"]) == (202, "Cancelled")
    assert not [key for key in api.journal.partitions[PARTITION] if key.startswith(rows.LATER)]
    active = [job async for job in api.register.active(api.clock.now())]
    assert [(job.job_id, job.is_postponed) for job in active] == [(job_id, False)]


async def test_the_time_in_line_counts_from_the_start_time(api: Api) -> None:
    start_at = api.clock.now() + timedelta(seconds=3600)
    job_id = await api.submitted(lock="ledger", start_at=start_at.isoformat(), expires_in=60)
    job = await api.get(f"/api/v1/jobs/{job_id}")
    assert datetime.fromisoformat(job["expires_at"]) == start_at + timedelta(seconds=60)
