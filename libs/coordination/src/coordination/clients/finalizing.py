"""Finalizing by hand: a job that did not complete asks for no attention any more."""

from dataclasses import dataclass, replace

from contracts.statuses import EventStatus
from coordination.clients.job_writer import Change, FoundJob, Recorded
from coordination.clients.retrying import RETRYABLE
from coordination.clients.submission import Submitter
from coordination.journal import events, rows
from coordination.journal.events import Writer
from coordination.journal.rows import JobRow
from coordination.ports import CoordinationError, Registration, Transaction, Update


class CannotFinalizeError(CoordinationError):
    """The job waits, runs or has completed."""

    def __init__(self, job: JobRow) -> None:
        super().__init__(f"a job that is {job.status} cannot be finalized")
        self.job = job


@dataclass(frozen=True)
class Finalizer:
    """Finalizes jobs."""

    submitter: Submitter

    async def finalize(self, registration: Registration, actor: str, reason: str = "") -> Recorded:
        """Record that a job that did not complete needs no attention; return it as it is now.

        Repeating it is harmless, and keeps the actor and the reason of the first. Raises CannotFinalizeError,
        NoSuchJobError, JobRemovedError or UnknownOutcomeError.
        """
        job = await self.submitter.writer.look(registration)
        if not _is_to_be_finalized(job):
            return Recorded(job, is_new=False)
        built: Change | None = None

        def build(found: FoundJob, writer: Writer) -> Change | None:
            nonlocal built
            built = build_finalization(found, writer, reason)
            return built

        # A sweeper looks at active jobs only, and this one is over: without it, the read models would never
        # hear of an event whose message is lost. Again afterwards, as one who was about to take the job off
        # for its end may have done so in the meantime.
        await self.submitter.activate(registration)
        job = await self.submitter.writer.change(registration, actor, build)
        await self.submitter.activate(registration)
        return Recorded(job, is_new=built is not None)


def build_finalization(found: FoundJob, writer: Writer, reason: str = "") -> Change | None:
    """Build the record that a job is finalized; None when it was already. Raises CannotFinalizeError."""
    job = found.job
    if not _is_to_be_finalized(job):
        return None
    changed = replace(job, finalized_at=writer.at, finalized_by=writer.actor, finalize_reason=reason or None)
    message = events.with_reason(f"finalized by {writer.actor}", reason)
    changed, event = events.record(
        changed, EventStatus.FINALIZED, message, writer, events.reason_data(reason)
    )
    update = Update(rows.job_key(job.job_id), changed.changes(job), found.etag)
    return Change(changed, event, Transaction(writer.op_id, [update, events.insert(event)]))


def _is_to_be_finalized(job: JobRow) -> bool:
    if job.status not in RETRYABLE:
        raise CannotFinalizeError(job)
    return job.finalized_at is None
