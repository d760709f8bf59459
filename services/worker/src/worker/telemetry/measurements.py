"""Metrics of a worker."""

import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Protocol

from opentelemetry.context import Context

from contracts.telemetry import attributes as at
from contracts.telemetry import metrics
from coordination.journal.rows import JobRow
from coordination.observations import Fenced, HandOverCause, RunStarted, StepRecorded
from service_defaults.measures import Reading, counter, histogram
from worker.telemetry.anchors import NO_TRACE, anchor, child_of
from worker.telemetry.open_runs import OpenRun

#: More different steps of a kind than this are data rather than names, and are measured together.
_MOST_STEPS = 50
_OTHER_STEPS = "(other)"


class Measurements:
    """The worker's instruments."""

    def __init__(self) -> None:
        self._in_line = histogram(metrics.JOB_LINE_DURATION)
        self._runs = histogram(metrics.JOB_RUN_DURATION)
        self._steps = histogram(metrics.JOB_STEP_DURATION)
        self._calls = histogram(metrics.JOB_STORAGE_CALLS)
        self._hand_overs = histogram(metrics.HAND_OVER_DURATION)
        self._take_overs = histogram(metrics.TAKE_OVER_DURATION)
        self._margins = histogram(metrics.LEASE_MARGIN)
        self._renewals_failed = counter(metrics.RENEWALS_FAILED)
        self._writes_refused = counter(metrics.WRITES_REFUSED)
        self._unknown_kinds = counter(metrics.JOBS_UNKNOWN_KIND)
        self._subscriber = counter(metrics.WAKE_UPS_HANDLED)
        self._restarts = counter(metrics.RUNNER_RESTARTS)
        self._known_steps: dict[str, set[str]] = {}
        # What an alert watches must be there before it first happens.
        for failure in at.LEASE_FAILURE.values:
            self._renewals_failed.add(0, {at.LEASE_FAILURE: failure})
        for refusal in at.WRITE_REFUSAL.values:
            self._writes_refused.add(0, {at.WRITE_REFUSAL: refusal})
        for end in at.RUNNER_END.values:
            self._restarts.add(0, {at.RUNNER_END: end})
        self._unknown_kinds.add(0)

    def started(self, seen: RunStarted) -> None:
        """Measure how long the job waited, and how long a take-over took."""
        job, now = seen.job, datetime.now(UTC)
        queued = _moment(job.queued_at)
        if queued is not None:
            self._in_line.record(_seconds(queued, now), {at.JOB_KIND: job.kind}, _within(job))
        hand_over = seen.hand_over
        freed = _moment(hand_over.since) if hand_over else None
        if hand_over is None or freed is None:
            return  # the first run of the lock, or after a lost worker, whose end only its heartbeat shows
        if hand_over.cause in at.TAKE_OVER_CAUSE.values:
            self.taken_over(job, hand_over.cause, _seconds(freed, now))

    def handed_over(self, job: JobRow, cause: HandOverCause, seconds: float) -> None:
        """Measure a hand-over, by the run that it led to."""
        # Begun by another host's clock, perhaps.
        self._hand_overs.record(max(0.0, seconds), {at.HAND_OVER_CAUSE: cause.value}, _within(job))

    def taken_over(self, job: JobRow, cause: HandOverCause, seconds: float) -> None:
        """Measure a take-over, by the run that was started or had been cut off."""
        self._take_overs.record(seconds, {at.TAKE_OVER_CAUSE: cause.value}, _within(job))

    def ended(self, job: JobRow, outcome: str, seconds: float) -> None:
        """Measure a run that is over."""
        labels: dict[str, str] = {at.JOB_KIND: job.kind}
        labels[at.JOB_OUTCOME] = outcome
        self._runs.record(max(0.0, seconds), labels, _within(job))

    def called(self, job: JobRow, calls: int) -> None:
        """Measure what a run took of the storage."""
        self._calls.record(calls, {at.JOB_KIND: job.kind}, _within(job))

    def step(self, seen: StepRecorded) -> None:
        """Measure a step."""
        kind, name = seen.job.kind, seen.name.partition("#")[0]
        known = self._known_steps.setdefault(kind, set())
        if name not in known and len(known) >= _MOST_STEPS:
            name = _OTHER_STEPS
        known.add(name)
        self._steps.record(seen.seconds, {at.JOB_KIND: kind, at.JOB_STEP: name}, _within(seen.job))

    def renewed(self, job: JobRow | None, margin: float) -> None:
        """Measure the margin of a renewal, during the run of a job or between two."""
        self._margins.record(margin, context=_within(job))

    def not_renewed(self, *, definitive: bool) -> None:
        """Count a renewal that failed."""
        self._renewals_failed.add(1, {at.LEASE_FAILURE: "definitive" if definitive else "transient"})

    def refused(self, seen: Fenced) -> None:
        """Count a write that was not made."""
        self._writes_refused.add(1, {at.WRITE_REFUSAL: seen.refusal.value})

    def unknown_kind(self) -> None:
        """Count a next job that is not for this worker."""
        self._unknown_kinds.add(1)

    def answered(self, answer: str) -> None:
        """Count a wake-up."""
        self._subscriber.add(1, {at.WAKE_UP_OUTCOME: answer})

    def runner_replaced(self, end: str) -> None:
        """Count a runner that was replaced."""
        self._restarts.add(1, {at.RUNNER_END: end})


class Runners(Protocol):
    """A pool of runners."""

    @property
    def alive(self) -> int:
        """How many there are."""

    @property
    def idle(self) -> int:
        """How many of them are free."""


def states(runners: Runners) -> list[Reading]:
    """Read how many runners are busy, and how many idle."""
    idle = runners.idle
    counts = {"busy": max(0, runners.alive - idle), "idle": idle}
    return [Reading(count, {at.RUNNER_STATE: state}) for state, count in counts.items()]


def silences(runs: Iterable[OpenRun]) -> list[Reading]:
    """Read, by kind, how long the most silent run has shown no sign of getting on."""
    longest: dict[str, float] = {}
    now = time.monotonic()
    for run in runs:
        longest[run.job.kind] = max(longest.get(run.job.kind, 0.0), now - run.sign)
    return [Reading(seconds, {at.JOB_KIND: kind}) for kind, seconds in longest.items()]


def _within(job: JobRow | None) -> Context:
    """Return the context of the job's attempt, so that an exemplar leads to its trace and to no other."""
    mine = anchor(job) if job is not None else None
    return NO_TRACE if mine is None else child_of(mine)


def _moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _seconds(since: datetime, until: datetime) -> float:
    # Written by another host's clock, perhaps.
    return max(0.0, (until - since).total_seconds())
