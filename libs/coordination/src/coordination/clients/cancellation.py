"""Cancelling a job: at once while it waits, by request while it runs."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from contracts.statuses import EventStatus, JobStatus
from coordination.clients.job_writer import Change, FoundJob, JobWriter
from coordination.journal import events, rows
from coordination.journal.events import Writer
from coordination.journal.rows import EventRow, JobRow
from coordination.ports import CoordinationError, Delete, Operation, Registration, Transaction, Update


class CancelTooLateError(CoordinationError):
    """The job has ended already."""

    def __init__(self, job: JobRow) -> None:
        super().__init__(f"the job has ended already: {job.status}")
        self.job = job


@dataclass(frozen=True)
class Canceller:
    """Cancels jobs."""

    writer: JobWriter

    async def cancel(self, registration: Registration, actor: str, reason: str = "") -> JobRow:
        """Cancel a waiting job, or ask for the running one to be cancelled; return the job as it is now.

        The order of transactions decides against a finish at the same moment. Repeating a request is
        harmless, and keeps the actor and the reason of the first. Raises CancelTooLateError, NoSuchJobError
        or UnknownOutcomeError.
        """
        return await self.writer.change(
            registration, actor, lambda found, writer: build_cancellation(found, writer, reason)
        )


def build_cancellation(found: FoundJob, writer: Writer, reason: str = "") -> Change | None:
    """Build the end of a waiting job, or the request to cancel a running one; None when that was requested.

    Raises CancelTooLateError.
    """
    job = found.job
    if job.is_terminal:
        raise CancelTooLateError(job)
    # Rule R20 (spec/turnstile.pml): the rows of a waiting job change together, at the versions read.
    # One that waits for other jobs has no ticket yet.
    tickets: list[Operation] = []
    if found.ticket is not None:
        tickets.append(Delete(found.ticket.key, found.ticket.etag))
    if found.ticket is not None or job.waits_for_jobs:
        changed, event = cancelled_waiting(job, writer, reason, events.reason_data(reason))
    elif job.cancel_requested:
        return None
    else:
        changed, event = cancellation_requested(job, writer, reason, events.reason_data(reason))
    update = Update(rows.job_key(job.job_id), changed.changes(job), found.etag)
    return Change(changed, event, Transaction(writer.op_id, [update, *tickets, events.insert(event)]))


def cancelled_waiting(
    job: JobRow, writer: Writer, reason: str, data: Mapping[str, Any]
) -> tuple[JobRow, EventRow]:
    """Return a waiting job as it is once it is cancelled, and the event that records it."""
    ended = replace(job, status=JobStatus.CANCELLED.value, finished_at=writer.at)
    message = f"cancelled by {writer.actor} while waiting"
    return _asked(ended, EventStatus.CANCELLED, message, writer, reason, data)


def cancellation_requested(
    job: JobRow, writer: Writer, reason: str, data: Mapping[str, Any]
) -> tuple[JobRow, EventRow]:
    """Return a running job with the request to cancel it, and the event that records it."""
    # Rule R21 (spec/turnstile.pml): a running job gets a request; its lock row belongs to the holder.
    message = f"cancellation requested by {writer.actor}"
    return _asked(job, EventStatus.CANCEL_REQUESTED, message, writer, reason, data)


def _asked(
    job: JobRow, status: EventStatus, message: str, writer: Writer, reason: str, data: Mapping[str, Any]
) -> tuple[JobRow, EventRow]:
    changed = replace(job, cancel_requested=True, cancel_actor=writer.actor, cancel_reason=reason)
    return events.record(changed, status, events.with_reason(message, reason), writer, data)
