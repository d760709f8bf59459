"""A job's trace, made from its events alone: the same spans, by the same names, as the services send."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, assert_never

from contracts.statuses import EventStatus
from contracts.telemetry import attributes as at
from contracts.telemetry import spans

#: Span and outcome of each end.
_ENDS = {
    EventStatus.COMPLETED: (spans.COMPLETE_JOB, "completed"),
    EventStatus.FAILED: (spans.FAIL_JOB, "failed"),
    EventStatus.CANCELLED: (spans.CANCEL_JOB, "cancelled"),
    EventStatus.TIMED_OUT: (spans.TIME_OUT_JOB, "timed_out"),
    EventStatus.EXPIRED: (spans.EXPIRE_JOB, "expired"),
    EventStatus.INTERRUPTED: (spans.INTERRUPT_JOB, "interrupted"),
    EventStatus.ATTEMPT_FAILED: (spans.FAIL_ATTEMPT, "retried"),
}


@dataclass
class Stretch:
    """A span as far as the trail knows it; a moment has no length."""

    name: str
    #: None where only the end would show it.
    start: datetime | None
    #: None while it goes on.
    end: datetime | None
    #: Name of the span it belongs to.
    parent: str | None = None
    #: 0 outside of attempts.
    attempt: int = 0
    outcome: str = ""
    #: Why, or by whom.
    reason: str = ""

    @property
    def seconds(self) -> float:
        """How long it took; 0 while it goes on."""
        return (self.end - self.start).total_seconds() if self.start and self.end else 0.0


@dataclass
class Attempt:
    """Who tried, and why the attempt before was cut off."""

    number: int
    worker: str
    fence: int | None
    #: Reason of the interruption that this attempt goes on after.
    after: str = ""


@dataclass
class Waterfall:
    """All spans of a job, in the order in which they began to matter."""

    stretches: list[Stretch] = field(default_factory=list)
    attempts: dict[int, Attempt] = field(default_factory=dict)


def waterfall(events: Iterable[Mapping[str, Any]], step: str | None = None) -> Waterfall:
    """Read a job's events, in order, as spans; `step` is the one that runs now, which is no event yet."""
    reading = _Reading()
    for event in events:
        reading.read(event)
    return reading.finished(step)


class _Reading:
    def __init__(self) -> None:
        self._made = Waterfall()
        self._waiting: Stretch | None = None
        self._run: Stretch | None = None
        self._lease: Mapping[str, Any] | None = None
        self._submission: str = spans.SUBMIT_JOB
        self._parent: str = self._submission
        self._attempt = 0
        self._interruption = ""

    def read(self, event: Mapping[str, Any]) -> None:
        status, moment = EventStatus(event["status"]), _moment(event)
        match status:
            case EventStatus.SUBMITTED:
                if kind := event["data"].get("kind"):
                    self._submission = spans.SUBMIT_KIND.replace(f"{{{at.JOB_KIND}}}", kind)
                self._add(Stretch(self._submission, moment, moment, reason=event["message"]))
                self._wait(moment)
            case EventStatus.LEASE_ACQUIRED:
                # It belongs to the attempt that the next event begins.
                self._lease = event
            case EventStatus.STARTED:
                self._start(event, moment)
            case EventStatus.STEP:
                name = spans.STEP.replace(f"{{{at.JOB_STEP}}}", event["message"])
                began = moment - timedelta(seconds=event["data"].get("seconds", 0.0))
                self._add(Stretch(name, began, moment, self._parent, self._attempt))
            case EventStatus.STATE_SAVED:
                self._add(Stretch(spans.SAVE_STATE, moment, moment, self._parent, self._attempt))
            case EventStatus.CANCEL_REQUESTED:
                asked = Stretch(spans.REQUEST_CANCELLATION, moment, moment, self._submission, self._attempt)
                asked.reason = event["message"]
                self._add(asked)
            case EventStatus.FINALIZED | EventStatus.PINNED | EventStatus.UNPINNED:
                return  # it comes after the job's trace
            case (
                EventStatus.INTERRUPTED
                | EventStatus.ATTEMPT_FAILED
                | EventStatus.COMPLETED
                | EventStatus.FAILED
                | EventStatus.CANCELLED
                | EventStatus.TIMED_OUT
                | EventStatus.EXPIRED
            ):
                self._end(status, event, moment)
            case _:
                assert_never(status)

    def finished(self, step: str | None) -> Waterfall:
        if self._waiting is not None:
            self._add(self._waiting)
        elif self._run is not None and step:
            name = spans.STEP.replace(f"{{{at.JOB_STEP}}}", step)
            self._add(Stretch(name, None, None, self._parent, self._attempt))
        return self._made

    def _start(self, event: Mapping[str, Any], moment: datetime) -> None:
        self._end_wait(moment)
        self._attempt = event["attempt"]
        self._made.attempts[self._attempt] = Attempt(
            self._attempt, event["worker"] or "", event["fence"], self._interruption
        )
        if self._lease is not None:
            acquired = _moment(self._lease)
            self._add(Stretch(spans.ACQUIRE_LEASE, acquired, acquired, self._submission, self._attempt))
            self._lease = None
        is_chained = event["data"].get("chained", False)
        start = spans.START_NEXT_JOB if is_chained else spans.TAKE_OVER_LOCK
        self._add(Stretch(start, moment, moment, self._submission, self._attempt))
        self._parent = spans.RUN_JOB
        self._run = Stretch(spans.RUN_JOB, moment, None, self._submission, self._attempt, "running")
        self._add(self._run)

    def _end(self, status: EventStatus, event: Mapping[str, Any], moment: datetime) -> None:
        name, outcome = _ENDS[status]
        if self._run is not None:
            self._run.end, self._run.outcome = moment, outcome
            self._run = None
        elif self._waiting is not None and self._waiting.start != moment:
            # Otherwise the transaction that recorded the interruption has ended the job, too.
            self._end_wait(moment)
            self._attempt = 0
            if status is EventStatus.CANCELLED:
                # No worker ran it: the caller that asked has also cancelled it.
                self._parent = self._submission
                self._add(_ended(spans.REQUEST_CANCELLATION, moment, self._parent, 0, outcome, event))
                return
            if status is EventStatus.EXPIRED:
                self._parent = self._submission
        self._waiting = None
        self._add(_ended(name, moment, self._parent, self._attempt, outcome, event))
        if status in {EventStatus.INTERRUPTED, EventStatus.ATTEMPT_FAILED}:
            self._interruption = event["message"]
            self._wait(moment)

    def _wait(self, moment: datetime) -> None:
        self._waiting = Stretch(spans.WAIT_IN_LINE, moment, None, self._submission, outcome="waiting")

    def _end_wait(self, moment: datetime) -> None:
        if self._waiting is not None and self._waiting.start != moment:
            self._waiting.end = moment
            self._add(self._waiting)
        self._waiting = None

    def _add(self, stretch: Stretch) -> None:
        self._made.stretches.append(stretch)


def _ended(
    name: str, moment: datetime, parent: str, attempt: int, outcome: str, event: Mapping[str, Any]
) -> Stretch:
    return Stretch(name, moment, moment, parent, attempt, outcome, event["message"])


def _moment(event: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(event["timestamp_utc"])
