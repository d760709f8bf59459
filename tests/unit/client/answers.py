"""Answers of a publisher, as it writes them."""

import json
from typing import Any

import httpx

JOB_ID = "018f6c3e-7b1a-7c4e-9d3a-0123456789ab"
JOBS = "/api/v1/jobs"
BATCH = "/api/v1/jobs:batch"
JOB = f"{JOBS}/{JOB_ID}"


def document(status: int, content: Any, **headers: str) -> httpx.Response:
    return httpx.Response(
        status, json=content, headers={name.replace("_", "-"): headers[name] for name in headers}
    )


def accepted(job_id: str = JOB_ID, status: str = "Queued", code: int = 202) -> httpx.Response:
    return document(code, {"job_id": job_id, "lock": "ledger", "status": status}, retry_after="1")


def job(**more: Any) -> dict[str, Any]:
    nothing = dict.fromkeys(
        (
            *("worker", "fence", "step", "progress", "cancel_requested_by", "cancel_reason", "position"),
            *("waiting_for", "result", "error", "trace_id", "started_at", "finished_at"),
        )
    )
    return nothing | {
        "job_id": JOB_ID,
        "kind": "ten-steps",
        "name": "",
        "description": "",
        "lock": "ledger",
        "priority": 5,
        "properties": {},
        "status": "Queued",
        "attempt": 0,
        "interruptions": 0,
        "cancel_requested": False,
        "submitted_at": "2026-01-01T00:00:00Z",
        **more,
    }


def completed(result: Any) -> httpx.Response:
    content = {"job_id": JOB_ID, "status": "Completed", "result": result}
    return document(200, content | {"finished_at": "2026-01-01T00:00:09Z"})


def event(seq: int, status: str) -> dict[str, Any]:
    return {
        "job_id": JOB_ID,
        "seq": seq,
        "event_id": f"{JOB_ID}-{seq:06d}",
        "status": status,
        "message": "",
        "timestamp_utc": "2026-01-01T00:00:00Z",
        "attempt": 1,
        "fence": 7,
        "worker": "worker-1",
        "lock": "ledger",
        "actor": "api",
        "trace_id": None,
        "data": {},
    }


def progress(value: float) -> dict[str, Any]:
    about = {"job_id": JOB_ID, "status": "Running", "attempt": 1, "worker": "worker-1", "step": "load"}
    return about | {"progress": {"value": value, "limit": 10}, "position": None, "waiting_for": None}


def stream(*messages: dict[str, Any], name: str = "progress") -> httpx.Response:
    """Write messages as the publisher does: events with their number, others without."""
    text = "retry: 1000\n\n: still here\n\n"
    for content in messages:
        is_event = "seq" in content
        text += f"event: {'job_event' if is_event else name}\ndata: {json.dumps(content)}\n"
        text += f"id: {content['seq']}\n\n" if is_event else "\n"
    return httpx.Response(200, text=text, headers={"content-type": "text/event-stream"})
