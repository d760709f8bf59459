"""Cancelling a job: at once while it waits, by request while it runs."""

from dataclasses import dataclass, replace

from contracts.statuses import EventStatus, JobStatus
from coordination.clients.job_writer import Change, FoundJob, JobWriter
from coordination.journal import events, rows
from coordination.journal.events import Writer
from coordination.journal.rows import JobRow
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
    if found.ticket is not None:
        ended = replace(job, status=JobStatus.CANCELLED.value, finished_at=writer.at)
        status, message = EventStatus.CANCELLED, f"cancelled by {writer.actor} while waiting"
        # Rule R20 (spec/turnstile.pml): the rows of a waiting job change together, at the versions read.
        tickets: list[Operation] = [Delete(found.ticket.key, found.ticket.etag)]
    elif job.cancel_requested:
        return None
    else:
        # Rule R21 (spec/turnstile.pml): a running job gets a request; its lock row belongs to the holder.
        ended, tickets = job, []
        status, message = EventStatus.CANCEL_REQUESTED, f"cancellation requested by {writer.actor}"
    changed = replace(ended, cancel_requested=True, cancel_actor=writer.actor, cancel_reason=reason)
    changed, event = events.record(
        changed, status, events.with_reason(message, reason), writer, events.reason_data(reason)
    )
    update = Update(rows.job_key(job.job_id), changed.changes(job), found.etag)
    return Change(changed, event, Transaction(writer.op_id, [update, *tickets, events.insert(event)]))
