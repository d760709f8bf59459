"""A job's history: follows its events one by one, and notes what cannot have happened.

It pairs starts and ends of runs by itself, not by `contracts.runs`, whose faults it would otherwise share.
"""

import hashlib
from collections.abc import Callable
from functools import lru_cache
from typing import assert_never

from contracts import lock_names
from contracts.statuses import EventStatus, JobStatus
from contracts.traceparent import trace_id_of
from coordination.journal.events import chain_hash
from coordination.journal.rows import EventRow, event_key
from verification.attempts import Attempts
from verification.authorship_rules import apart_from_start, end_without_run, foreign_write, out_of_time
from verification.due_times import wrong_due_time
from verification.events import (
    UnreadableRowError,
    kind_and_priority,
    read_event,
    slot_in,
    storable,
    text_of,
)
from verification.evidence import Stored
from verification.findings import Invariant, Violation
from verification.retries import retry_in
from verification.scope import Scope
from verification.scratch_database import JobFacts, Run
from verification.steps import number_of
from verification.told_rows import ToldRow

#: How a job has ended that may be finalized.
FINALIZABLE = frozenset({JobStatus.FAILED, JobStatus.CANCELLED, JobStatus.TIMED_OUT, JobStatus.EXPIRED})

#: No job has so many events: a higher number is not counted with.
_HIGHEST_SEQ = 10**9

#: Most findings reported of one job and invariant; those after the first few seldom add anything.
_MOST = 3

Remember = Callable[[str, str, int, int, str], bool]


