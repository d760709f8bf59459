"""The holder's transactions: take over, write for a run, end it and start the next. Nothing is sent here."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import assert_never

from contracts.statuses import EventStatus, JobStatus
from coordination.holder.runs import StepDone
from coordination.journal import events, rows
from coordination.journal.endings import ending_after
from coordination.journal.events import Writer
from coordination.journal.line import Line, MayStart
from coordination.journal.retries import TryAgain, policy_from_text
from coordination.journal.rows import EventRow, JobRow, LockRow
from coordination.observations import HandOver, HandOverCause
from coordination.outcomes import Cancelled, Completed, Ending, Failed, Interrupted, RunOutcome, TimedOut
from coordination.ports import (
    Delete,
    GuardedUpdate,
    Insert,
    InvalidTransactionError,
    Operation,
    Row,
    Transaction,
    Update,
)
from coordination.slot import Slot


@dataclass(frozen=True)
class Held:
    """What a holder knows to be in the journal, and at which versions."""

    slot: Slot
    lock: LockRow
    lock_etag: str
    job: JobRow
    job_etag: str
    #: Version of the row with the job's saved state, once there is one.
    state_etag: str | None = None


@dataclass
class Draft:
    """A transaction under construction, and what will be true once it is committed."""

    slot: Slot
    writer: Writer
    lock: LockRow
    #: The run in progress afterwards, if any.
    job: JobRow | None = None
    operations: list[Operation] = field(default_factory=list)
    events: list[EventRow] = field(default_factory=list)
    #: The jobs that it changes, as they are afterwards.
    jobs: dict[str, JobRow] = field(default_factory=dict)
    #: The run that the take-over found cut off.
    interrupted: JobRow | None = None
    #: How the lock came from the run before.
    hand_over: HandOver | None = None

    @property
    def transaction(self) -> Transaction:
        """The finished transaction."""
        return Transaction(self.writer.op_id, self.operations)

    def record(self, job: JobRow, status: EventStatus, message: str, **data: object) -> JobRow:
        """Add an event of a job, which says the slot unless it is slot 0."""
        where = {"slot": self.slot.number} if self.slot.number else {}
        job, event = events.record(job, status, message, self.writer, data | where)
        self.events.append(event)
        self.operations.append(events.insert(event))
        return job

    def update(self, after: JobRow, before: JobRow, etag: str) -> None:
        """Add the change of a job's row that was read, or written, at this version."""
        self.jobs[after.job_id] = after
        self.operations.append(Update(rows.job_key(after.job_id), after.changes(before), etag))

    def give_ticket_back(self, job: JobRow) -> None:
        """Add the ticket of a job that waits again; a job that runs or has ended has none."""
        if job.status == JobStatus.QUEUED:
            self.operations.append(Insert(job.waits_at, job.values()))

    def move_lock(self, lock: LockRow, before: LockRow, etag: str | None) -> None:
        """Add the change of the lock row, which every transaction of a holder contains."""
        # Rule R4 (spec/turnstile.pml): every write of a holder is conditional on the lock row it wrote last.
        # Rule S1 (spec/slots.pml): it is the row of its own slot.
        self.lock = replace(lock, op_id=self.writer.op_id)
        self.operations.append(
            Insert(self.slot.lock_key, self.lock.values())
            if etag is None
            else Update(self.slot.lock_key, self.lock.changes(before), etag)
        )


def _started(draft: Draft, job: JobRow, fence: int, *, tenure: str, chained: bool) -> JobRow:
    job = replace(
        job,
        status=JobStatus.RUNNING.value,
        fence=fence,
        slot=draft.slot.number,
        worker=draft.writer.worker,
        attempt=job.attempt + 1,
        started_at=job.started_at or draft.writer.at,
        # Not None: an update leaves what is not stored as it was.
        due_at=job.due_at and "",
    )
    if not chained:
        job = draft.record(
            job, EventStatus.LEASE_ACQUIRED, f"{draft.writer.worker} acquired the lease", tenure=tenure
        )
    return draft.record(
        job, EventStatus.STARTED, f"attempt {job.attempt} started", tenure=tenure, chained=chained
    )


def _start_ticket(draft: Draft, ticket: Row, fence: int, *, tenure: str, chained: bool) -> JobRow:
    waiting = JobRow.from_row(ticket)
    job = _started(draft, waiting, fence, tenure=tenure, chained=chained)
    draft.jobs[job.job_id] = job
    draft.operations.append(GuardedUpdate(rows.job_key(job.job_id), job.changes(waiting), ticket.key))
    draft.operations.append(Delete(ticket.key, ticket.etag))
    return job


