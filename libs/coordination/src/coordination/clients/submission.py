"""Submitting a job: register its id, write job, ticket and first event in one transaction, then notify."""

import hashlib
import json
from dataclasses import dataclass

from contracts.policies import JobPolicy
from contracts.statuses import EventStatus
from coordination.clients.job_writer import Change, JobWriter
from coordination.clients.submission_marks import SubmissionMarks
from coordination.journal import events, rows
from coordination.journal.events import Writer
from coordination.journal.rows import JobRow
from coordination.journal.storage_limits import check_limits
from coordination.ports import (
    AlreadyRegisteredError,
    CoordinationError,
    Insert,
    JobRegister,
    Registration,
    Row,
    Transaction,
    WakeUp,
)
from coordination.slot import Slot


class JobExistsError(CoordinationError):
    """The job id is already used."""

    def __init__(self, existing: Registration, row: Row | None, *, same_content: bool) -> None:
        found = JobRow.from_row(row) if row is not None else None
        is_closed = found is not None and found.status == JobRow.TOMBSTONE
        super().__init__(
            f"job id {existing.job_id} is closed, as its submission never arrived: submit under a new id"
            if is_closed
            else f"job id {existing.job_id} is already used by a job of lock {existing.lock_name!r}"
        )
        self.existing = existing
        #: The job; None when it was removed, or its submission did not arrive (yet).
        self.job = JobRow.existing(row)
        #: Whether there was a job, which has ended and was removed.
        self.is_removed = found is not None and found.is_removed
        #: Whether there is no job of this id and never will be: its submission never arrived, and it was
        #: closed after a day.
        self.is_closed = is_closed
        #: Whether the earlier submission asked for exactly the same, and there is a job of it.
        self.same_request = same_content and not is_closed


@dataclass(frozen=True)
class NewJob:
    """What is submitted. Names are normalised already; `parameters` and `properties` are JSON objects."""

    job_id: str
    #: A time-ordered identifier: the place in line.
    order: str
    kind: str
    lock_name: str
    parameters: str
    actor: str
    name: str = ""
    description: str = ""
    priority: int = 5
    properties: str = "{}"
    traceparent: str | None = None
    #: The policy of its kind.
    policy: JobPolicy = JobPolicy()

    @property
    def request_hash(self) -> str:
        """A hash that is the same for a repeated submission, and differs for another one with the same id."""
        asked = [self.kind, self.lock_name, self.parameters, self.name, self.description, self.priority]
        return hashlib.sha256(json.dumps([*asked, self.properties]).encode()).hexdigest()


@dataclass
class Submitter:
    """Submits jobs."""

    register: JobRegister
    writer: JobWriter

    def __post_init__(self) -> None:
        self._marks = SubmissionMarks(self.register, self.writer.clock, self.writer.new_id().hex)

    async def submit(self, new: NewJob) -> JobRow:
        """Accept a job: when this returns, the journal has it and it will reach exactly one terminal record.

        Raises JobExistsError when the id is in use, and UnknownOutcomeError when the store does not answer:
        then the same submission with the same job id may be repeated and cannot run twice. Raises
        InvalidTransactionError for what could never be stored, whose id stays free.
        """
        clock, notifier = self.writer.clock, self.writer.notifier
        now = clock.now()
        change = build_submission(new, Writer(new.actor, f"{new.job_id}:{new.order}", events.timestamp(now)))
        check_limits(change.transaction)
        partition = Slot(new.lock_name).partition
        registration = Registration(
            new.job_id, new.lock_name, partition, new.request_hash, now, is_marked=True
        )
        # Before and after: a scheduler may rest while no mark is new (`coordination.maintenance.resting`).
        await self._marks.ensure()
        try:
            await self.register.add(registration)
        except AlreadyRegisteredError:
            await self._refuse_unless_unfinished(registration)
        await self._marks.ensure()
        if not await self.writer.commit(partition, change, clock.boot() + self.writer.patience):
            raise JobExistsError(registration, await self._read_job(registration), same_content=True)
        wake_up = WakeUp(new.lock_name, new.job_id, traceparent=new.traceparent, reason="submitted")
        await notifier.notify(wake_up)
        return change.job

    async def _refuse_unless_unfinished(self, asked: Registration) -> None:
        """Let a submission go on whose earlier try registered the id and got no further."""
        existing = await self.register.find(asked.job_id)
        if existing is None:
            return
        same = existing.request_hash == asked.request_hash
        row = await self._read_job(existing)
        if row is not None or not same:
            raise JobExistsError(existing, row, same_content=same)

    async def _read_job(self, registration: Registration) -> Row | None:
        return await self.writer.journal.read(registration.partition, rows.job_key(registration.job_id))


def build_submission(new: NewJob, writer: Writer) -> Change:
    """Build the transaction that accepts a job."""
    inline = len(new.parameters) <= rows.INLINE_CHARACTERS
    job = JobRow(
        job_id=new.job_id,
        kind=new.kind,
        lock_name=new.lock_name,
        priority=new.priority,
        order=new.order,
        name=new.name,
        description=new.description,
        properties=new.properties,
        parameters=new.parameters if inline else "",
        actor=new.actor,
        request_hash=new.request_hash,
        traceparent=new.traceparent,
        max_runner_crashes=new.policy.max_runner_crashes,
        max_worker_losses=new.policy.max_worker_losses,
        submitted_at=writer.at,
        queued_at=writer.at,
    )
    about = {
        "kind": new.kind,
        "name": new.name,
        "description": new.description,
        "priority": new.priority,
        "properties": json.loads(new.properties),
    }
    job, submitted = events.record(job, EventStatus.SUBMITTED, f"submitted by {new.actor}", writer, about)
    # Rule R19 (spec/turnstile.pml): job, ticket and first event are inserted together.
    operations = [
        Insert(rows.job_key(job.job_id), job.values()),
        Insert(job.ticket_key, job.values()),
        events.insert(submitted),
    ]
    if not inline:
        operations.append(Insert(rows.parameters_key(job.job_id), rows.split_text(new.parameters)))
    return Change(job, submitted, Transaction(writer.op_id, operations))
