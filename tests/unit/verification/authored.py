"""Histories written by hand, event by event, as the protocol would write them, or as it never would."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from contracts import lock_names
from contracts.statuses import EventStatus, JobStatus
from coordination.journal import events, rows
from coordination.journal.events import Writer
from coordination.journal.rows import JobRow, LockRow
from verification import Stored

BEGINNING = datetime(2026, 11, 21, 8, tzinfo=UTC)
TRACEBACK = "Traceback (most recent call last)"
TRACE = "0af7651916cd43dd8448eb211c80319c"


def job_id(number: int) -> str:
    """Return the id of the so-manieth job."""
    return str(uuid.UUID(int=(7 << 76) | (2 << 62) | number))


@dataclass
class Author:
    """Writes what happens under one lock; every call is a transaction, a tenth of a second after the last."""

    lock: str = "ledger"
    now: datetime = BEGINNING
    #: Rows by key: values and the time of their commit.
    rows: dict[str, tuple[dict[str, Any], float]] = field(default_factory=dict)
    jobs: dict[str, JobRow] = field(default_factory=dict)
    lock_row: LockRow = field(init=False)
    #: By job, what is kept of the errors.
    tracebacks: dict[str, str] = field(default_factory=dict)
    first_number: int = 1
    _waits_at: dict[str, str] = field(default_factory=dict)
    _transactions: int = 0

    def __post_init__(self) -> None:
        self.partition = lock_names.partition(self.lock)
        self.lock_row = LockRow(self.lock)

    # --- transactions -----------------------------------------------------------

    def submit(
        self,
        expires_in: float | None = None,
        *,
        retry_of: str = "",
        history: Sequence[str] = (),
        keep: float | None = None,
    ) -> str:
        """A new job joins the line, perhaps as the retry of another one."""
        new = job_id(self.first_number + len(self.jobs))
        writer = self._writer("")
        job = JobRow(
            new,
            "ten-steps",
            self.lock,
            order=f"{len(self.jobs):09d}",
            submitted_at=writer.at,
            queued_at=writer.at,
            actor=writer.actor,
            name=f"Job {new[-2:]}",
            traceparent=f"00-{TRACE}-00f067aa0ba902b7-01",
            retry_of=retry_of or None,
            keep=keep,
        )
        about: dict[str, object] = {"kind": job.kind, "name": job.name, "priority": job.priority}
        if expires_in is not None:
            at = events.timestamp(self.now + timedelta(seconds=expires_in))
            job, about = replace(job, expires_at=at), about | {"expires_at": at}
        if keep is not None:
            about |= {"keep": keep}
        if retry_of:
            about |= {"retry_of": retry_of, "fresh": not history, "history": list(history)}
            self.jobs[retry_of] = old = replace(self.jobs[retry_of], retried_by=new)
            self._put(rows.job_key(retry_of), old.values())
        self._record(job, EventStatus.SUBMITTED, "submitted by test", writer, **about)
        self._wait(new)
        return new

    def start(self, job: str, worker: str = "w1", *, fence: int | None = None) -> None:
        """A worker takes the lock and starts a job."""
        self._start(job, self._writer(worker), fence=fence)

    def step(self, job: str, name: str, *, worker: str = "", fence: int | None = None) -> None:
        """A step is recorded."""
        row = self.jobs[job]
        writer = self._writer(worker or row.worker)
        written = replace(row, steps=row.steps + 1, fence=fence or row.fence)
        self._record(written, EventStatus.STEP, name, writer, number=written.steps, seconds=0.1)
        self.jobs[job] = replace(self.jobs[job], fence=row.fence)

    def save(self, job: str) -> None:
        """State is saved."""
        row = self.jobs[job]
        self._record(row, EventStatus.STATE_SAVED, "state saved", self._writer(row.worker), characters=9)

    def end(
        self,
        job: str,
        status: EventStatus = EventStatus.COMPLETED,
        *,
        chain: str = "",
        worker: str | None = None,
    ) -> None:
        """A run ends, and in the same transaction another job starts if one is named."""
        writer = self._writer(self.jobs[job].worker if worker is None else worker)
        self._end(job, status, writer)
        self._free()
        if chain:
            self._start(chain, writer, is_chained=True)

    def interrupt(self, job: str, *, died: bool = False) -> None:
        """A run is cut off, which its own worker records."""
        self._interrupt(job, self._writer(self.jobs[job].worker), died=died)
        self._free()
        self._wait(job)

    def take_over(self, job: str, worker: str, *, start: str = "") -> None:
        """Another worker finds a run cut off and starts that job, or another, in one transaction."""
        writer = self._writer(worker)
        self._interrupt(job, writer, died=False)
        if start:
            self._wait(job)
        self._start(start or job, writer)

    def find_cut_off(self, job: str, worker: str) -> None:
        """Another worker finds a run cut off, and starts no job: what waits is not for it."""
        self._interrupt(job, self._writer(worker), died=False)
        self._wait(job)
        self._move_lock(replace(self.lock_row, fence=self.lock_row.fence + 1, job_id="", attempt=0))

    def fail_attempt(
        self, job: str, delay: float = 60.0, *, attempts: int = 3, hold_place: bool = False
    ) -> None:
        """An attempt fails, and the job is to be tried again after so many seconds."""
        writer = self._writer(self.jobs[job].worker)
        row = self.jobs[job]
        due_at = events.timestamp(self.now + timedelta(seconds=delay))
        row = replace(
            row,
            status=JobStatus.QUEUED.value,
            retries=(row.retries or 0) + 1,
            failure_type="OSError",
            failure_message="no route",
            queued_at=due_at,
            due_at=due_at if delay else row.due_at,
            holds_place=hold_place,
        )
        about = {"retries": row.retries, "attempts": attempts, "next_attempt_at": due_at, "delay": delay}
        about |= {"error_type": "OSError", "hold_place": hold_place}
        self._record(row, EventStatus.ATTEMPT_FAILED, "no route", writer, **about)
        if delay and not hold_place:
            known = self.lock_row.next_due
            self.lock_row = replace(self.lock_row, next_due=min(known or due_at, due_at))
        self._free()
        self._wait(job)

    def cancel(self, job: str) -> None:
        """A waiting job is cancelled."""
        writer = self._writer("")
        self.jobs[job] = replace(self.jobs[job], cancel_requested=True, cancel_actor=writer.actor)
        self._end(job, EventStatus.CANCELLED, writer)
        self._drop_ticket(job)

    def expire(self, job: str) -> None:
        """A waiting job is ended by the scheduler."""
        self._end(job, EventStatus.EXPIRED, self._writer(""))
        self._drop_ticket(job)

    def replace(self, job: str, by: str, op_id: str) -> None:
        """A waiting job is cancelled, as another one took its place."""
        writer = replace(self._writer(""), op_id=op_id)
        reason = f"replaced by job {by}"
        row = replace(self.jobs[job], cancel_requested=True, cancel_actor=writer.actor, cancel_reason=reason)
        row = replace(row, status=JobStatus.CANCELLED.value, finished_at=writer.at)
        self._record(row, EventStatus.CANCELLED, "replaced", writer, reason=reason, replaced_by=by)
        self._drop_ticket(job)

    def ask_to_cancel(self, job: str, reason: str = "") -> None:
        """Somebody asks that the run in progress be cancelled."""
        writer = self._writer("")
        row = replace(self.jobs[job], cancel_requested=True, cancel_actor=writer.actor, cancel_reason=reason)
        about = {"reason": reason} if reason else {}
        self._record(row, EventStatus.CANCEL_REQUESTED, "cancellation requested", writer, **about)

    def finalize(self, job: str, reason: str = "", *, worker: str = "") -> None:
        """Somebody says that a job needs no attention."""
        writer = self._writer(worker)
        row = replace(
            self.jobs[job], finalized_at=writer.at, finalized_by=writer.actor, finalize_reason=reason or None
        )
        about = {"reason": reason} if reason else {}
        self._record(row, EventStatus.FINALIZED, "finalized", writer, **about)

    def pin(self, job: str, reason: str = "", *, is_pinned: bool = True, worker: str = "") -> None:
        """Somebody pins a job, or unpins it."""
        writer = self._writer(worker)
        at, by, why = (writer.at, writer.actor, reason) if is_pinned else ("", "", "")
        row = replace(self.jobs[job], pinned_at=at, pinned_by=by, pin_reason=why)
        status = EventStatus.PINNED if is_pinned else EventStatus.UNPINNED
        self._record(row, status, "pinned", writer, **({"reason": reason} if reason else {}))

    def pause(self, seconds: float) -> None:
        """Nothing happens for a while."""
        self.now += timedelta(seconds=seconds)

    # --- rows -------------------------------------------------------------------

    def event(self, job: str, seq: int) -> dict[str, Any]:
        """Return the values of an event, to be changed."""
        return self.rows[rows.event_key(job, seq)][0]

    def hold_lock_for(self, job: str) -> None:
        """Let the lock's row name a job."""
        self._move_lock(replace(self.lock_row, job_id=job))

    def stored(self) -> list[Stored]:
        """Return the partition."""
        return [Stored(self.partition, key, *self.rows[key]) for key in sorted(self.rows)]

    def _writer(self, worker: str) -> Writer:
        self.now += timedelta(seconds=0.1)
        self._transactions += 1
        return Writer(
            worker or "test", f"{self.lock}-{self._transactions}", events.timestamp(self.now), worker
        )

    def _record(self, job: JobRow, status: EventStatus, message: str, writer: Writer, **data: object) -> None:
        job, event = events.record(job, status, message, writer, data)
        self.jobs[job.job_id] = job
        self._put(rows.event_key(job.job_id, event.seq), event.values())
        self._put(rows.job_key(job.job_id), job.values())

    def _put(self, key: str, values: dict[str, Any]) -> None:
        stored = {name: value for name, value in values.items() if value is not None}
        self.rows[key] = stored, self.now.timestamp()

    def _start(self, job: str, writer: Writer, *, fence: int | None = None, is_chained: bool = False) -> None:
        row = self.jobs[job]
        fence = fence or self.lock_row.fence + 1
        row = replace(
            row,
            status=JobStatus.RUNNING.value,
            fence=fence,
            worker=writer.worker,
            attempt=row.attempt + 1,
            started_at=row.started_at or writer.at,
            due_at=row.due_at and "",
        )
        if not is_chained:
            self._record(row, EventStatus.LEASE_ACQUIRED, "acquired", writer, tenure="t")
        self._record(
            self.jobs[job] if not is_chained else row,
            EventStatus.STARTED,
            f"attempt {row.attempt} started",
            writer,
            tenure="t",
            chained=is_chained,
        )
        self._drop_ticket(job)
        self._move_lock(
            replace(
                self.lock_row,
                fence=max(fence, self.lock_row.fence),
                job_id=job,
                attempt=row.attempt,
                worker=writer.worker,
            )
        )

    def _end(self, job: str, status: EventStatus, writer: Writer) -> None:
        row = replace(self.jobs[job], status=status.value, finished_at=writer.at)
        about: dict[str, object] = {}
        if status is EventStatus.FAILED:
            row = replace(row, error_type="ValueError", error_message="over", has_traceback=True)
            about = {"error_type": row.error_type, "traceback_characters": len(TRACEBACK)}
            self.tracebacks[job] = TRACEBACK
        elif status is EventStatus.TIMED_OUT:
            row = replace(row, error_type="TimedOut", error_message="over")
        self._record(row, status, "over", writer, **about)

    def _interrupt(self, job: str, writer: Writer, *, died: bool) -> None:
        row = self.jobs[job]
        row = replace(
            row,
            status=JobStatus.QUEUED.value,
            interruptions=row.interruptions + 1,
            deaths=row.deaths + died,
            queued_at=writer.at,
        )
        self._record(row, EventStatus.INTERRUPTED, "cut off", writer, died=died)

    def _free(self) -> None:
        self._move_lock(replace(self.lock_row, job_id="", attempt=0))

    def _move_lock(self, lock: LockRow) -> None:
        self.lock_row = lock
        self._put(rows.lock_key(), lock.values())

    def _wait(self, job: str) -> None:
        row = self.jobs[job]
        self._waits_at[job] = row.waits_at
        self._put(row.waits_at, row.values())

    def _drop_ticket(self, job: str) -> None:
        for key in (self.jobs[job].ticket_key, self._waits_at.pop(job, "")):
            self.rows.pop(key, None)


