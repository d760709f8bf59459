"""The lives of jobs: what their events add up to, how they may continue, and what their rows must say.

They see every transaction in order. Topics: `counts` (interruptions, deaths, losses, and the ends that follow
from them), `cancel` (a cancellation that was accepted is heeded), `row` (a job's row says what its events add
up to).
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Literal

from tests.simulation.judges.writes import Finding, Tell, Write

from contracts.statuses import EventStatus, JobStatus
from coordination.journal.rows import EventRow, JobRow
from coordination.ports import Value

#: How often a job's process may die under it, and its holder be lost with no step recorded in between, until
#: the job fails. As promised, whatever the product's own constants say.
MOST_DEATHS = 3
MOST_LOSSES = 10

KILLED, LOST = "RunnerCrashLimit", "WorkerLossLimit"


class Life:
    """One job, as its events have it."""

    def __init__(self, job_id: str) -> None:
        self.job_id = job_id
        self.status = ""
        self.seq = 0
        self.hash = ""
        self.fence = self.attempt = self.slot = 0
        self.worker = ""
        self.interruptions = self.deaths = self.losses = 0
        #: Names of the steps recorded, in order.
        self.steps: list[str] = []
        self.is_cancel_requested = False
        self.actor = ""
        self.cancel_actor = self.cancel_reason = ""
        self.error_type = ""
        #: Failed attempts that were to be followed by another, what the latest raised, when the next is due.
        self.retries = 0
        self.failure_type = self.due_at = ""
        self.submitted_at = self.queued_at = self.started_at = self.finished_at = ""
        #: The transaction of the last interruption, and the end that it must contain; empty for none.
        self._interrupted_in = ""
        self._due: tuple[str, str] | None = None
        self._queued_before, self._slot_before = "", 0

    @property
    def is_over(self) -> bool:
        """Whether it has its terminal record."""
        return bool(self.status) and JobStatus(self.status).is_terminal

    def feed(self, event: EventRow, *, is_loss: bool) -> Iterator[Finding]:
        """Take in the next event; `is_loss`: a new holder wrote the interruption."""
        status = EventStatus(event.status)
        if self._due is not None:
            yield from self._settle(event, status)
        match status:
            case EventStatus.SUBMITTED:
                self.status = JobStatus.QUEUED.value
                self.submitted_at = self.queued_at = event.timestamp
                self.actor = event.actor
            case EventStatus.CANCEL_REQUESTED:
                yield from self._request_cancellation(event)
            case EventStatus.STARTED:
                yield from self._start(event)
            case EventStatus.STEP:
                self.steps.append(event.message)
                self.losses = 0
            case EventStatus.INTERRUPTED:
                yield from self._interrupt(event, is_loss=is_loss)
            case EventStatus.ATTEMPT_FAILED:
                yield from self._fail_attempt(event)
            case (
                EventStatus.COMPLETED
                | EventStatus.FAILED
                | EventStatus.CANCELLED
                | EventStatus.TIMED_OUT
                | EventStatus.EXPIRED
            ):
                yield from self._end(event, status)
            case _:
                _leave_out(status)
        self.seq, self.hash = event.seq, event.hash

    def close(self) -> Iterator[Finding]:
        """See that nothing that was due is missing."""
        if self._due is not None:
            yield self._missing()

    def _start(self, event: EventRow) -> Iterator[Finding]:
        if self.is_cancel_requested:
            yield "cancel", f"{self.job_id} was started again after its cancellation was requested"
        if event.attempt != self.attempt + 1:
            yield "counts", f"attempt {event.attempt} of {self.job_id} follows {self.attempt}"
        if event.timestamp < self.due_at:
            yield "due", f"{self.job_id} was started at {event.timestamp}, and was due at {self.due_at}"
        self.due_at = ""
        self.status = JobStatus.RUNNING.value
        self.fence, self.attempt = event.fence or 0, event.attempt
        self.slot = int(json.loads(event.data).get("slot", 0))
        self.worker = event.worker or ""
        self.started_at = self.started_at or event.timestamp

    def _fail_attempt(self, event: EventRow) -> Iterator[Finding]:
        data = json.loads(event.data)
        if self.is_cancel_requested:
            yield "cancel", f"{self.job_id} is to be tried again, and its cancellation was requested"
        self.retries += 1
        self.failure_type = data["error_type"]
        if data["retries"] != self.retries or self.retries >= data["attempts"]:
            yield "counts", f"{self.job_id} is to be tried again after {self.retries} failures: {data}"
        self.queued_at = data["next_attempt_at"]
        waits = datetime.fromisoformat(self.queued_at) - datetime.fromisoformat(event.timestamp)
        if abs(waits.total_seconds() - data["delay"]) > 0.001:
            yield "due", f"{self.job_id} is due after {waits}, and says {data['delay']}"
        self.due_at = self.queued_at if data["delay"] else ""
        self.slot = 0
        self.status = JobStatus.QUEUED.value

    def _interrupt(self, event: EventRow, *, is_loss: bool) -> Iterator[Finding]:
        has_died = json.loads(event.data).get("died") is True
        if is_loss != (event.message == f"worker {self.worker} was lost"):
            yield "counts", f"{self.job_id} was interrupted, says its event: {event.message}"
        if is_loss and has_died:
            yield "counts", f"the loss of a holder counts as a death of {self.job_id}"
        self.interruptions += 1
        self.deaths += has_died
        self.losses += is_loss
        self._interrupted_in = event.op_id
        self._queued_before, self.queued_at = self.queued_at, event.timestamp
        self._slot_before, self.slot = self.slot, 0
        self.status = JobStatus.QUEUED.value
        if self.is_cancel_requested:
            self._due = EventStatus.CANCELLED.value, ""
        elif self.deaths >= MOST_DEATHS:
            self._due = EventStatus.FAILED.value, KILLED
        elif self.losses >= MOST_LOSSES:
            self._due = EventStatus.FAILED.value, LOST

    def _settle(self, event: EventRow, status: EventStatus) -> Iterator[Finding]:
        """See that what follows an interruption, in its transaction, is the end that was due."""
        assert self._due is not None
        expected, error_type = self._due
        found = json.loads(event.data).get("error_type", "")
        if event.op_id != self._interrupted_in or status != expected or found != error_type:
            yield self._missing()
        self._due = None

    def _missing(self) -> Finding:
        assert self._due is not None
        status, error_type = self._due
        counted = f"{self.deaths} deaths, {self.losses} losses"
        if status == EventStatus.CANCELLED:
            return "cancel", f"{self.job_id} was interrupted, was to be cancelled, and goes on"
        return "counts", f"{self.job_id} should have failed as {error_type} after {counted}"

    def _end(self, event: EventRow, status: EventStatus) -> Iterator[Finding]:
        follows_interruption = event.op_id == self._interrupted_in
        self.error_type = str(json.loads(event.data).get("error_type", ""))
        match status:
            case EventStatus.COMPLETED:
                late = ", the cancellation came too late" if self.is_cancel_requested else ""
                if event.message != f"completed{late}":
                    yield "cancel", f"{self.job_id} says {event.message!r} at its end"
            case EventStatus.CANCELLED:
                yield from self._cancelled(event)
            case EventStatus.FAILED:
                yield from self._failed(event)
            case EventStatus.EXPIRED:
                if self.attempt or event.worker is not None:
                    yield "counts", f"{self.job_id} expired, and had started"
            case _:
                self.error_type = "TimedOut"
        if follows_interruption:
            self.queued_at, self.slot = self._queued_before, self._slot_before
        self.status, self.finished_at = status.value, event.timestamp

    def _cancelled(self, event: EventRow) -> Iterator[Finding]:
        if event.worker is None:
            if self.status != JobStatus.QUEUED or self._interrupted_in == event.op_id:
                yield "cancel", f"{event.actor} ended {self.job_id}, which does not wait"
            self._note_cancellation(event)
            expected = f"cancelled by {event.actor} while waiting"
        else:
            if not self.is_cancel_requested:
                yield "cancel", f"{self.job_id} ended as cancelled, and no request is recorded"
            expected = f"cancelled, asked by {self.cancel_actor}"
        reason = json.loads(event.data).get("reason", "")
        if reason != self.cancel_reason:
            yield "cancel", f"{self.job_id} was cancelled for {reason!r}, not {self.cancel_reason!r}"
        expected += f": {self.cancel_reason}" if self.cancel_reason else ""
        if event.message != expected:
            yield "cancel", f"{self.job_id} says {event.message!r}, not {expected!r}"

    def _request_cancellation(self, event: EventRow) -> Iterator[Finding]:
        if self.status != JobStatus.RUNNING:
            yield "cancel", f"a cancellation was requested of {self.job_id}, which is {self.status}"
        if self.is_cancel_requested:
            yield "cancel", f"a cancellation was requested of {self.job_id} for a second time"
        self._note_cancellation(event)

    def _note_cancellation(self, event: EventRow) -> None:
        self.is_cancel_requested, self.cancel_actor = True, event.actor
        self.cancel_reason = str(json.loads(event.data).get("reason", ""))

    def _failed(self, event: EventRow) -> Iterator[Finding]:
        counted = {
            KILLED: (self.deaths, f"its runner process died {self.deaths} times, last: "),
            LOST: (self.losses, f"its worker was lost {self.losses} times, last: "),
        }
        if self.error_type not in counted:
            if event.op_id == self._interrupted_in:
                yield "counts", f"{self.job_id} failed with its interruption: {event.message}"
            return
        number, message = counted[self.error_type]
        limit = MOST_DEATHS if self.error_type == KILLED else MOST_LOSSES
        if number != limit or event.op_id != self._interrupted_in:
            yield "counts", f"{self.job_id} failed as {self.error_type} after {number}"
        if not event.message.startswith(message):
            yield "counts", f"{self.job_id} failed after {number}, and says {event.message!r}"

    # --- its row ------------------------------------------------------------

    def differences(self, row: JobRow) -> Iterator[Finding]:
        """Say where a row is not what the events add up to."""
        if self._is_as_expected(row):
            return
        counts: Mapping[str, Value] = {
            "interruptions": self.interruptions,
            "deaths": self.deaths,
            "losses": self.losses,
        }
        facts: Mapping[str, Value] = {
            "seq": self.seq,
            "event_hash": self.hash,
            "status": self.status,
            "fence": self.fence,
            "slot": self.slot,
            "worker": self.worker,
            "attempt": self.attempt,
            "steps": len(self.steps),
            "cancel_requested": self.is_cancel_requested,
            "actor": self.actor,
            "cancel_actor": self.cancel_actor,
            "cancel_reason": self.cancel_reason,
            "error_type": self.error_type,
            "submitted_at": self.submitted_at,
            "queued_at": self.queued_at,
            "started_at": self.started_at,
            "finished_at": self.finished_at,
        }
        attempts = row.retries or 0, row.failure_type or ""
        if attempts != (self.retries, self.failure_type):
            events = self.retries, self.failure_type
            yield "counts", f"{self.job_id} says {attempts} of failed attempts, {events} by its events"
        if not row.is_terminal and (row.due_at or "") != self.due_at:
            yield (
                "due",
                f"{self.job_id} is due at {row.due_at!r} by its row, at {self.due_at!r} by its events",
            )
        for topic, expected in (("counts", counts), ("row", facts)):
            for name, value in expected.items():
                found = getattr(row, name)
                if found != value:
                    yield topic, f"{name} of {self.job_id} is {found!r} in its row, {value!r} by its events"
        if row.status != JobStatus.RUNNING and row.step:
            yield "progress", f"{self.job_id} is {row.status}, and still in step {row.step!r}"

    def _is_as_expected(self, row: JobRow) -> bool:
        """Return whether nothing differs, as is nearly always so."""
        return (
            (row.seq, row.event_hash, row.status) == (self.seq, self.hash, self.status)
            and (row.fence, row.worker, row.attempt) == (self.fence, self.worker, self.attempt)
            and (row.interruptions, row.deaths) == (self.interruptions, self.deaths)
            and (row.losses, row.steps) == (self.losses, len(self.steps))
            and (row.cancel_requested, row.cancel_actor) == (self.is_cancel_requested, self.cancel_actor)
            and (row.actor, row.cancel_reason) == (self.actor, self.cancel_reason)
            and (row.slot, row.error_type, row.submitted_at)
            == (self.slot, self.error_type, self.submitted_at)
            and (row.queued_at, row.started_at) == (self.queued_at, self.started_at)
            and row.finished_at == self.finished_at
            and (row.retries or 0, row.failure_type or "") == (self.retries, self.failure_type)
            and (row.is_terminal or (row.due_at or "") == self.due_at)
            and (row.status == JobStatus.RUNNING or not row.step)
        )


class Lives:
    """The lives of all jobs."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self.jobs: dict[str, Life] = {}
        #: Jobs that ended at a limit, by their error's type.
        self.limits: Counter[str] = Counter()
        #: What each job was after each transaction: number of its last event, status, attempt, interruptions.
        self.states: dict[str, list[tuple[int, str, int, int]]] = {}
        #: Jobs that were cancelled while they waited for their next attempt.
        self.cancelled_before_due = 0

    def see(self, write: Write) -> None:
        """Take in a transaction."""
        for event in write.events:
            life = self.jobs.setdefault(event.job_id, Life(event.job_id))
            was_cancelled = event.status == EventStatus.CANCELLED and event.timestamp < life.due_at
            self.cancelled_before_due += was_cancelled
            self._report(life.feed(event, is_loss=write.takes_over))
            if life.error_type in {KILLED, LOST}:
                self.limits[life.error_type] += 1
        for job_id in {event.job_id for event in write.events}:
            life = self.jobs[job_id]
            self._report(life.close())
            state = life.seq, life.status, life.attempt, life.interruptions
            self.states.setdefault(job_id, []).append(state)
        for job_id, row in write.jobs.items():
            if row.status != JobRow.TOMBSTONE:
                self.check_row(job_id, row)
        for key, ticket in write.tickets.items():
            if ticket != write.jobs.get(ticket.job_id) or key != ticket.waits_at:
                self._tell("row", f"the ticket {key} is not a copy of its job's row")

    def check_row(self, job_id: str, row: JobRow) -> None:
        """Compare a job's row with its events."""
        self._report(self.jobs.get(job_id, Life(job_id)).differences(row))

    def _report(self, findings: Iterator[Finding]) -> None:
        for topic, what in findings:
            self._tell(topic, what)


def _leave_out(
    status: Literal[
        EventStatus.LEASE_ACQUIRED,
        EventStatus.STATE_SAVED,
        EventStatus.FINALIZED,
        EventStatus.PINNED,
        EventStatus.UNPINNED,
    ],
) -> None:
    """Do nothing: this changes nothing in a life. The types tell of an event that is forgotten above."""