def _fail(job: JobRow, error_type: str, message: str) -> JobRow:
    return replace(job, status=JobStatus.FAILED.value, error_type=error_type, error_message=message[:4000])


def _close(draft: Draft, job: JobRow, outcome: RunOutcome, *, lost: bool = False) -> JobRow:
    """Record the end of a run: return the job with its end or, after an interruption, back in its line."""
    # Rule R9 (spec/turnstile.pml): one transaction gives an interrupted job its ticket back, or ends the job.
    if isinstance(outcome, Interrupted):
        job = replace(
            job,
            interruptions=job.interruptions + 1,
            deaths=job.deaths + outcome.died,
            losses=job.losses + lost,
            step="",
        )
        job = draft.record(job, EventStatus.INTERRUPTED, outcome.reason, died=outcome.died)
    ending = ending_after(job, outcome)
    if ending is None:
        return replace(job, status=JobStatus.QUEUED.value, slot=0, queued_at=draft.writer.at)
    if isinstance(ending, TryAgain):
        return _put_back(draft, job, outcome, ending)
    return _finish(draft, job, ending)


def _put_back(draft: Draft, job: JobRow, outcome: RunOutcome, again: TryAgain) -> JobRow:
    """Record a failed attempt of a job that is to be tried again, and when."""
    # Rule R26 (spec/turnstile.pml): the end of a failed attempt and the due time of the next are one write.
    if not isinstance(outcome, Failed | TimedOut):
        raise TypeError(f"{outcome!r} is not a failed attempt")
    error_type = outcome.type if isinstance(outcome, Failed) else "TimedOut"
    policy = policy_from_text(job.retry or "{}")
    due = datetime.fromisoformat(draft.writer.at) + timedelta(seconds=again.seconds)
    job = replace(
        job,
        status=JobStatus.QUEUED.value,
        slot=0,
        step="",
        retries=(job.retries or 0) + 1,
        failure_type=error_type,
        failure_message=outcome.message[:1000],
        due_at=events.timestamp(due) if again.seconds else job.due_at,
        holds_place=policy.hold_place,
    )
    job = replace(job, queued_at=job.due_at or draft.writer.at)
    return draft.record(
        job,
        EventStatus.ATTEMPT_FAILED,
        outcome.message[:1000],
        error_type=error_type,
        retries=job.retries,
        attempts=policy.attempts,
        next_attempt_at=job.queued_at,
        delay=round(again.seconds, 3),
        reason=again.reason,
        hold_place=policy.hold_place,
    )


def _finish(draft: Draft, job: JobRow, outcome: Ending) -> JobRow:
    """Give a job its one terminal record."""
    job = replace(job, finished_at=draft.writer.at, step="")
    match outcome:
        case Completed(result):
            inline = len(result) <= rows.INLINE_CHARACTERS
            if not inline:
                draft.operations.append(Insert(rows.result_key(job.job_id), rows.split_text(result)))
            job = replace(
                job,
                status=JobStatus.COMPLETED.value,
                result=result if inline else "",
                has_long_result=not inline,
            )
            message = "completed" + (", the cancellation came too late" if job.cancel_requested else "")
            return draft.record(job, EventStatus.COMPLETED, message, result_characters=len(result))
        case Failed(error_type, message, traceback):
            job = _fail(job, error_type, message)
            if not traceback:
                return draft.record(job, EventStatus.FAILED, message[:1000], error_type=error_type)
            # A row of its own: the event is copied into several lists, and read with all others of the job.
            draft.operations.append(Insert(rows.traceback_key(job.job_id), rows.split_text(traceback)))
            job = replace(job, has_traceback=True)
            about = {"error_type": error_type, "traceback_characters": len(traceback)}
            return draft.record(job, EventStatus.FAILED, message[:1000], **about)
        case Cancelled():
            job = replace(job, status=JobStatus.CANCELLED.value)
            message = events.with_reason(f"cancelled, asked by {job.cancel_actor}", job.cancel_reason)
            return draft.record(job, EventStatus.CANCELLED, message, **events.reason_data(job.cancel_reason))
        case TimedOut(message):
            job = replace(job, status=JobStatus.TIMED_OUT.value, error_type="TimedOut", error_message=message)
            return draft.record(job, EventStatus.TIMED_OUT, message)
        case _:
            assert_never(outcome)


