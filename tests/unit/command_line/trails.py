"""Audit trails as the API tells them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.unit.command_line.scripted_api import Document

JOB_ID = "018f6c3e-7b1a-7c4e-9d3a-0123456789ab"
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


def trail(*told: tuple[float, str, str] | tuple[float, str, str, dict[str, Any]]) -> list[Document]:
    """Write events as (second, status, message, data); attempts, workers and fences are counted."""
    events = []
    attempt = 0
    for seq, (second, status, message, *data) in enumerate(told, start=1):
        attempt += status == "Started"
        number = attempt + (status == "LeaseAcquired")
        events.append(
            {
                "job_id": JOB_ID,
                "seq": seq,
                "status": status,
                "message": message,
                "timestamp_utc": at(second).isoformat(),
                "attempt": number,
                "fence": 6 + number if number else None,
                "worker": f"worker-{number}" if number else None,
                "lock": "ledger",
                "actor": "api",
                "trace_id": "0af7651916cd43dd8448eb211c80319c",
                "data": data[0] if data else {},
            }
        )
    return events


#: Cut off in its second step, gone on with by another worker, which is still at it.
TAKEN_OVER = trail(
    (0, "Submitted", "submitted by api"),
    (2, "LeaseAcquired", "worker-1 acquired the lease"),
    (2, "Started", "attempt 1 started", {"chained": False}),
    (5, "Step", "load", {"number": 1, "seconds": 3.0}),
    (6, "StateSaved", "state saved"),
    (30, "Interrupted", "worker worker-1 was lost", {"died": False}),
    (34, "LeaseAcquired", "worker-2 acquired the lease"),
    (34, "Started", "attempt 2 started", {"chained": False}),
    (44, "Step", "book", {"number": 2, "seconds": 10.0}),
)
COMPLETED = [*TAKEN_OVER, *trail((50, "Completed", "completed"))]
