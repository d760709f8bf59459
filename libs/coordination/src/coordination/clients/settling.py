"""What becomes of a job that waits for others when those have ended: it joins its line, or it ends."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from contracts.statuses import EventStatus, JobStatus
from coordination.clients.cancellation import cancelled_waiting
from coordination.clients.job_writer import Change, FoundJob
from coordination.journal import events, rows
from coordination.journal.endings import PREDECESSOR_FAILED
from coordination.journal.events import Writer
from coordination.journal.rows import JobRow
from coordination.ports import Insert, Operation, Transaction, Update


def build_settling(found: FoundJob, writer: Writer, ended: Mapping[str, str]) -> Change | None:
    """Build what becomes of a job when others have ended so; None when it waits for none of them."""
    job = found.job
    over = {job_id: ended[job_id] for job_id in job.awaited if job_id in ended} if job.waits_for_jobs else {}
    if not over:
        return None
    failed = next((job_id for job_id, end in over.items() if end != JobStatus.COMPLETED), None)
    if failed is not None:
        return _ended(found, writer, failed, over[failed])
    left = {job_id: lock for job_id, lock in job.awaited.items() if job_id not in over}
    changed = replace(job, waits_after=json.dumps(left, ensure_ascii=False) if left else "")
    about: dict[str, object] = {"completed": list(over), "awaited": list(left)}
    message = f"{_jobs(over)} completed"
    if left:
        message += f"; waits for {_jobs(left)}"
    else:
        changed = replace(changed, queued_at=writer.at, expires_at=_expires_at(job, writer.at))
        about |= {"expires_at": changed.expires_at} if changed.expires_at else {}
        message += "; waits in line"
    changed, event = events.record(changed, EventStatus.PREDECESSOR_ENDED, message, writer, about)
    # Rule C4 (spec/chains.pml): at the version read; the ticket comes with the last completion.
    operations: list[Operation] = [
        Update(rows.job_key(job.job_id), changed.changes(job), found.etag),
        events.insert(event),
    ]
    if not left:
        # It was inserted with the job, had that not waited: at the place of its submission.
        operations.append(Insert(changed.waits_at, changed.values()))
    return Change(changed, event, Transaction(writer.op_id, operations))


def _ended(found: FoundJob, writer: Writer, failed: str, end: str) -> Change:
    """Build the end of a job that waits for one which has not completed."""
    job = found.job
    reason = f"job {failed}, which had to complete first, is {end}"
    about = {**events.reason_data(reason), "predecessor": failed, "predecessor_status": end}
    if job.after_failure == "skip":
        ended, event = cancelled_waiting(job, writer, reason, about)
    else:
        ended = replace(
            job,
            status=JobStatus.FAILED.value,
            error_type=PREDECESSOR_FAILED,
            error_message=reason,
            finished_at=writer.at,
        )
        about["error_type"] = PREDECESSOR_FAILED
        ended, event = events.record(ended, EventStatus.FAILED, reason, writer, about)
    update = Update(rows.job_key(job.job_id), ended.changes(job), found.etag)
    return Change(ended, event, Transaction(writer.op_id, [update, events.insert(event)]))


def _expires_at(job: JobRow, at: str) -> str | None:
    if job.expires_in is None:
        return None
    return events.timestamp(datetime.fromisoformat(at) + timedelta(seconds=job.expires_in))


def _jobs(job_ids: Iterable[str]) -> str:
    """Return how a message names jobs."""
    named = list(job_ids)
    return f"job {named[0]}" if len(named) == 1 else f"{len(named)} jobs"