def take_over(
    line: Line, orphan: Row | None, writer: Writer, tenure: str, may_start: MayStart
) -> Draft | None:
    """Build the take-over: end the run that was cut off, if there is one, and start the next job.

    `orphan` is the row of the job that the lock row names. Returns None when nothing waits for this worker
    and no run was cut off. The draft has no job when the next one in line is not for this worker.
    """
    # Rule R3 (spec/turnstile.pml): one transaction moves the fence, ends the lost run, starts the next.
    fence = line.lock.fence + 1
    next_due = line.lock.next_due if line.next_due is None else line.next_due
    cleared = replace(
        line.lock, tenure=tenure, worker=writer.worker, job_id="", attempt=0, fence=fence, next_due=next_due
    )
    draft = Draft(line.slot, writer, cleared)
    lost = _lost_run(line.lock, orphan)
    draft.hand_over = _hand_over(line.lock, is_lost=lost is not None)
    after = waits = None
    if lost is not None:
        reason = f"worker {line.lock.worker} was lost"
        after = draft.interrupted = _close(draft, lost.job, Interrupted(reason), lost=True)
        waits = None if after.is_terminal else after
    job = line.startable(may_start, waits)
    if job is not None and job is waits:
        after = draft.job = _started(draft, job, fence, tenure=tenure, chained=False)
    elif (
        job is not None and not job.has_expired(writer.at) and rows.is_due(line.tickets[0].values, writer.at)
    ):
        draft.job = _start_ticket(draft, line.tickets[0], fence, tenure=tenure, chained=False)
    if lost is not None and after is not None:
        # Only now, as a row may be in a transaction only once.
        draft.update(after, lost.job, lost.etag)
        draft.give_ticket_back(after)
    if not draft.operations and not line.lock.job_id:
        return None
    draft.move_lock(_occupied(cleared, draft), line.lock, line.lock_etag)
    return draft


@dataclass(frozen=True)
class _LostRun:
    """The job whose run a take-over finds cut off, and the version of its row."""

    job: JobRow
    etag: str


def _lost_run(lock: LockRow, orphan: Row | None) -> _LostRun | None:
    """Return the run that the lock row names, if it was cut off; None when it ended or was never there."""
    if orphan is None:
        return None
    job = JobRow.from_row(orphan)
    is_cut_off = job.status == JobStatus.RUNNING and job.fence == lock.fence
    return _LostRun(job, orphan.etag) if is_cut_off else None


def _hand_over(before: LockRow, *, is_lost: bool) -> HandOver | None:
    if is_lost:
        return HandOver(HandOverCause.WORKER_LOST, lost_worker=before.worker)
    if before.freed_at:
        return HandOver(HandOverCause(before.freed_by), before.freed_at)
    return None


def _occupied(lock: LockRow, draft: Draft) -> LockRow:
    if draft.job is None:
        return lock
    return replace(
        lock,
        job_id=draft.job.job_id,
        attempt=draft.job.attempt,
        started_at=draft.writer.at,
        freed_at="",
        freed_by="",
    )


def step(held: Held, now: JobRow, writer: Writer, done: StepDone) -> Draft:
    """Build the record of a finished step; `now` is the job's row with the progress reported since then.

    Raises InvalidTransactionError when the job has too many events.
    """
    _check_room(now)
    after = replace(now, steps=held.job.steps + 1, step="", losses=0)
    draft = Draft(held.slot, writer, held.lock)
    after = draft.record(
        after, EventStatus.STEP, done.name, number=after.steps, seconds=round(done.seconds, 3)
    )
    result = rows.split_text(done.result) | {"name": done.name, "naming": done.naming}
    draft.operations.append(Insert(rows.step_key(after.job_id, after.steps), result))
    if done.state is not None:
        draft.operations.append(_saved(held, done.state))
    return _written(draft, after, held)


def state(held: Held, now: JobRow, writer: Writer, text: str) -> Draft:
    """Build the record of saved state. Raises InvalidTransactionError when the job has too many events."""
    _check_room(now)
    draft = Draft(held.slot, writer, held.lock)
    after = draft.record(now, EventStatus.STATE_SAVED, "state saved", characters=len(text))
    draft.operations.append(_saved(held, text))
    return _written(draft, after, held)


