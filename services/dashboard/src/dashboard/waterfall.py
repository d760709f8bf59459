"""A job's timeline, made from its events alone: waiting, attempts, steps, times without a holder.

Each row says only what the audit trail says. A step is recorded when it ends, so the name of a step that was
cut off is not known; and when a worker was lost, its last recorded event is the last certain sign of life.
"""

import copy
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from contracts.jobs import Event
from contracts.statuses import EventStatus, RunPart
from dashboard.timeline import Ending, Row, RowKind, Timeline


def waterfall(
    events: Iterable[Event], now: datetime, *, step: str = "", lease_seconds: float | None = None
) -> Timeline:
    """Return the rows for a job's events, which are in order.

    `step` is the step that runs now, which is no event yet. `lease_seconds` is how long a lease lasts: a
    worker that was lost had no contact for at least that long before another took over.
    """
    reading = Reading(lease_seconds)
    for event in events:
        reading.read(event)
    return reading.timeline(now, step)


@dataclass
class _Attempt:
    """The attempt that is read now; its rows follow its own row."""

    row: Row
    #: Where the work after the last recorded step began.
    open_since: datetime
    last_sign: datetime
    rows: list[Row] = field(default_factory=list)
    has_steps: bool = False


class Reading:
    """Events that were read so far, of which a timeline can be made."""

    def __init__(self, lease_seconds: float | None) -> None:
        self._lease_seconds = lease_seconds
        self._rows: list[Row] = []
        self._attempt: _Attempt | None = None
        self._waiting_since: datetime | None = None
        self._was_interrupted = self._is_tried_again = False
        #: Fence of the attempt before, and where its row is among the rows.
        self._fence_before: int | None = None
        self._place_before: int | None = None
        self._kept = 0
        self._latest: datetime | None = None
        self._differ = 0.0

    def read(self, event: Event) -> None:
        """Take the next event."""
        moment = event.timestamp_utc
        if self._latest is not None and moment < self._latest:
            self._differ = max(self._differ, (self._latest - moment).total_seconds())
        self._latest = moment if self._latest is None else max(self._latest, moment)
        if event.status is EventStatus.SUBMITTED:
            self._waiting_since = moment
        elif event.status.starts_run:
            self._start(event, moment)
        elif event.status.ends_run:
            self._end(event, moment)
        elif event.status is EventStatus.CANCEL_REQUESTED:
            self._add(Row(RowKind.MOMENT, "cancel requested", moment, moment, note=f"by {event.actor}"))
        elif event.status.run_part is RunPart.WITHIN and self._attempt is not None:
            self._attempt.last_sign = max(self._attempt.last_sign, moment)
            if event.status is EventStatus.STEP:
                self._step(self._attempt, event, moment)

    def fork(self) -> "Reading":
        """Return the same reading, to be read on without this one."""
        other, attempt = copy.copy(self), self._attempt
        if attempt is not None:
            attempt = replace(attempt, rows=[*attempt.rows])
        vars(other).update(_rows=[*self._rows], _attempt=attempt)
        return other

    def timeline(self, now: datetime, step: str) -> Timeline:
        """Return the timeline up to now. Nothing can be read afterwards: fork before."""
        now = now if self._latest is None else max(now, self._latest)
        if self._attempt is not None:
            attempt = self._attempt
            if step:
                attempt.rows.append(_open_step(attempt, step, now, Ending.GOES_ON, "running"))
            self._close(attempt, now, Ending.GOES_ON, "running")
        elif self._waiting_since is not None:
            self._rows.append(_line(self._waiting_since, now, Ending.GOES_ON))
        return Timeline(tuple(self._rows), self._differ)

    def _start(self, event: Event, moment: datetime) -> None:
        if self._attempt is not None:
            # The end of the attempt before is missing from what was read.
            self._close(self._attempt, moment, Ending.CUT_OFF, "its end is not recorded")
        self._end_wait(moment, event)
        row = Row(
            RowKind.ATTEMPT, f"Attempt {event.attempt}", moment, moment, attempt=event.attempt,
            worker=event.worker or "", fence=event.fence,
        )  # fmt: skip
        self._attempt = _Attempt(row, moment, moment)
        if self._kept:
            label = "1 step" if self._kept == 1 else f"{self._kept:,} steps"
            self._add(Row(RowKind.KEPT, label, moment, moment, note="kept, not run again", count=self._kept))

    def _end_wait(self, moment: datetime, event: Event) -> None:
        since, self._waiting_since = self._waiting_since, None
        if since is None or (self._was_interrupted and moment <= since):
            return
        if self._is_tried_again:
            self._rows.append(replace(_line(since, moment), note="until its next attempt"))
            return
        if self._fence_before is None:
            handed_over = "until the job before handed the lock over" if event.data.get("chained") else ""
            self._rows.append(replace(_line(since, moment), note=handed_over))
        else:
            others = (event.fence or 0) - self._fence_before - 1
            if others > 0:
                note = f"behind {others:,} other run{'s' * (others > 1)}"
                self._rows.append(replace(_line(since, moment), note=note))
            else:
                self._rows.append(_no_holder(since, moment, f"until {event.worker} continued the job"))

    def _step(self, attempt: _Attempt, event: Event, moment: datetime) -> None:
        took = timedelta(seconds=max(0.0, float(event.data.get("seconds") or 0.0)))
        start = min(max(moment - took, attempt.row.start), moment)
        attempt.rows.append(
            Row(RowKind.STEP, event.message, start, moment, attempt=attempt.row.attempt, fence=event.fence)
        )
        attempt.has_steps = True
        attempt.open_since = max(attempt.open_since, moment)
        self._kept += 1

    def _end(self, event: Event, moment: datetime) -> None:
        ending, note = _ENDINGS[event.status], event.message
        if event.status is EventStatus.COMPLETED:
            note = ""
        attempt = self._attempt
        if attempt is not None:
            self._end_attempt(attempt, event, moment, ending, note)
        elif self._place_before is not None and self._waiting_since == moment:
            # The transaction that recorded the interruption has ended the job, too.
            before = self._rows[self._place_before]
            self._rows[self._place_before] = replace(before, note=f"{before.note}; {note}")
        elif self._waiting_since is not None:
            self._rows.append(replace(_line(self._waiting_since, moment, ending), note=note))
        self._is_tried_again = event.status is EventStatus.ATTEMPT_FAILED
        self._was_interrupted = event.status is EventStatus.INTERRUPTED or self._is_tried_again
        self._waiting_since = moment if self._was_interrupted else None

    def _end_attempt(
        self, attempt: _Attempt, event: Event, moment: datetime, ending: Ending, note: str
    ) -> None:
        is_lost = event.status is EventStatus.INTERRUPTED and _is_lost(attempt.row.worker, event)
        end = self._last_contact(attempt, moment) if is_lost else moment
        if ending is not Ending.DONE and attempt.has_steps and end > attempt.open_since:
            attempt.rows.append(_open_step(attempt, "not recorded", end, ending, note))
        self._close(attempt, end, ending, note)
        if is_lost and moment > end:
            self._rows.append(_no_holder(end, moment, f"until {event.worker} took over"))

    def _last_contact(self, attempt: _Attempt, taken_over: datetime) -> datetime:
        if self._lease_seconds is None:
            return min(attempt.last_sign, taken_over)
        # The lease had run out, so its last renewal was at least that time ago.
        at_latest = taken_over - timedelta(seconds=self._lease_seconds)
        return min(max(attempt.last_sign, at_latest), taken_over)

    def _close(self, attempt: _Attempt, end: datetime, ending: Ending, note: str) -> None:
        self._place_before = len(self._rows)
        self._fence_before = attempt.row.fence
        end = max(end, attempt.row.start)
        self._rows += [replace(attempt.row, end=end, ending=ending, note=note), *attempt.rows]
        self._attempt = None

    def _add(self, row: Row) -> None:
        if self._attempt is None:
            self._rows.append(row)
        else:
            self._attempt.rows.append(replace(row, attempt=self._attempt.row.attempt))


