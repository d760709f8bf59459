"""The journal's rows as the API returns them."""

import json
from datetime import datetime

from pydantic import JsonValue

from contracts.jobs import Accepted, DetailedJobError, Job, JobError, Progress, WaitingFor
from contracts.statuses import JobState, JobStatus
from contracts.traceparent import trace_id_of
from coordination.journal.rows import JobRow


def accepted(job: JobRow, *, is_new: bool) -> Accepted:
    """Return what a request is answered that added a job, or found that it was there."""
    return Accepted(job_id=job.job_id, lock=job.lock_name, status=JobStatus(job.status), existing=not is_new)


def job_document(
    row: JobRow,
    *,
    result: JsonValue = None,
    traceback: str | None = None,
    position: int | None = None,
    waiting_for: WaitingFor | None = None,
    archived_at: str = "",
) -> Job:
    """Return the document of a job; one with the time of its archiving is told by its audit trail."""
    return Job(
        job_id=row.job_id,
        kind=row.kind,
        name=row.name,
        description=row.description,
        lock=row.lock_name,
        priority=row.priority,
        properties=json.loads(row.properties),
        status=JobStatus(row.status),
        attempt=row.attempt,
        interruptions=row.interruptions,
        fence=row.fence or None,
        worker=row.worker or None,
        step=(row.step or None) if row.status == JobStatus.RUNNING else None,
        progress=progress(row),
        cancel_requested=row.cancel_requested,
        cancel_requested_by=row.cancel_actor or None,
        cancel_reason=row.cancel_reason or None,
        retry_of=row.retry_of,
        retried_by=row.retried_by,
        finalized_by=row.finalized_by,
        finalize_reason=row.finalize_reason,
        retries=row.retries or 0,
        next_attempt_at=moment(row.due_at or "") if row.status == JobStatus.QUEUED else None,
        last_failure=_last_failure(row),
        pinned_by=row.pinned_by or None,
        pin_reason=row.pin_reason or None,
        state=JobState.ARCHIVED if archived_at else JobState.PRESENT,
        archived_at=moment(archived_at),
        position=position,
        waiting_for=waiting_for,
        result=result,
        error=_failure(row, traceback),
        trace_id=trace_id_of(row.traceparent),
        submitted_at=datetime.fromisoformat(row.submitted_at),
        timeout=row.timeout,
        cancel_grace=row.cancel_grace,
        expires_at=moment(row.expires_at or ""),
        started_at=moment(row.started_at),
        finished_at=moment(row.finished_at),
    )


def _failure(row: JobRow, traceback: str | None) -> DetailedJobError | None:
    if not row.error_type:
        return None
    return DetailedJobError(type=row.error_type, message=row.error_message, traceback=traceback)


def _last_failure(row: JobRow) -> JobError | None:
    if not row.failure_type:
        return None
    return JobError(type=row.failure_type, message=row.failure_message or "")


def progress(row: JobRow) -> Progress | None:
    """Return how far a job is, once it has reported so."""
    if row.progress_value is None:
        return None
    return Progress(value=row.progress_value, limit=row.progress_limit)


def moment(text: str) -> datetime | None:
    """Read a moment of the journal; an empty text is none."""
    return datetime.fromisoformat(text) if text else None