def _check_room(job: JobRow) -> None:
    if job.seq >= rows.LAST_RECORD:
        raise InvalidTransactionError(
            f"the job has {job.seq} events, and no more steps or states fit; save less often or split it"
        )


def _saved(held: Held, text: str) -> Operation:
    key, values = rows.state_key(held.job.job_id), rows.split_text(text)
    return Insert(key, values) if held.state_etag is None else Update(key, values, held.state_etag)


def flush(held: Held, now: JobRow, writer: Writer) -> Draft:
    """Build the write of progress alone; it is no event, so that a long job's trail stays readable."""
    return _written(Draft(held.slot, writer, held.lock), now, held)


def _written(draft: Draft, after: JobRow, held: Held) -> Draft:
    draft.job = after
    draft.update(after, held.job, held.job_etag)
    draft.move_lock(held.lock, held.lock, held.lock_etag)
    return draft


def end(
    held: Held,
    now: JobRow,
    writer: Writer,
    outcome: RunOutcome,
    next_ticket: Row | None = None,
    next_due: str | None = None,
    first: Row | None = None,
) -> tuple[Draft, JobRow]:
    """Build the end of a run and, with a next ticket, the start of the next one in the same transaction.

    `now` is the job's row with the progress reported last. A ticket of a job that has expired starts nothing,
    nor does one behind the ended job when that waits for another attempt and holds its place. `next_due` is
    the earliest due time of a ticket outside the line, empty when there is none, None when it was not read or
    in another slot than 0; such a slot needs `first`, the row of slot 0, to put a ticket there.
    Returns the draft, whose job is the next run if there is one, and the job as it ended.
    """
    # Rule R8 (spec/turnstile.pml): one transaction ends a run and starts the next job.
    # Rule S2 (spec/slots.pml): all slots take from one line, and whoever deletes the ticket has the job.
    draft = Draft(held.slot, writer, held.lock)
    ended = _close(draft, now, outcome)
    draft.give_ticket_back(ended)
    draft.update(ended, held.job, held.job_etag)
    after = replace(held.lock, job_id="", attempt=0, freed_at=writer.at, freed_by=_cause_of(outcome).value)
    after = replace(after, next_due=after.next_due if next_due is None else next_due)
    if ended.status == JobStatus.QUEUED and ended.waits_at != ended.ticket_key:
        after = _put_outside(draft, ended, after, first)
    if next_ticket is not None and _may_follow(next_ticket, ended, writer.at):
        after = replace(after, fence=after.fence + 1)
        draft.hand_over = HandOver(HandOverCause.CHAINED, writer.at)
        draft.job = _start_ticket(draft, next_ticket, after.fence, tenure=after.tenure, chained=True)
    draft.move_lock(_occupied(after, draft), held.lock, held.lock_etag)
    return draft, ended


def _may_follow(ticket: Row, ended: JobRow, at: str) -> bool:
    # One that is due at once is next itself.
    holds_back = ended.status == JobStatus.QUEUED and ended.waits_at == ended.ticket_key
    is_behind = holds_back and ended.ticket_key < rows.place_of(ticket)
    return not is_behind and not rows.has_expired(ticket.values, at) and rows.is_due(ticket.values, at)


def _put_outside(draft: Draft, job: JobRow, lock: LockRow, first: Row | None) -> LockRow:
    """Have the row of slot 0 say when a ticket outside the line is due; return the row of this slot."""
    # Rules R27 (spec/turnstile.pml) and S8 (spec/slots.pml): no ticket outside the line is due before the
    # time in the row of slot 0, and whoever puts one there writes that row.
    before, due_at = lock if first is None else LockRow.from_row(first), str(job.due_at)
    number = (before.next_number or 0) + 1
    after = replace(before, next_due=min(before.next_due or due_at, due_at), next_number=number)
    if first is None:
        if draft.slot.number:
            raise TypeError(f"the end of a run in {draft.slot} needs the row of slot 0")
        return after
    # Not its `op_id`: by that, its holder recognises its own last write.
    draft.operations.append(Update(first.key, after.changes(before), first.etag))
    return lock


def _cause_of(outcome: RunOutcome) -> HandOverCause:
    if not isinstance(outcome, Interrupted):
        return HandOverCause.RELEASED
    return HandOverCause.RUNNER_DIED if outcome.died else HandOverCause.WORKER_STOPPED
