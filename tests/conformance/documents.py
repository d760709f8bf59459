"""Documents for the read models under test."""

from datetime import UTC, datetime
from typing import Any

from contracts.identifiers import new_id
from contracts.jobs import Event, JobSummary
from contracts.statuses import EventStatus, JobStatus
from read_models.documents import TrailEntry

NOON = datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)


def entry(moment: datetime, seq: int = 1, fence: int | None = None, job_id: str = "") -> TrailEntry:
    """Return an event of a job, with data of some size."""
    job_id = job_id or new_id()
    event = Event(
        job_id=job_id,
        seq=seq,
        event_id=f"{job_id}-{seq:06d}",
        status=EventStatus.STEP,
        message="it's 'quoted' \u2603\n",
        timestamp_utc=moment,
        attempt=1,
        fence=fence,
        worker=None,
        lock="ledger",
        actor="test",
        trace_id=None,
        data={"large": "x" * 20_000, "nested": [1, None]},
    )
    return TrailEntry(event, "h", "p")


def summary(moment: datetime, **values: object) -> JobSummary:
    """Return a job that was just submitted, except for the values given."""
    given: dict[str, Any] = {
        "job_id": new_id(), "kind": "ten-steps", "name": "", "lock": "ledger", "status": JobStatus.QUEUED,
        "priority": 5, "properties": {}, "attempt": 0, "interruptions": 0, "fence": None, "worker": None,
        "actor": "test", "error": None, "trace_id": None, "submitted_at": moment, "started_at": None,
        "finished_at": None,
    }  # fmt: skip
    return JobSummary(**(given | values))
