"""Following a job's events one by one: whether each fits the one before, and which lock runs they make up."""

import json
from dataclasses import replace
from datetime import datetime

from contracts.statuses import EventStatus, RunPart
from coordination.journal.events import chain_hash
from coordination.journal.rows import EventRow
from read_models.documents import LockRun, Watermark


class Chain:
    """A job's events from a watermark on, appended in order."""

    def __init__(self, mark: Watermark) -> None:
        self.seq = mark.seq
        self.hash = mark.hash
        #: Fence of the run in progress; 0 when none is.
        self.running_fence = mark.running_fence
        #: What a holder wrote for a run that was over, or that was not this job's.
        self.foreign_events: list[EventRow] = []
        #: The transaction that ended the last run; it may also fail the job.
        self._ended_in = ""
        self._lock_runs: dict[int, LockRun] = {}

    def append(self, event: EventRow) -> bool:
        """Append one event, and return whether it follows from the one before, by number and by hash."""
        fits = event.seq == self.seq + 1 and event.previous_hash == self.hash
        fits = fits and chain_hash(event) == event.hash
        self.seq, self.hash = event.seq, event.hash
        self._follow(event)
        return fits

    def lock_runs(self) -> list[LockRun]:
        """Return the lock runs of the events so far."""
        return list(self._lock_runs.values())

    def _follow(self, event: EventRow) -> None:
        status = EventStatus(event.status)
        if self._intrudes(event, status):
            self.foreign_events.append(event)
        moment = datetime.fromisoformat(event.timestamp)
        if status.starts_run and event.fence is not None:
            self.running_fence = event.fence
            self._lock_runs[event.fence] = LockRun(
                lock=event.lock_name,
                fence=event.fence,
                job_id=event.job_id,
                attempt=event.attempt,
                worker=event.worker,
                tenure=json.loads(event.data).get("tenure"),
                began_at=moment,
                begun_in=event.op_id,
            )
        elif self.running_fence and status.ends_run:
            # Only the event that ended the run: one that failed after an interruption was over before.
            fence = self.running_fence
            begun = self._lock_runs.get(fence, LockRun(event.lock_name, fence, event.job_id, event.attempt))
            self._lock_runs[fence] = replace(
                begun, ended_at=moment, ended_in=event.op_id, outcome=status.value
            )
            self.running_fence, self._ended_in = 0, event.op_id

    def _intrudes(self, event: EventRow, status: EventStatus) -> bool:
        if status.starts_run:
            return bool(self.running_fence)
        # Callers that are not workers write the rest at any time.
        if event.worker is None or status.run_part not in {RunPart.WITHIN, RunPart.END}:
            return False
        return event.fence != self.running_fence and event.op_id != self._ended_in
