"""Following a job's events one by one: whether each fits the one before, and which lock runs they make up."""

import json
from dataclasses import replace
from datetime import datetime
from typing import cast

from contracts.runs import Run, Runs
from contracts.statuses import EventStatus, RunPart
from coordination.journal.events import chain_hash, slot_of
from coordination.journal.rows import EventRow
from read_models.documents import LockRun, Watermark

#: Fence and slot of a run.
_Place = tuple[int, int]


class Chain:
    """A job's events from a watermark on, appended in order."""

    def __init__(self, mark: Watermark) -> None:
        self.seq = mark.seq
        self.hash = mark.hash
        #: What a holder wrote for a run that was over, or that was not this job's.
        self.foreign_events: list[EventRow] = []
        #: The transaction that ended the last run; it may also fail the job.
        self._ended_in = ""
        self._runs: Runs[EventRow] = Runs(mark.running_fence)
        #: When the job last began to wait, and time of the last event of the run in progress.
        self._waits_since = mark.queued_at
        self._wrote_at = mark.last_event_at
        #: By fence and slot, the same as of the run's start, and of the event before its end.
        self._queued_at: dict[_Place, datetime | None] = {}
        self._last_event_at: dict[_Place, datetime | None] = {}

    @property
    def running_fence(self) -> int:
        """Fence of the run in progress; 0 when none is."""
        return self._runs.running_fence

    @property
    def last_start(self) -> tuple[int, datetime | None]:
        """Fence and time of the last run that was seen to begin in slot 0; 0 and None without any."""
        for run in reversed(self._runs.found):
            if run.start is not None and slot_of(run.start) == 0:
                return run.fence, datetime.fromisoformat(run.start.timestamp)
        return 0, None

    @property
    def mark(self) -> Watermark:
        """The watermark behind the last event that was appended."""
        return Watermark(
            self.seq,
            self.hash,
            self.running_fence,
            queued_at=self._waits_since,
            last_event_at=self._wrote_at,
        )

    def append(self, event: EventRow) -> bool:
        """Append one event, and return whether it follows from the one before, by number and by hash."""
        fits = event.seq == self.seq + 1 and event.previous_hash == self.hash
        fits = fits and chain_hash(event) == event.hash
        self.seq, self.hash = event.seq, event.hash
        status = EventStatus(event.status)
        if self._intrudes(event, status):
            self.foreign_events.append(event)
        if self.running_fence and status.ends_run:
            self._ended_in = event.op_id
        self._follow_times(event, status)
        self._runs.follow(event, status, event.fence)
        return fits

    def lock_runs(self) -> list[LockRun]:
        """Return what the events so far say of lock runs, the last of each fence and slot."""
        found = (self._timed(_lock_run(run)) for run in self._runs.found)
        return list({(run.fence, run.slot): run for run in found}.values())

    def _follow_times(self, event: EventRow, status: EventStatus) -> None:
        moment = datetime.fromisoformat(event.timestamp)
        if status.starts_run:
            self._queued_at[event.fence or 0, slot_of(event)] = self._waits_since
        if status.ends_run and self.running_fence:
            self._last_event_at[self.running_fence, slot_of(event)] = self._wrote_at
            self._wrote_at = None
        elif status.starts_run or (status.run_part is RunPart.WITHIN and event.fence == self.running_fence):
            self._wrote_at = moment
        if status in {EventStatus.SUBMITTED, EventStatus.INTERRUPTED}:
            self._waits_since = moment
        elif status is EventStatus.ATTEMPT_FAILED:
            due_at = json.loads(event.data).get("next_attempt_at")
            self._waits_since = moment if due_at is None else datetime.fromisoformat(due_at)

    def _timed(self, run: LockRun) -> LockRun:
        place = run.fence, run.slot or 0
        queued_at, last_event_at = self._queued_at.get(place), self._last_event_at.get(place)
        return replace(run, queued_at=queued_at, last_event_at=last_event_at)

    def _intrudes(self, event: EventRow, status: EventStatus) -> bool:
        if status.starts_run:
            return bool(self.running_fence)
        # Callers that are not workers write the rest at any time.
        if event.worker is None or status.run_part not in {RunPart.WITHIN, RunPart.END}:
            return False
        return event.fence != self.running_fence and event.op_id != self._ended_in


def _lock_run(run: Run[EventRow]) -> LockRun:
    known = cast("EventRow", run.start or run.end)
    lock_run = LockRun(known.lock_name, run.fence, known.job_id, known.attempt, slot=slot_of(known) or None)
    if run.start is not None:
        lock_run = replace(
            lock_run,
            worker=run.start.worker,
            tenure=json.loads(run.start.data).get("tenure"),
            began_at=datetime.fromisoformat(run.start.timestamp),
            begun_in=run.start.op_id,
        )
    if run.end is not None:
        lock_run = replace(
            lock_run,
            ended_at=datetime.fromisoformat(run.end.timestamp),
            ended_in=run.end.op_id,
            outcome=run.end.status,
            ended_by=run.end.worker,
        )
        if run.end.status == EventStatus.INTERRUPTED:
            lock_run = replace(lock_run, runner_died=bool(json.loads(run.end.data).get("died")))
    return lock_run
