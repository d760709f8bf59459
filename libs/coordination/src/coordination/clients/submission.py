"""Submitting a job: register its id, write job, ticket and first event in one transaction, then notify."""

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from contracts.policies import JobPolicy, OnConflict
from contracts.statuses import EventStatus
from coordination.clients.conflicts import Replacement, decide, read_occupants
from coordination.clients.job_writer import Change, JobWriter
from coordination.clients.submission_marks import SubmissionMarks
from coordination.journal import events, rows
from coordination.journal.events import Writer
from coordination.journal.persistence import until_known
from coordination.journal.retries import policy_as_text
from coordination.journal.rows import JobRow
from coordination.journal.storage_limits import check_limits
from coordination.ports import (
    AlreadyRegisteredError,
    CoordinationError,
    Insert,
    JobRegister,
    Operation,
    Registration,
    Row,
    Transaction,
    UnknownOutcomeError,
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
    #: Seconds for which it may wait, as its submission or its kind says; None for ever.
    expires_in: float | None = None
    #: Seconds that one attempt may take, and that its handler may take to stop; None where it says nothing.
    timeout: float | None = None
    cancel_grace: float | None = None
    #: What it does when a job of its lock waits or runs.
    on_conflict: OnConflict = "queue"
    #: Whether its id was made for this submission, so that no other one has it.
    has_new_id: bool = False
    #: JSON object of what its submission asks for in addition to all this.
    options: str = "{}"
    #: The job that it retries, if it does.
    retry: "RetryOf | None" = None

    @property
    def request_hash(self) -> str:
        """A hash that is the same for a repeated submission, and differs for another one with the same id."""
        asked = [self.kind, self.lock_name, self.parameters, self.name, self.description, self.priority]
        # Where there are no options, the hash is that of releases that knew none.
        options = [self.options] if self.options != "{}" else []
        retried = [] if self.retry is None else [self.retry.job_id, self.retry.is_fresh]
        asked += [self.properties, *options, *retried]
        return hashlib.sha256(json.dumps(asked).encode()).hexdigest()

    def expires_at(self, submitted_at: datetime) -> datetime | None:
        """Return when the job expires unless it has started; None when it may wait for ever."""
        return None if self.expires_in is None else submitted_at + timedelta(seconds=self.expires_in)


@dataclass(frozen=True)
class RetryOf:
    """What a job retries, and with what it continues."""

    job_id: str
    #: Why, for the audit trail.
    reason: str = ""
    #: Whether it begins from the beginning.
    is_fresh: bool = False
    #: The jobs with whose recorded steps and saved state it continues, oldest first.
    history: Sequence[str] = ()

    @property
    def data(self) -> dict[str, Any]:
        """What the event of its submission keeps."""
        about: dict[str, Any] = {"retry_of": self.job_id, "fresh": self.is_fresh}
        about |= {"history": list(self.history)} if self.history else {}
        return about | events.reason_data(self.reason)


@dataclass(frozen=True)
class Submitted:
    """The job that was submitted, and what became of others for it."""

    job: JobRow
    #: The running job that was asked to stop for it.
    stopping: JobRow | None = None


@dataclass
class Submitter:
    """Submits jobs."""

    register: JobRegister
    writer: JobWriter

    def __post_init__(self) -> None:
        self._marks = SubmissionMarks(self.register, self.writer.clock, self.writer.new_id().hex)

    async def submit(self, new: NewJob) -> Submitted:
        """Accept a job: when this returns, the journal has it and it will reach exactly one terminal record.

        Raises JobExistsError when the id is in use, and UnknownOutcomeError when the store does not answer:
        then the same submission with the same job id may be repeated and cannot run twice. Raises
        InvalidTransactionError for what could never be stored, whose id stays free. Where the job's policy
        for conflicts says so, raises LockBusyError, AlreadyThereError or TooManyWaitingError, and its id
        stays free, too.
        """
        now = self.writer.clock.now()
        change = build_submission(new, _writer(new, now))
        check_limits(change.transaction)
        registration = _registration(new, now)
        made = Replacement()
        if new.on_conflict == "queue":
            is_again = await self._register(registration)
            until = self.writer.clock.boot() + self.writer.patience
            if not await self.writer.commit(registration.partition, change, until):
                raise JobExistsError(registration, await self._read_job(registration), same_content=True)
        else:
            change, made, is_again = await self._decide_and_commit(new, registration)
        if is_again:
            await self._register_for_certain(registration)
        await self.notify(new)
        stopping = (job for job, _ in made.changed if not job.is_terminal)
        return Submitted(change.job, next(stopping, None))

    async def claim(self, new: NewJob) -> None:
        """Register the id of a job that is about to be written.

        Raises JobExistsError when the id is in use, and UnknownOutcomeError.
        """
        await self._register(_registration(new, self.writer.clock.now()))

    async def activate(self, registration: Registration) -> None:
        """Let a job count as active again, whose end is over, until its next event is projected.

        Raises UnknownOutcomeError.
        """
        await self._marks.ensure()
        # It has ended, so it does not expire any more.
        await self.register.activate(replace(registration, is_marked=True, expires_at=None))
        await self._marks.ensure()

    async def notify(self, new: NewJob) -> None:
        """Notify the workers of a job that was written."""
        wake_up = WakeUp(new.lock_name, new.job_id, traceparent=new.traceparent, reason="submitted")
        await self.writer.notifier.notify(wake_up)

    async def _register(self, registration: Registration) -> bool:
        """Take the id, and return whether an earlier try had taken it. Raises JobExistsError."""
        is_again = False
        # Before and after: a scheduler may rest while no mark is new (`coordination.maintenance.resting`).
        await self._marks.ensure()
        try:
            await self.register.add(registration)
        except AlreadyRegisteredError:
            await self._refuse_unless_unfinished(registration)
            is_again = True
        await self._marks.ensure()
        return is_again

    async def _register_for_certain(self, registration: Registration) -> None:
        """Take the id of a job that was written once more.

        Its registration may have been that of a job which was forgotten in the meantime
        (`coordination.maintenance.due_jobs`).
        """
        with suppress(AlreadyRegisteredError):
            await self.register.add(registration)
            await self._marks.ensure()

    async def _decide_and_commit(
        self, new: NewJob, registration: Registration
    ) -> tuple[Change, Replacement, bool]:
        """Write the job with what its submission does to others, decided again as often as they changed.

        Returns also whether an earlier try had taken the id.
        """
        clock, slot = self.writer.clock, Slot(new.lock_name)
        until = clock.boot() + self.writer.patience
        is_registered = is_again = False
        if not new.has_new_id:
            # A job of this id may be what the lock is busy with.
            await self._refuse_unless_unfinished(registration)
        while clock.boot() < until:
            at = events.timestamp(clock.now())
            found = await until_known(clock, partial(read_occupants, self.writer.journal, slot, at), until)
            if found is None:
                continue
            writer = _writer(new, clock.now())
            change = build_submission(new, writer)
            try:
                made = decide(new.on_conflict, found, change.job, writer)
            except CoordinationError:
                if is_registered and new.has_new_id:
                    await self._withdraw(registration)
                raise
            if not is_registered:
                is_again = await self._register(registration)
                is_registered = True
            if await self.writer.commit(slot.partition, made.joined_to(change), until):
                for job, event in made.changed:
                    self.writer.notifier.announce(events.announcements([event], {job.job_id: job}))
                return change, made, is_again
            row = await self._read_job(registration)
            if row is not None:
                raise JobExistsError(registration, row, same_content=True)
        raise UnknownOutcomeError

    async def _withdraw(self, registration: Registration) -> None:
        """Give an id back that nobody else knows; one that stays is closed by the sweeper in time."""
        with suppress(UnknownOutcomeError):
            await self.register.withdraw(registration)

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


def _registration(new: NewJob, now: datetime) -> Registration:
    return Registration(
        new.job_id,
        new.lock_name,
        Slot(new.lock_name).partition,
        new.request_hash,
        now,
        is_marked=True,
        expires_at=new.expires_at(now),
    )


def _writer(new: NewJob, now: datetime) -> Writer:
    return Writer(new.actor, f"{new.job_id}:{new.order}", events.timestamp(now))


def build_submission(new: NewJob, writer: Writer) -> Change:
    """Build the transaction that accepts a job."""
    retry = new.retry
    expires_at = None
    if new.expires_in is not None:
        expires_at = new.expires_at(datetime.fromisoformat(writer.at))
    # A first attempt reads what its job keeps only where the parameters have a row of their own.
    inline = len(new.parameters) <= rows.INLINE_CHARACTERS and not (retry and retry.history)
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
        retry=policy_as_text(new.policy.retry),
        timeout=new.timeout,
        cancel_grace=new.cancel_grace,
        keep=new.policy.keep,
        submitted_at=writer.at,
        expires_at=None if expires_at is None else events.timestamp(expires_at),
        queued_at=writer.at,
        retry_of=retry.job_id if retry else None,
    )
    about = {
        "kind": new.kind,
        "name": new.name,
        "description": new.description,
        "priority": new.priority,
        "properties": json.loads(new.properties),
    }
    said = {
        "expires_at": job.expires_at,
        "timeout": new.timeout,
        "cancel_grace": new.cancel_grace,
        "keep": job.keep,
    }
    about |= {name: value for name, value in said.items() if value is not None}
    if new.on_conflict != "queue":
        about["on_conflict"] = new.on_conflict
    message = f"submitted by {new.actor}"
    if retry is not None:
        message = events.with_reason(f"{message} as a retry of {retry.job_id}", retry.reason)
        about |= retry.data
    job, submitted = events.record(job, EventStatus.SUBMITTED, message, writer, about)
    # Rule R19 (spec/turnstile.pml): job, ticket and first event are inserted together.
    operations: list[Operation] = [
        Insert(rows.job_key(job.job_id), job.values()),
        Insert(job.ticket_key, job.values()),
        events.insert(submitted),
    ]
    if not inline:
        operations.append(Insert(rows.parameters_key(job.job_id), rows.split_text(new.parameters)))
    if retry is not None and retry.history:
        operations.append(Insert(rows.history_key(job.job_id), rows.split_text(" ".join(retry.history))))
    return Change(job, submitted, Transaction(writer.op_id, operations))
