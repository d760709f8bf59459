"""GET /api/v1/events, /api/v1/jobs/{id} and /api/v1/jobs/{id}/events."""

import base64
import json
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.unit.publisher.doubles import Api, WorkerOf

from contracts import lock_names
from contracts.jobs import Event
from contracts.statuses import EventStatus
from coordination.journal.fences import UsedFence
from coordination.journal.removal import RemovedJob
from coordination.journal.rows import JobRow, job_key
from coordination.outcomes import Completed, Failed
from coordination.ports import Row
from read_models import TrailEntry
from read_models.lists import EVENTS, locks_list


async def state(api: Api, job_id: str) -> Any:
    return await api.get(f"/api/v1/jobs/{job_id}")


async def test_a_waiting_job_says_who_is_ahead(api: Api, worker_of: WorkerOf) -> None:
    running, first, second, urgent = [
        await api.submitted(lock="ledger", priority=priority) for priority in (5, 5, 5, 0)
    ]
    await worker_of("ledger").start()
    # The urgent one was taken first, as no worker had started anything.
    told = await state(api, second)

    assert told["position"] == 3
    assert told["waiting_for"] == {
        "lock": "ledger",
        "holder": "worker-1",
        "running": urgent,
        "ahead": [running, first],
        "expected_start": None,
    }


async def test_a_free_lock_has_no_holder(api: Api) -> None:
    told = await state(api, await api.submitted(lock="ledger"))

    assert told["waiting_for"] == {
        "lock": "ledger",
        "holder": None,
        "running": None,
        "ahead": [],
        "expected_start": None,
    }


async def test_positions_are_counted_in_a_line_of_several_reads(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coordination.journal.line._CHUNK", 3)
    jobs = [await api.submitted(lock="ledger") for _ in range(8)]

    assert [(await state(api, job))["position"] for job in jobs] == list(range(1, 9))


async def test_a_running_job_says_how_far_it_is(api: Api, worker_of: WorkerOf) -> None:
    job_id = await api.submitted(lock="ledger", name="A title", properties={"team": "accounts"})
    worker = worker_of("ledger")
    await worker.start()
    await worker.report(3, 10, "load")
    told = await state(api, job_id)

    assert told["progress"] == {"value": 3, "limit": 10}
    assert (told["status"], told["step"], told["fence"], told["attempt"]) == ("Running", "load", 1, 1)
    assert (told["position"], told["waiting_for"], told["worker"]) == (None, None, "worker-1")
    assert (told["name"], told["properties"]) == ("A title", {"team": "accounts"})
    assert told["started_at"] is not None
    assert told["finished_at"] is None


@pytest.mark.parametrize("size", [1, 50_000])
async def test_a_completed_job_has_its_result_however_long(api: Api, worker_of: WorkerOf, size: int) -> None:
    job_id = await api.submitted(lock="ledger")
    worker = worker_of("ledger")
    await worker.start()
    await worker.end(Completed(json.dumps({"digest": "x" * size})))
    told = await state(api, job_id)

    assert told["status"] == "Completed"
    assert told["result"] == {"digest": "x" * size}
    assert told["error"] is None


@pytest.mark.parametrize("traceback", ["", "Traceback:\n" + "👻" * 16_384])
async def test_a_failed_job_says_why(api: Api, worker_of: WorkerOf, traceback: str) -> None:
    job_id = await api.submitted(lock="ledger")
    worker = worker_of("ledger")
    await worker.start()
    await worker.end(Failed("FileNotFoundError", "there is no ledger.csv", traceback))
    told = await state(api, job_id)

    assert told["status"] == "Failed"
    assert told["error"] == {
        "type": "FileNotFoundError",
        "message": "there is no ledger.csv",
        "traceback": traceback or None,
    }


async def test_a_job_that_is_started_while_it_is_asked_about_is_running(
    api: Api, worker_of: WorkerOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = await api.submitted(lock="ledger")
    read_range = api.journal.read_range

    async def start_first(*arguments: Any) -> list[Row]:
        monkeypatch.undo()
        await worker_of("ledger").start()
        return await read_range(*arguments)

    monkeypatch.setattr(api.journal, "read_range", start_first)

    assert (await state(api, job_id))["status"] == "Running"


async def test_events_come_in_order_and_in_pages(api: Api, worker_of: WorkerOf) -> None:
    job_id = await api.submitted(lock="ledger")
    worker = worker_of("ledger")
    await worker.start()
    for name in "abcd":
        await worker.step(name)
    everything = (await api.client.get(f"/api/v1/jobs/{job_id}/events")).json()
    assert [event["seq"] for event in everything["items"]] == [1, 2, 3, 4, 5, 6, 7]
    assert everything["next"] is None
    assert set(everything["items"][3]) == {
        "job_id",
        "seq",
        "event_id",
        "status",
        "message",
        "timestamp_utc",
        "attempt",
        "fence",
        "worker",
        "lock",
        "actor",
        "trace_id",
        "data",
    }

    pages, cursor, path = [], "", f"/api/v1/jobs/{job_id}/events"
    while cursor is not None:
        page = await api.get(f"{path}?limit=3{cursor and '&cursor=' + cursor}")
        pages.append([event["status"] for event in page["items"]])
        cursor = page["next"]
    assert pages == [["Submitted", "LeaseAcquired", "Started"], ["Step", "Step", "Step"], ["Step"]]


@pytest.mark.parametrize("path", ["", "/events", "/stream"])
@pytest.mark.parametrize("job_id", [str(uuid.uuid4()), "nonsense", "%00", "💥"])
async def test_an_unknown_job_is_not_found(api: Api, path: str, job_id: str) -> None:
    answer = await api.client.get(f"/api/v1/jobs/{job_id}{path}")

    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:turnstile:problem:no_such_job"
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/api/v1/events?limit=0", "limit"),
        ("/api/v1/events?limit=201", "limit"),
        ("/api/v1/events?limit=x", "limit"),
        ("/api/v1/events?cursor=x", "cursor"),
        ("/api/v1/locks?cursor=x", "cursor"),
        (f"/api/v1/jobs/{uuid.uuid4()}/events?limit=1001", "limit"),
        (f"/api/v1/jobs/{uuid.uuid4()}/events?cursor=-1", "cursor"),
        (f"/api/v1/jobs/{uuid.uuid4()}/events?cursor=%C2%B2", "cursor"),
    ],
)
async def test_a_wrong_question_names_its_field(api: Api, path: str, field: str) -> None:
    answer = await api.client.get(path)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field


