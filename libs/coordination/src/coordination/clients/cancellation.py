"""Cancelling a job: at once while it waits, by request while it runs."""

from dataclasses import dataclass, replace

from contracts.statuses import EventStatus, JobStatus
from coordination.journal import events, rows
from coordination.journal.events import Writer
from coordination.journal.persistence import commit_until, is_own, until_known
from coordination.journal.rows import EventRow, JobRow
from coordination.ports import (
    Clock,
    CoordinationError,
    Delete,
    Journal,
    NewId,
    Notifier,
    Operation,
    RefusedError,
    Registration,
    Row,
    Transaction,
    UnknownOutcomeError,
    Update,
    random_id,
)


class CancelTooLateError(CoordinationError):
    """The job has ended already."""

    def __init__(self, job: JobRow) -> None:
        super().__init__(f"the job has ended already: {job.status}")
        self.job = job


class NoSuchJobError(CoordinationError):
    """There is no such job."""


@dataclass(frozen=True)
class Canceller:
    """Cancels jobs on behalf of whoever may."""

    journal: Journal
    notifier: Notifier
    clock: Clock
    call_timeout: float = 2.0
    patience: float = 8.0
    new_id: NewId = random_id

    async def cancel(self, registration: Registration, actor: str) -> JobRow:
        """Cancel a waiting job, or ask for the running one to be cancelled; return the job as it is now.

        The order of transactions decides against a finish at the same moment. Repeating a request is
        harmless. Raises CancelTooLateError, NoSuchJobError or UnknownOutcomeError.
        """
        until = self.clock.boot() + self.patience
        partition = registration.partition
        while self.clock.boot() < until:
            row = await self._read(partition, rows.job_key(registration.job_id), until)
            job = JobRow.existing(row)
            if row is None or job is None:
                raise NoSuchJobError
            if job.is_terminal:
                raise CancelTooLateError(job)
            if job.cancel_requested and job.status == JobStatus.RUNNING:
                return job
            ticket = await self._read(partition, job.ticket_key, until)
            writer = Writer(actor, op_id=self.new_id().hex, at=events.timestamp(self.clock.now()))
            if job.status == JobStatus.RUNNING:
                changed, event, transaction = build_cancel_request(job, row.etag, writer)
            elif ticket is not None:
                changed, event, transaction = build_cancel_queued(job, row.etag, ticket, writer)
            else:
                continue  # it was taken between the two reads
            try:
                await commit_until(self.journal, self.clock, partition, transaction, self.call_timeout, until)
            except RefusedError:
                key = rows.event_key(job.job_id, event.seq)
                if not await is_own(self.journal, self.clock, partition, key, writer.op_id, until):
                    continue
            self.notifier.announce([events.announced(event)])
            return changed
        raise UnknownOutcomeError

    async def _read(self, partition: str, key: str, until: float) -> Row | None:
        return await until_known(self.clock, lambda: self.journal.read(partition, key), until)


def build_cancel_queued(
    job: JobRow, etag: str, ticket: Row, writer: Writer
) -> tuple[JobRow, EventRow, Transaction]:
    """Build the transaction that ends a waiting job: its ticket goes, its row becomes terminal."""
    changed = replace(
        job,
        status=JobStatus.CANCELLED.value,
        cancel_requested=True,
        cancel_actor=writer.actor,
        finished_at=writer.at,
    )
    changed, event = events.record(
        changed, EventStatus.CANCELLED, f"cancelled by {writer.actor} while waiting", writer
    )
    # Rule R20 (spec/turnstile.pml): the rows of a waiting job change together, at the versions read.
    operations: list[Operation] = [
        Update(rows.job_key(job.job_id), changed.changes(job), etag),
        Delete(ticket.key, ticket.etag),
        events.insert(event),
    ]
    return changed, event, Transaction(writer.op_id, operations)


def build_cancel_request(job: JobRow, etag: str, writer: Writer) -> tuple[JobRow, EventRow, Transaction]:
    """Build the transaction that asks a running job's holder to cancel it."""
    changed = replace(job, cancel_requested=True, cancel_actor=writer.actor)
    changed, event = events.record(
        changed, EventStatus.CANCEL_REQUESTED, f"cancellation requested by {writer.actor}", writer
    )
    # Rule R21 (spec/turnstile.pml): a running job gets a request; its lock row belongs to the holder.
    operations: list[Operation] = [
        Update(rows.job_key(job.job_id), changed.changes(job), etag),
        events.insert(event),
    ]
    return changed, event, Transaction(writer.op_id, operations)
