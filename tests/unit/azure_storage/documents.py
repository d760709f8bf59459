"""Documents of the read models, for tests."""

from datetime import UTC, datetime
from typing import Any

from azure_storage.read_models import rows
from contracts.jobs import Event, JobError, JobSummary
from contracts.statuses import EventStatus, JobStatus
from read_models.documents import LockRun, TrailEntry

MOMENT = datetime(2026, 11, 21, 1, 47, 5, 840943, tzinfo=UTC)
LATER = datetime(2026, 11, 21, 1, 48, 0, tzinfo=UTC)
JOB = "018f6c3e-7b1a-7c4e-9d3a-0123456789ab"

EVENT = Event(
    job_id=JOB,
    seq=3,
    event_id=f"{JOB}-000003",
    status=EventStatus.STEP,
    message="it's \u2603\n",
    timestamp_utc=MOMENT,
    attempt=2,
    fence=2**40,
    worker="w-1",
    lock="Köln's",
    actor="api",
    trace_id="t-1",
    data={"name": "ü", "nested": [1, None, 0.5], "empty": ""},
)
SUMMARY = JobSummary(
    job_id=JOB,
    kind="ten-steps",
    name="a name",
    lock="Köln's",
    status=JobStatus.FAILED,
    priority=-3,
    properties={"team": "a='b'", "ü/#": "\u2603"},
    attempt=4,
    interruptions=2,
    fence=2**40,
    worker="w-1",
    actor="api",
    cancel_requested=True,
    trace_id="t-1",
    error=JobError(type="ValueError", message="it's \u2603"),
    submitted_at=MOMENT,
    queued_at=MOMENT.replace(microsecond=2),
    started_at=LATER,
    finished_at=LATER.replace(microsecond=1),
)
LOCK_RUN = LockRun(
    lock="Köln's",
    fence=2**40,
    job_id=JOB,
    attempt=2,
    worker="w-1",
    tenure="lease-id",
    began_at=MOMENT,
    ended_at=LATER,
    outcome="Completed",
    begun_in="op-1",
    ended_in="op-2",
    kind="ten-steps",
    name="a name",
    queued_at=MOMENT.replace(microsecond=3),
    last_event_at=LATER.replace(microsecond=4),
    ended_by="w-2",
    runner_died=True,
)

#: How they stand in an answer.
EVENT_VALUES: dict[str, Any] = {
    "JobId": JOB,
    "EventId": EVENT.event_id,
    "Status": "Step",
    "Message": EVENT.message,
    "TimestampUtc": "2026-11-21T01:47:05.840943Z",
    "TimestampUtc@odata.type": "Edm.DateTime",
    "Seq": 3,
    "Attempt": 2,
    "Fence": str(2**40),
    "Fence@odata.type": "Edm.Int64",
    "Worker": "w-1",
    "Lock": "Köln's",
    "Actor": "api",
    "TraceId": "t-1",
    "Data": '{"name":"ü","nested":[1,null,0.5],"empty":""}',
}
SUMMARY_VALUES: dict[str, Any] = {
    "JobId": JOB,
    "Kind": "ten-steps",
    "Name": "a name",
    "Lock": "Köln's",
    "Status": "Failed",
    "Priority": -3,
    "Attempt": 4,
    "Interruptions": 2,
    "Fence": str(2**40),
    "Fence@odata.type": "Edm.Int64",
    "Worker": "w-1",
    "Actor": "api",
    "TraceId": "t-1",
    "CancelRequested": True,
    "ErrorType": "ValueError",
    "ErrorMessage": "it's \u2603",
    "SubmittedAt": "2026-11-21T01:47:05.840943Z",
    "SubmittedAt@odata.type": "Edm.DateTime",
    "QueuedAt": "2026-11-21T01:47:05.000002Z",
    "QueuedAt@odata.type": "Edm.DateTime",
    "StartedAt": "2026-11-21T01:48:00Z",
    "StartedAt@odata.type": "Edm.DateTime",
    "FinishedAt": "2026-11-21T01:48:00.000001Z",
    "FinishedAt@odata.type": "Edm.DateTime",
    "ProjectedSeq": 9,
    **{
        rows.property_column(name): rows.property_value(name, SUMMARY.properties[name])
        for name in SUMMARY.properties
    },
}


def entry(**values: Any) -> TrailEntry:
    """Return an entry whose event has these values."""
    return TrailEntry(EVENT.model_copy(update=values), "a hash", "the one before")


def summary(**values: Any) -> JobSummary:
    """Return a summary with these values."""
    return SUMMARY.model_copy(update=values)
