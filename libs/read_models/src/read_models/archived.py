"""Jobs that have left the journal, as their audit trails tell: all but what they kept."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from contracts.jobs import Event
from contracts.statuses import EventStatus
from coordination.journal import rows
from coordination.journal.events import timestamp
from coordination.journal.removal import RemovedJob
from coordination.journal.rows import JobRow
from coordination.ports import Journal, Registration
from read_models.documents import TrailEntry
from read_models.ports import ReadModels


@dataclass(frozen=True)
class ArchivedJob:
    """A job whose audit trail stands."""

    #: The job as its events add up; what they do not say has its default.
    job: JobRow
    archived_at: str
    entries: Sequence[TrailEntry]


async def read_archived(
    journal: Journal, models: ReadModels, registration: Registration
) -> ArchivedJob | None:
    """Read a job that has left the journal; None when it is there, or its audit trail has gone, too.

    Raises UnknownOutcomeError.
    """
    row = await journal.read(registration.partition, rows.job_key(registration.job_id))
    if row is None or not JobRow.from_row(row).is_removed:
        return None
    if not row.values.get("has_trail"):
        return None
    removed = RemovedJob.from_values(row.values)
    entries = await models.trail_entries(registration.job_id)
    if not entries:
        return None
    job = job_of(removed, [entry.event for entry in entries])
    return ArchivedJob(job, removed.removed_at, entries)


def job_of(removed: RemovedJob, events: Sequence[Event]) -> JobRow:
    """Return a removed job as its events add up."""
    job = JobRow(
        removed.job_id,
        "",
        removed.lock_name,
        status=removed.outcome,
        seq=removed.seq,
        event_hash=removed.event_hash,
        request_hash=removed.request_hash,
        finished_at=removed.finished_at,
    )
    for event in events:
        job = _after(job, event, event.data)
    return job


def _after(job: JobRow, event: Event, data: Mapping[str, Any]) -> JobRow:
    at, reason = timestamp(event.timestamp_utc), str(data.get("reason", ""))
    match event.status:
        case EventStatus.SUBMITTED:
            return _submitted(job, event, data, at)
        case EventStatus.STARTED:
            return replace(
                job,
                attempt=event.attempt,
                fence=event.fence or 0,
                slot=int(data.get("slot", 0)),
                worker=event.worker or "",
                started_at=job.started_at or at,
            )
        case EventStatus.STEP:
            return replace(job, steps=job.steps + 1)
        case EventStatus.INTERRUPTED:
            deaths = job.deaths + bool(data.get("died"))
            return replace(job, queued_at=at, interruptions=job.interruptions + 1, deaths=deaths)
        case EventStatus.FAILED:
            return replace(job, error_type=str(data.get("error_type", "")), error_message=event.message)
        case EventStatus.TIMED_OUT:
            return replace(job, error_type="TimedOut", error_message=event.message)
        case EventStatus.FINALIZED:
            return replace(job, finalized_at=at, finalized_by=event.actor, finalize_reason=reason or None)
        case EventStatus.CANCEL_REQUESTED | EventStatus.CANCELLED if not job.cancel_requested:
            is_asked = event.worker is None
            return _cancelled(job, event.actor, reason) if is_asked else job
        case _:
            return job


def _cancelled(job: JobRow, actor: str, reason: str) -> JobRow:
    return replace(job, cancel_requested=True, cancel_actor=actor, cancel_reason=reason)


def _submitted(job: JobRow, event: Event, data: Mapping[str, Any], at: str) -> JobRow:
    return replace(
        job,
        kind=str(data.get("kind", "")),
        name=str(data.get("name", "")),
        description=str(data.get("description", "")),
        priority=int(data.get("priority", job.priority)),
        properties=json.dumps(data.get("properties", {})),
        actor=event.actor,
        traceparent=f"00-{event.trace_id}-{'0' * 15}1-01" if event.trace_id else None,
        timeout=data.get("timeout"),
        cancel_grace=data.get("cancel_grace"),
        keep=data.get("keep"),
        expires_at=data.get("expires_at"),
        retry_of=data.get("retry_of"),
        submitted_at=at,
        queued_at=at,
    )