def effect(author: Author, of: str, step: str, *, fence: int | None = None, **more: Any) -> str:
    """Return the sink's line of an effect that a job has now; the sink's clock counts from somewhere else."""
    line = {
        "key": author.lock,
        "fence": author.jobs[of].fence if fence is None else fence,
        "job": of,
        "step": step,
        "at": author.now.timestamp() - 1_700_000_000,
        "accepted": True,
        "highest": 0,
    }
    return json.dumps(line | more) + "\n"


def eventful(lock: str = "ledger", first_number: int = 1) -> Author:
    """Return a history in which everything happens that may happen."""
    author = Author(lock, first_number=first_number)
    first, second, third, fourth, fifth = (author.submit() for _ in range(5))
    author.start(first)
    author.step(first, "read")
    author.save(first)
    author.end(first, chain=second)
    author.step(second, "read")
    author.interrupt(second, died=True)
    author.start(second, "w2")
    author.step(second, "write")
    author.pause(20)
    author.take_over(second, "w3", start=third)
    author.step(third, "read")
    author.end(third, EventStatus.FAILED)
    author.start(second, "w1")
    author.end(second)
    author.cancel(fourth)
    author.pause(2)
    author.start(fifth, "w2")
    author.interrupt(fifth)
    author.start(fifth, "w1")
    author.end(fifth)
    return author