class JobHistory:
    """Takes a job's events in the order of their keys.

    `remember` is called with each recorded step (job id, name, fence, attempt, time), and returns whether it
    is new.
    """

    def __init__(self, partition: str, job_id: str, remember: Remember) -> None:
        self.partition = partition
        self.job_id = job_id
        self.runs: list[Run] = []
        self.violations: list[Violation] = []
        self.lock = ""
        #: The job that took this one's place, by its cancellation.
        self.replaced_by = ""
        self._remember = remember
        self._seq = 0
        self._hash = ""
        self._last_seq = 0
        self._is_intact = True
        self._digest = hashlib.sha256()
        self._run: Run | None = None
        self._acquired: EventRow | None = None
        self._ended_in = self._worker = ""
        self._asked_for: tuple[str | None, int | None] = None, None
        self._retry = ""
        self._told = ToldRow()
        self._tries = Attempts()
        self._is_cancel_requested = False
        self._ended = ""
        self._is_finalized = self._is_pinned = False
        self._ended_at = ""
        self._submitted_at = self._expires_at = ""
        self._queued_at = ""
        #: The highest fence of its runs in each slot.
        self._fences: dict[int, int] = {}
        self._attempts = self._fence = self._interruptions = self._deaths = self._steps = self._count = 0

    def feed(self, stored: Stored) -> None:
        """Take the next event."""
        try:
            event = read_event(stored.values)
            status = EventStatus(event.status)
        except (UnreadableRowError, ValueError) as error:
            self._report(Invariant.EVENTS, f"the row {stored.key} is not an event: {error}")
            self._digest.update(b"unreadable")
            self._is_intact = False
            return
        self._count += 1
        self._follow(stored.key, event)
        if self._may_follow_end(event, status):
            self._is_finalized |= status is EventStatus.FINALIZED
            self._is_pinned = status is EventStatus.PINNED or (
                self._is_pinned and status is not EventStatus.UNPINNED
            )
            self._told.follow(event, status)
            return
        if self._ended or status.follows_end:
            self._report(
                Invariant.ONE_END,
                f"event {event.seq}, {status}, follows "
                + (f"the terminal record {self._ended}" if self._ended else "no end that it could be for"),
                event.fence,
            )
            return
        if not self._submitted_at:
            self._submitted_at = self._queued_at = event.timestamp
            self._asked_for, self._retry = kind_and_priority(event.data), retry_in(event.data)
            self._expires_at = text_of(event.data, "expires_at") if '"expires_at"' in event.data else ""
            if status is not EventStatus.SUBMITTED:
                self._report(Invariant.ONE_END, f"it was never submitted: its first event is {status}")
            elif wrong := wrong_due_time(event):
                self._report(Invariant.ONE_END, wrong)
        elif status is EventStatus.SUBMITTED:
            self._report(Invariant.ONE_END, f"it was submitted again by event {event.seq}")
        self._told.follow(event, status)
        self._act(event, status, stored.committed)

    def _may_follow_end(self, event: EventRow, status: EventStatus) -> bool:
        """Return whether a caller finalizes a job that did not complete, once; or pins or unpins one."""
        if not self._ended or event.worker is not None:
            return False
        match status:
            case EventStatus.FINALIZED:
                return self._ended in FINALIZABLE and not self._is_finalized
            case EventStatus.PINNED | EventStatus.UNPINNED:
                return self._is_pinned is (status is EventStatus.UNPINNED)
            case _:
                return False

    def close(self) -> None:
        """See that nothing is left open: a run that got the lock has begun."""
        if self._acquired is not None:
            self._intrude(self._acquired, "it got the lock, and no run began in the same transaction")

    def facts(self, scope: Scope) -> JobFacts:
        """Return what the events add up to."""
        ended = self._ended_at
        status = self._ended or (JobStatus.RUNNING if self._run is not None else JobStatus.QUEUED).value
        return JobFacts(
            self.partition,
            self.job_id,
            self.lock,
            *self._asked_for,
            status,
            self._count,
            self._hash,
            self._fence,
            self._attempts,
            self._interruptions,
            self._deaths,
            self._steps,
            self._worker,
            self._is_cancel_requested,
            self._submitted_at,
            ended,
            self._digest.digest(),
            scope.holds(self._submitted_at, ended),
            last_seq=self._last_seq,
            is_chain_intact=self._is_intact,
            # A job whose events are out of order is reported for that.
            told="{}" if self.violations else self._told.text(),
            traceback=self._told.traceback,
            retry=self._retry,
        )

    # --- the chain --------------------------------------------------------------

    def _follow(self, key: str, event: EventRow) -> None:
        computed = chain_hash(event)
        trouble = self._trouble(key, event, computed)
        if trouble:
            self._is_intact = False
            self._report(Invariant.EVENTS, trouble, event.fence)
        if not self.lock:
            self.lock = event.lock_name
        self._seq, self._hash = event.seq, event.hash
        self._last_seq = max(self._last_seq, countable(event.seq))
        update_digest(self._digest, event, trace_id_of(event.traceparent), computed)

    def _trouble(self, key: str, event: EventRow, computed: str) -> str:
        if event.seq != self._seq + 1:
            return f"event {event.seq} follows event {self._seq}"
        if event.job_id != self.job_id or key != event_key(self.job_id, event.seq):
            return f"event {event.seq} of job {event.job_id} stands in the row {key}"
        if event.previous_hash != self._hash:
            return f"event {event.seq} does not carry the hash of the event before it"
        if computed != event.hash:
            return f"the hash of event {event.seq} does not match its content"
        if lock_partition(event.lock_name) != self.partition:
            return f"event {event.seq} names lock {event.lock_name!r}, which is another partition's"
        return ""

    # --- what happened ----------------------------------------------------------

    def _act(self, event: EventRow, status: EventStatus, committed: float | None) -> None:
        self._intrude(event, apart_from_start(event, status, self._acquired))
        self._check_waiting(event, status)
        self._acquired = event if status is EventStatus.LEASE_ACQUIRED else None
        match status:
            case EventStatus.SUBMITTED:
                return
            case EventStatus.FINALIZED | EventStatus.PINNED | EventStatus.UNPINNED:
                return
            case EventStatus.CANCEL_REQUESTED:
                self._is_cancel_requested = True
            case EventStatus.LEASE_ACQUIRED:
                if self._run is not None:
                    self._intrude(event, "an attempt began while another run of the job went on")
            case EventStatus.STARTED:
                self._start(event, committed)
            case EventStatus.STEP | EventStatus.STATE_SAVED:
                self._check_run(event, status)
                self._wrote(event, committed)
                if status is EventStatus.STEP:
                    self._step(event)
            case (
                EventStatus.INTERRUPTED
                | EventStatus.ATTEMPT_FAILED
                | EventStatus.COMPLETED
                | EventStatus.FAILED
                | EventStatus.CANCELLED
                | EventStatus.TIMED_OUT
                | EventStatus.EXPIRED
            ):
                self._end(event, status, committed)
            case _:
                assert_never(status)

    def _start(self, event: EventRow, committed: float | None) -> None:
        fence = event.fence or 0
        if self._run is not None:
            self._intrude(event, f"it was started while its run with fence {self._run.fence} was open")
        slot = slot_in(event.data)
        highest = self._fences.get(slot, 0)
        if fence <= highest:
            self._intrude(event, f"its fence {fence} is not higher than {highest}")
        self._fences[slot] = fence
        if event.attempt != self._attempts + 1:
            self._report(
                Invariant.EVENTS, f"attempt {event.attempt} follows attempt {self._attempts}", event.fence
            )
        self._attempts, self._fence, self._worker = event.attempt, fence, event.worker or ""
        self._run = Run(
            self.partition,
            event.lock_name,
            fence,
            self.job_id,
            event.attempt,
            self._worker,
            self._queued_at,
            event.timestamp,
            event.op_id,
            committed,
            committed,
            event.timestamp,
            wrote_at=event.timestamp,
            tenure=text_of(event.data, "tenure"),
            slot=slot,
        )
        self.runs.append(self._run)

    def _check_waiting(self, event: EventRow, status: EventStatus) -> None:
        """See that the job waited no longer than it may, and that what took its place came at that moment."""
        if status in {EventStatus.STARTED, EventStatus.EXPIRED}:
            what = out_of_time(event, status, self._expires_at, self._attempts)
            if what:
                self._report(Invariant.ONE_END, f"event {event.seq}: {what}", event.fence)
        if status is EventStatus.STARTED:
            what = self._tries.start(event)
            if what:
                self._report(Invariant.ONE_END, f"event {event.seq}: {what}", event.fence)
        if '"replaced_by"' not in event.data:
            return
        self.replaced_by = text_of(event.data, "replaced_by")
        if not event.op_id.startswith(f"{self.replaced_by}:"):
            by = self.replaced_by
            what = f"event {event.seq} names job {by}, which was submitted in another transaction"
            self._report(Invariant.EVENTS, what, event.fence)

    def _step(self, event: EventRow) -> None:
        self._steps += 1
        if number_of(event.data) not in {None, self._steps}:
            self._report(
                Invariant.STEPS_ONCE,
                f"step {event.message!r} is not recorded as number {self._steps}, which is the next one",
                event.fence,
            )
        if not self._remember(self.job_id, event.message, event.fence or 0, event.attempt, event.timestamp):
            self._report(Invariant.STEPS_ONCE, f"step {event.message!r} was recorded again", event.fence)

    def _end(self, event: EventRow, status: EventStatus, committed: float | None) -> None:
        run = self._run
        if run is not None:
            self._check_run(event, status)
            self._wrote(event, None)
            run.ended_at, run.ended_in, run.outcome = event.timestamp, event.op_id, status.value
            run.ended_by, run.ended_commit = event.worker or "", committed
            self._run, self._ended_in = None, event.op_id
        else:
            self._intrude(event, end_without_run(event, status, self._ended_in))
            self._is_cancel_requested |= status is EventStatus.CANCELLED
        if status is EventStatus.INTERRUPTED:
            has_died = '"died":true' in event.data
            self._interruptions += 1
            self._deaths += has_died
            self._queued_at = event.timestamp
            if run is not None:
                run.died = has_died
        elif status is EventStatus.ATTEMPT_FAILED:
            for what in self._tries.fail(event, is_cancelled=self._is_cancel_requested):
                self._report(Invariant.ONE_END, f"event {event.seq}: {what}", event.fence)
            self._queued_at = self._tries.queued_at
        else:
            self._ended, self._ended_at = status.value, event.timestamp

    def _wrote(self, event: EventRow, committed: float | None) -> None:
        run = self._run
        if run is None:
            return
        if event.worker == run.worker:
            run.last_at = event.timestamp
        if not EventStatus(event.status).ends_run:
            run.wrote_at = event.timestamp
        if committed is not None and run.last_commit is not None and run.began_commit is not None:
            run.began_commit = min(run.began_commit, committed)
            run.last_commit = max(run.last_commit, committed)

    def _check_run(self, event: EventRow, status: EventStatus) -> None:
        """See that an event is the run's in progress, and written by who may."""
        run = self._run
        self._intrude(event, foreign_write(event, status, run))
        if run is not None and event.worker is not None and slot_in(event.data) != run.slot:
            self._intrude(event, f"{status} is of slot {slot_in(event.data)}, the run is of slot {run.slot}")
        if run is not None and event.attempt != run.attempt:
            what = f"{status} has attempt {event.attempt}, its run has attempt {run.attempt}"
            self._report(Invariant.EVENTS, what, event.fence)

    def _intrude(self, event: EventRow, what: str) -> None:
        if what:
            self._report(Invariant.EXCLUSION, f"event {event.seq}: {what}", event.fence)

    def _report(self, invariant: Invariant, message: str, fence: int | None = None) -> None:
        reported = sum(violation.invariant is invariant for violation in self.violations)
        if reported < _MOST:
            self.violations.append(Violation(invariant, message, self.lock or None, self.job_id, fence))


def update_digest(digest: "hashlib._Hash", event: EventRow, trace_id: str | None, computed: str) -> None:
    """Take an event into what stands for all of a job's events; `computed` is the hash it should have."""
    digest.update(
        f"{computed} {event.hash} {event.previous_hash} {trace_id}\n".encode(errors="surrogatepass")
    )


def countable(seq: object) -> int:
    """Return the number of an event as it counts; 0 for what is none."""
    return seq if isinstance(seq, int) and 0 < seq <= _HIGHEST_SEQ else 0


@lru_cache(maxsize=1024)
def lock_partition(name: str) -> str:
    """Return a lock's partition, as `contracts` does, remembering the last ones."""
    return lock_names.partition(storable(name))
