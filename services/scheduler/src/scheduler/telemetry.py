"""Telemetry of the scheduler: what it repaired, and how full the queues are. The one on duty shows it."""

import heapq
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from opentelemetry import propagate, trace
from opentelemetry.context import Context

from contracts.heartbeats import silent_after
from contracts.jobs import Worker
from contracts.telemetry import attributes as at
from contracts.telemetry import metrics, spans
from coordination.journal.rows import JobRow
from coordination.maintenance.due_jobs import Went
from coordination.maintenance.queue_snapshot import SHOWN, Look, QueueSnapshot
from coordination.maintenance.sweeper import Swept
from coordination.ports import Clock, UnknownOutcomeError
from service_defaults.measures import Reading, counter, gauge

_SCOPE = "turnstile"

#: Name for all locks, workers and kinds that are not shown by their own.
_OTHER = "(other)"

#: After an hour, a worker that is silent is gone.
_GONE_AFTER = timedelta(hours=1)

#: Snapshots that may fail before the last one is not shown any more.
_MISSED_SNAPSHOTS = 4

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Shown:
    """The latest snapshot, and the boot time until which it is worth showing."""

    snapshot: QueueSnapshot
    workers: Mapping[str, int]
    until: float


class SchedulerTelemetry:
    """The scheduler's spans, instruments and log lines."""

    def __init__(self, clock: Clock, snapshot_seconds: float) -> None:
        self._clock = clock
        self._good_for = _MISSED_SNAPSHOTS * snapshot_seconds
        self._tracer = trace.get_tracer(_SCOPE)
        self._sweeps = counter(metrics.SWEEPS)
        self._repairs = counter(metrics.SWEEP_REPAIRS)
        self._expirations = counter(metrics.JOB_EXPIRATIONS)
        self._retention = counter(metrics.RETENTION_STEPS)
        self._is_on_duty = False
        self._shown: _Shown | None = None
        for metric, read in (
            (metrics.JOBS, _jobs),
            (metrics.LINE_LENGTH, _line_lengths),
            (metrics.LINE_AGE, _line_ages),
            (metrics.LOCK_RUN_AGE, _run_ages),
            (metrics.WORKERS, _workers),
        ):
            gauge(metric, self._reading(read))
        gauge(metrics.ON_DUTY, lambda: [Reading(float(self._is_on_duty))])
        # What an alert watches must be there before it first happens.
        for repair in at.SWEEP_REPAIR.values:
            self._repairs.add(0, {at.SWEEP_REPAIR: repair})
        self._expirations.add(0)
        for step in at.RETENTION_STEP.values:
            self._retention.add(0, {at.RETENTION_STEP: step})

    def on_duty(self) -> None:
        """Show and log that this scheduler is on duty now."""
        self._is_on_duty = True
        logger.info("leadership acquired")

    def lost(self, reason: str) -> None:
        """Log that the duty was lost, and why."""
        logger.warning("leadership lost", extra={at.REASON: reason})

    def off_duty(self) -> None:
        """Show nothing more; the next scheduler on duty does."""
        self._is_on_duty, self._shown = False, None

    def swept(self, swept: Swept, seconds: float) -> None:
        """Count a pass of the sweeper; log it, and record a span, if it did anything."""
        self._sweeps.add(1)
        repairs = {"notified": swept.notified, "announced": swept.announced, "abandoned": swept.abandoned}
        for repair, count in repairs.items():
            self._repairs.add(count, {at.SWEEP_REPAIR: repair})
        about: dict[str, int] = {
            at.SWEEP_ACTIVE: swept.active,
            at.SWEEP_RUNG: swept.notified,
            at.SWEEP_ANNOUNCED: swept.announced,
            at.SWEEP_ABANDONED: swept.abandoned,
            at.SWEEP_EXPIRED: len(swept.expired),
        }
        self._expirations.add(len(swept.expired))
        for job in swept.expired:
            self._record_expired(job)
        if not any(repairs.values()) and not swept.expired:
            logger.debug("swept", extra=about)
            return
        logger.info("swept", extra=about)
        began = time.time_ns() - int(seconds * 1e9)
        self._tracer.start_span(spans.SWEEP, start_time=began, attributes=about).end()

    def _record_expired(self, job: JobRow) -> None:
        """Record in a job's own trace that it expired."""
        submission = propagate.extract({"traceparent": job.traceparent or ""}, Context())
        if trace.get_current_span(submission).get_span_context().is_valid:
            about: dict[str, str] = {
                at.JOB_ID: job.job_id,
                at.JOB_KIND: job.kind,
                at.LOCK_NAME: job.lock_name,
            }
            self._tracer.start_span(spans.EXPIRE_JOB, submission, attributes=about).end()

    def retained(self, went: Went) -> None:
        """Count and log what became of jobs whose time is over."""
        steps = {"archived": went.archived, "deleted": went.deleted, "forgotten": went.forgotten}
        for step, count in (steps | {"broken": len(went.broken)}).items():
            self._retention.add(count, {at.RETENTION_STEP: step})
        for job_id, reason in went.broken:
            logger.error("job cannot be removed", extra={at.JOB_ID: job_id, at.REASON: reason})
        about: dict[str, int] = {
            at.RETENTION_ARCHIVED: went.archived,
            at.RETENTION_DELETED: went.deleted,
            at.RETENTION_FORGOTTEN: went.forgotten,
            at.RETENTION_PUT_OFF: went.put_off,
        }
        if any(about.values()):
            logger.info("jobs left", extra=about)

    def rested(self) -> None:
        """Log that there was no need to sweep."""
        logger.debug("no sweep was needed")

    def failed(self, task: str, error: UnknownOutcomeError) -> None:
        """Log that the storage did not answer a periodic task."""
        logger.warning("%s failed", task, extra={at.ERROR_MESSAGE: str(error)})

    def snapshot_taken(self, snapshot: QueueSnapshot, workers: Sequence[Worker]) -> None:
        """Show a snapshot from now on, and export the waiting jobs, each in its own trace."""
        for look in snapshot.looks:
            self._export(look)
        self._shown = _Shown(snapshot, self._by_heartbeat(workers), self._clock.boot() + self._good_for)

    def _export(self, look: Look) -> None:
        submission = propagate.extract({"traceparent": look.job.traceparent or ""}, Context())
        if not trace.get_current_span(submission).get_span_context().is_valid:
            return
        about: dict[str, str | int | float] = {
            at.JOB_ID: look.job.job_id,
            at.JOB_KIND: look.job.kind,
            at.LOCK_NAME: look.job.lock_name,
            at.LINE_POSITION: look.position,
            at.LINE_LENGTH: look.length,
            at.LINE_SECONDS: round(look.seconds, 3),
        }
        if look.worker:
            about[at.WORKER_NAME] = look.worker
        self._tracer.start_span(spans.LOOK_AT_LINE, submission, attributes=about).end()

    def _by_heartbeat(self, workers: Sequence[Worker]) -> Mapping[str, int]:
        found = dict.fromkeys(at.WORKER_STATE.values, 0)
        for worker in workers:
            if worker.stopped_at is not None:
                continue
            silence = self._clock.now() - worker.seen_at
            if silence <= _GONE_AFTER:
                found["alive" if silence <= silent_after(worker) else "silent"] += 1
        return found

    def _reading(self, read: Callable[[_Shown], Iterable[Reading]]) -> Callable[[], Iterable[Reading]]:
        def now() -> Iterable[Reading]:
            shown = self._shown
            return read(shown) if shown is not None and self._clock.boot() < shown.until else ()

        return now


