"""Expiry: the end of a job that waited for longer than its submission, or its kind, lets it."""

from dataclasses import replace

from contracts.statuses import EventStatus, JobStatus
from coordination.clients.job_writer import Change, FoundJob
from coordination.journal import events, rows
from coordination.journal.events import Writer
from coordination.ports import Delete, Operation, Transaction, Update


def build_expiry(found: FoundJob, writer: Writer) -> Change | None:
    """Build the end of a job that has expired; None when it has started, has ended, or still has time."""
    job = found.job
    if found.ticket is None or not job.has_expired(writer.at):
        return None
    ended = replace(job, status=JobStatus.EXPIRED.value, finished_at=writer.at)
    message = f"expired: no run of it had started by {job.expires_at}"
    about = {"expires_at": job.expires_at}
    ended, event = events.record(ended, EventStatus.EXPIRED, message, writer, about)
    # Rule R20 (spec/turnstile.pml): the rows of a waiting job change together, at the versions read.
    operations: list[Operation] = [
        Update(rows.job_key(job.job_id), ended.changes(job), found.etag),
        Delete(found.ticket.key, found.ticket.etag),
        events.insert(event),
    ]
    return Change(ended, event, Transaction(writer.op_id, operations))
