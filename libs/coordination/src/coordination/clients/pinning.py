"""Pinning a job by hand: it stays after its end, whatever time is set for it, until it is unpinned."""

from dataclasses import dataclass, replace

from contracts.statuses import EventStatus
from coordination.clients.job_writer import Change, FoundJob
from coordination.clients.submission import Submitter
from coordination.journal import events, rows
from coordination.journal.events import Writer
from coordination.journal.rows import JobRow
from coordination.ports import CoordinationError, Registration, Transaction, Update


class CannotPinError(CoordinationError):
    """The job waits or runs."""

    def __init__(self, job: JobRow) -> None:
        super().__init__(f"a job that is {job.status} cannot be pinned or unpinned")
        self.job = job


@dataclass(frozen=True)
class Pinner:
    """Pins and unpins jobs."""

    submitter: Submitter

    async def pin(self, registration: Registration, actor: str, reason: str = "") -> JobRow:
        """Record that a job that has ended stays until it is unpinned; return it as it is now.

        Repeating it is harmless, and keeps the actor and the reason of the first. Raises CannotPinError,
        NoSuchJobError, JobRemovedError or UnknownOutcomeError.
        """
        return await self._record(registration, actor, reason, is_pinned=True)

    async def unpin(self, registration: Registration, actor: str, reason: str = "") -> JobRow:
        """Record that a job may go when its time is over; return it as it is now.

        Harmless when it is not pinned. Raises what `pin` raises.
        """
        return await self._record(registration, actor, reason, is_pinned=False)

    async def _record(
        self, registration: Registration, actor: str, reason: str, *, is_pinned: bool
    ) -> JobRow:
        job = await self.submitter.writer.look(registration)
        if not _differs(job, is_pinned=is_pinned):
            return job
        # As for a finalized job: the event is projected as that of an active job, and the retirement that
        # follows notes when it may go. Again afterwards, as it may have been taken off in the meantime.
        await self.submitter.activate(registration)
        job = await self.submitter.writer.change(
            registration,
            actor,
            lambda found, writer: build_pin(found, writer, reason, is_pinned=is_pinned),
        )
        await self.submitter.activate(registration)
        return job


def build_pin(found: FoundJob, writer: Writer, reason: str = "", *, is_pinned: bool) -> Change | None:
    """Build the record that a job is pinned, or is not any more; None when it is so already.

    Raises CannotPinError.
    """
    job = found.job
    if not _differs(job, is_pinned=is_pinned):
        return None
    at, by, why = (writer.at, writer.actor, reason) if is_pinned else ("", "", "")
    changed = replace(job, pinned_at=at, pinned_by=by, pin_reason=why)
    status, word = (EventStatus.PINNED, "pinned") if is_pinned else (EventStatus.UNPINNED, "unpinned")
    message = events.with_reason(f"{word} by {writer.actor}", reason)
    changed, event = events.record(changed, status, message, writer, events.reason_data(reason))
    update = Update(rows.job_key(job.job_id), changed.changes(job), found.etag)
    return Change(changed, event, Transaction(writer.op_id, [update, events.insert(event)]))


def _differs(job: JobRow, *, is_pinned: bool) -> bool:
    if not job.is_terminal:
        raise CannotPinError(job)
    return job.is_pinned is not is_pinned