def _jobs(shown: _Shown) -> Iterable[Reading]:
    counts = {"queued": shown.snapshot.queued, "running": shown.snapshot.running}
    return [Reading(count, {at.JOB_STATUS: status}) for status, count in counts.items()]


def _workers(shown: _Shown) -> Iterable[Reading]:
    return [Reading(count, {at.WORKER_STATE: state}) for state, count in shown.workers.items()]


def _line_lengths(shown: _Shown) -> Iterable[Reading]:
    lines = shown.snapshot.lines
    yield from (Reading(line.length, {at.LOCK_NAME: line.lock_name}) for line in lines[:SHOWN])
    if lines[SHOWN:]:
        yield Reading(sum(line.length for line in lines[SHOWN:]), {at.LOCK_NAME: _OTHER})


def _line_ages(shown: _Shown) -> Iterable[Reading]:
    oldest = heapq.nlargest(SHOWN + 1, shown.snapshot.lines, key=lambda line: line.seconds)
    for place, line in enumerate(oldest):
        yield Reading(line.seconds, {at.LOCK_NAME: line.lock_name if place < SHOWN else _OTHER})


def _run_ages(shown: _Shown) -> Iterable[Reading]:
    for place, run in enumerate(shown.snapshot.runs[: SHOWN + 1]):
        names = (run.lock_name, run.worker, run.kind) if place < SHOWN else (_OTHER,) * 3
        yield Reading(run.seconds, dict(zip(map(str, metrics.LOCK_RUN_AGE.attributes), names, strict=True)))