_ENDINGS = {
    EventStatus.COMPLETED: Ending.DONE,
    EventStatus.INTERRUPTED: Ending.CUT_OFF,
    EventStatus.FAILED: Ending.FAILED,
    EventStatus.ATTEMPT_FAILED: Ending.FAILED,
    EventStatus.TIMED_OUT: Ending.FAILED,
    EventStatus.CANCELLED: Ending.CANCELLED,
    EventStatus.EXPIRED: Ending.EXPIRED,
}


def _is_lost(worker: str, event: Event) -> bool:
    """Return whether a take-over recorded the interruption; the same worker may, once started again."""
    return event.worker != worker or event.message == f"worker {worker} was lost"


def _line(since: datetime, until: datetime, ending: Ending = Ending.DONE) -> Row:
    return Row(RowKind.LINE, "In line", since, max(since, until), ending)


def _no_holder(since: datetime, until: datetime, note: str) -> Row:
    return Row(RowKind.NO_HOLDER, "No holder", since, until, note=note)


def _open_step(attempt: _Attempt, label: str, end: datetime, ending: Ending, note: str) -> Row:
    start = attempt.open_since
    return Row(
        RowKind.OPEN_STEP, label, start, max(start, end), ending, note,
        attempt=attempt.row.attempt, fence=attempt.row.fence,
    )  # fmt: skip
