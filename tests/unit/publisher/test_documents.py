"""The job's row as a document: each field from its own place, and null where there is nothing."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.unit.publisher.doubles import Api, WorkerOf

from contracts.jobs import WaitingFor
from contracts.lock_names import partition
from contracts.statuses import JobState, JobStatus
from coordination.journal.rows import JobRow, result_key
from coordination.outcomes import Completed
from publisher.use_cases.documents import job_document

TRACE = "0af7651916cd43dd8448eb211c80319c"
RUNNING = JobRow(
    job_id="j",
    kind="ten-steps",
    lock_name="ledger",
    status="Running",
    seq=7,
    priority=3,
    order="o",
    name="A title",
    description="What for.",
    properties='{"team":"accounts"}',
    parameters='{"secret":1}',
    actor="ada",
    traceparent=f"00-{TRACE}-b7ad6b7169203331-01",
    fence=4,
    worker="w-1",
    attempt=2,
    interruptions=1,
    deaths=5,
    losses=6,
    steps=8,
    step="load",
    progress_value=3.0,
    progress_limit=10.0,
    cancel_requested=True,
    cancel_actor="bob",
    cancel_reason="wrong month",
    submitted_at="2026-01-01T00:00:01+00:00",
    queued_at="2026-01-01T00:00:02+00:00",
    started_at="2026-01-01T00:00:03+00:00",
)


def test_a_running_job_is_told_of_in_full() -> None:
    assert job_document(RUNNING).model_dump() == {
        "job_id": "j",
        "kind": "ten-steps",
        "name": "A title",
        "description": "What for.",
        "lock": "ledger",
        "priority": 3,
        "properties": {"team": "accounts"},
        "status": JobStatus.RUNNING,
        "attempt": 2,
        "interruptions": 1,
        "fence": 4,
        "worker": "w-1",
        "step": "load",
        "progress": {"value": 3.0, "limit": 10.0},
        "cancel_requested": True,
        "cancel_requested_by": "bob",
        "cancel_reason": "wrong month",
        "retry_of": None,
        "retried_by": None,
        "finalized_by": None,
        "finalize_reason": None,
        "retries": 0,
        "next_attempt_at": None,
        "last_failure": None,
        "pinned_by": None,
        "pin_reason": None,
        "state": JobState.PRESENT,
        "archived_at": None,
        "expires_at": None,
        "timeout": None,
        "cancel_grace": None,
        "position": None,
        "waiting_for": None,
        "result": None,
        "error": None,
        "trace_id": TRACE,
        "submitted_at": datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC),
        "started_at": datetime(2026, 1, 1, 0, 0, 3, tzinfo=UTC),
        "finished_at": None,
    }


def test_a_job_that_has_not_run_has_no_worker_no_fence_and_no_times_of_a_run() -> None:
    row = JobRow("j", "k", "ledger", submitted_at="2026-01-01T00:00:00+00:00")
    waiting = WaitingFor(lock="ledger", holder="w-1", running="i", ahead=["i"])
    document = job_document(row, position=1, waiting_for=waiting).model_dump()

    empty = {name for name, value in document.items() if value is None}
    assert empty == {
        *("fence", "worker", "step", "progress", "result", "error", "trace_id", "started_at", "finished_at"),
        *("cancel_requested_by", "cancel_reason", "expires_at", "timeout", "cancel_grace"),
        *("retry_of", "retried_by", "finalized_by", "finalize_reason", "next_attempt_at", "last_failure"),
        *("pinned_by", "pin_reason", "archived_at"),
    }
    assert (document["status"], document["attempt"], document["interruptions"]) == ("Queued", 0, 0)
    assert (document["name"], document["description"], document["properties"]) == ("", "", {})
    assert document["cancel_requested"] is False
    assert (document["position"], document["waiting_for"]) == (1, waiting.model_dump())


def test_a_job_that_waits_for_its_next_attempt_says_why_and_until_when() -> None:
    due_at = "2026-01-01T00:00:30.000000Z"
    told: dict[str, Any] = {
        "retries": 2,
        "failure_type": "OSError",
        "failure_message": "no route",
        "due_at": due_at,
    }
    document = job_document(replace(RUNNING, status="Queued", **told))
    assert document.next_attempt_at == datetime(2026, 1, 1, 0, 0, 30, tzinfo=UTC)
    assert document.retries == 2
    assert document.last_failure is not None
    assert document.last_failure.model_dump() == {"type": "OSError", "message": "no route"}
    assert document.error is None
    # One that was cancelled in the meantime is not tried again.
    assert job_document(replace(RUNNING, status="Cancelled", **told)).next_attempt_at is None


@pytest.mark.parametrize("status", ["Queued", "Completed", "Failed", "Cancelled", "TimedOut"])
def test_only_a_running_job_has_a_step(status: str) -> None:
    assert job_document(replace(RUNNING, status=status)).step is None


def test_a_running_job_between_two_steps_has_no_step() -> None:
    assert job_document(replace(RUNNING, step="")).step is None


@pytest.mark.parametrize(
    ("value", "limit", "progress"),
    [
        (0.0, None, {"value": 0.0, "limit": None}),
        (0.0, 0.0, {"value": 0.0, "limit": 0.0}),
        (None, 10.0, None),
    ],
)
def test_no_progress_is_not_progress_of_nothing(
    value: float | None, limit: float | None, progress: Any
) -> None:
    document = job_document(replace(RUNNING, progress_value=value, progress_limit=limit))
    assert document.model_dump()["progress"] == progress


def test_an_error_may_have_no_message() -> None:
    document = job_document(replace(RUNNING, status="Failed", error_type="ValueError"))
    assert document.error is not None
    assert document.error.model_dump() == {"type": "ValueError", "message": "", "traceback": None}
    assert job_document(replace(RUNNING, error_message="x")).error is None


def test_a_result_of_nothing_is_still_a_result() -> None:
    ended = replace(RUNNING, status="Completed", finished_at="2026-01-01T00:00:09+00:00")
    assert job_document(ended, result=0).model_dump()["result"] == 0
    assert job_document(ended, result="").model_dump()["result"] == ""
    assert job_document(ended).finished_at == datetime(2026, 1, 1, 0, 0, 9, tzinfo=UTC)


@pytest.mark.parametrize("result", ["null", "0", "false", '""', "[]", '{"a":[1,{"b":null}]}'])
async def test_a_completed_job_has_exactly_the_result_that_its_handler_returned(
    api: Api, worker_of: WorkerOf, result: str
) -> None:
    job_id = (await api.submit(lock="ledger")).json()["job_id"]
    worker = worker_of("ledger")
    await worker.start()
    await worker.end(Completed(result))
    answer = await api.client.get(f"/api/v1/jobs/{job_id}")

    assert f'"result":{result},' in answer.text


async def test_a_long_result_that_is_not_there_is_no_empty_result(api: Api, worker_of: WorkerOf) -> None:
    job_id = (await api.submit(lock="ledger")).json()["job_id"]
    worker = worker_of("ledger")
    await worker.start()
    await worker.end(Completed('"' + "x" * 50_000 + '"'))
    del api.journal.partitions[partition("ledger")][result_key(job_id)]
    answer = await api.client.get(f"/api/v1/jobs/{job_id}")

    assert (answer.status_code, "result" in answer.json()) == (503, False)