async def test_recent_events_come_in_pages(api: Api) -> None:
    events = [
        Event(
            job_id="j",
            seq=number,
            event_id=f"j-{number:06d}",
            status=EventStatus.STEP,
            message="",
            timestamp_utc=datetime(2026, 1, 1, tzinfo=UTC),
            attempt=1,
            fence=1,
            worker="w",
            lock="l",
            actor="a",
            trace_id=None,
            data={},
        )
        for number in range(300)
    ]
    await api.read_models.record_recent([TrailEntry(event, "", "") for event in events])
    first = (await api.client.get("/api/v1/events")).json()
    second = (await api.client.get(f"/api/v1/events?cursor={first['next']}")).json()

    assert (len(first["items"]), len(second["items"]), second["next"]) == (200, 100, None)
    assert [event["seq"] for event in first["items"] + second["items"]] == list(reversed(range(300)))


@pytest.mark.parametrize("path", ["/api/v1/events", "/api/v1/locks"])
@pytest.mark.parametrize(("limit", "status"), [(1, 200), (200, 200), (0, 422), (201, 422)])
async def test_from_one_to_two_hundred_items_may_be_asked_for(
    api: Api, path: str, limit: int, status: int
) -> None:
    assert (await api.client.get(f"{path}?limit={limit}")).status_code == status


@pytest.mark.parametrize("path", ["/api/v1/events", "/api/v1/locks"])
@pytest.mark.parametrize(("blanks", "status"), [(750, 200), (751, 422)])
async def test_a_cursor_has_at_most_a_thousand_characters(
    api: Api, path: str, blanks: int, status: int
) -> None:
    of = EVENTS if path.endswith("events") else locks_list("")
    cursor = base64.urlsafe_b64encode(json.dumps([of, "behind", "0"]).encode().ljust(blanks)).decode()
    assert (len(cursor) <= 1000) == (status == 200)
    assert (await api.client.get(path, params={"cursor": cursor})).status_code == status


@pytest.mark.parametrize("path", ["", "/events", "/stream"])
async def test_a_removed_job_is_gone_and_not_unknown(api: Api, worker_of: WorkerOf, path: str) -> None:
    job_id = await api.submitted(lock="ledger")
    worker = worker_of("ledger")
    await worker.start()
    await worker.end(Completed())
    partition = lock_names.partition("ledger")
    found = api.journal.partitions[partition]
    row = found[job_key(job_id)]
    removed = RemovedJob.of(JobRow.from_row(row), [UsedFence(1)], 1)
    for key in [key for key in found if job_id in key]:
        del found[key]
    found[row.key] = Row(row.key, removed.values(), "etag")
    answer = await api.client.get(f"/api/v1/jobs/{job_id}{path}")
    assert answer.status_code == 410
    assert answer.json() | {"trace_id": None} == {
        "type": "urn:turnstile:problem:job_removed",
        "title": "Job removed",
        "status": 410,
        "detail": "The job has ended and was removed to save space; its id stays in use.",
        "instance": f"/api/v1/jobs/{job_id}{path}",
        "state": "Deleted",
        "trace_id": None,
    }
    answer = await api.client.post(f"/api/v1/jobs/{job_id}/cancel")
    assert answer.status_code == 410
    answer = await api.submit(lock="ledger", job_id=job_id)
    assert (answer.status_code, answer.json()["same_request"]) == (409, True)
