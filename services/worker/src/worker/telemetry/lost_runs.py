"""What became of runs whose worker was lost: exported from the journal by the worker that took over."""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime

from contracts.jobs import Worker
from contracts.statuses import EventStatus
from contracts.telemetry import attributes as at
from contracts.telemetry import spans
from coordination.journal import rows
from coordination.journal.rows import EventRow, JobRow
from coordination.observations import HandOverCause, RunCutOff
from coordination.ports import CoordinationError, Journal
from coordination.slot import Slot
from coordination.worker_directory import WorkerDirectory
from worker.telemetry.endings import interruption
from worker.telemetry.measurements import Measurements
from worker.telemetry.open_runs import Moment
from worker.telemetry.tracing import LostTimes, Tracing


class LostRuns:
    """Exports lost runs, in the background.

    The lost worker has not sent the run's span, and perhaps not those of its last steps either. So what the
    run had recorded is on the span as moments.
    """

    def __init__(
        self, journal: Journal, directory: WorkerDirectory, tracing: Tracing, measurements: Measurements
    ) -> None:
        self._journal = journal
        self._directory = directory
        self._tracing = tracing
        self._measurements = measurements
        self._reporting: set[asyncio.Task[None]] = set()

    def report(self, seen: RunCutOff) -> None:
        """Export a run that was found cut off."""
        task = asyncio.create_task(self._report(seen, datetime.now(UTC)))
        self._reporting.add(task)
        task.add_done_callback(self._reporting.discard)

    async def _report(self, seen: RunCutOff, found: datetime) -> None:
        ending = interruption(f"worker {seen.lost_worker} was lost")
        try:
            events = await self._events(seen.job)
            workers = await self._directory.workers()
            heard = _last_heard(workers, seen.lost_worker, events)
        except CoordinationError:
            # The storage is unavailable; the end of the run is exported all the same.
            events, heard = [], None
        moments = [_recorded(event) for event in events if event.status == EventStatus.STEP]
        about: dict[str, str | int | float] = {at.REASON: ending.reason, at.JOB_ATTEMPT: seen.job.attempt}
        about[at.TAKE_OVER_CAUSE] = HandOverCause.WORKER_LOST.value
        moments.append(Moment(spans.RUN_INTERRUPTED, about, _nanoseconds(found)))
        self._tracing.cut_off(seen.job, seen.lost_worker, ending, _times(events, found), moments)
        if events:
            seconds = (found - _moment(events[0])).total_seconds()
            self._measurements.ended(seen.job, ending.outcome, seconds)
        if heard is not None:
            waited = max(0.0, (found - heard).total_seconds())
            self._measurements.taken_over(seen.job, HandOverCause.WORKER_LOST, waited)

    async def _events(self, job: JobRow) -> list[EventRow]:
        """Read what the attempt wrote, its end by the take-over left out."""
        stored = await self._journal.read_range(Slot(job.lock_name).partition, rows.event_prefix(job.job_id))
        events = [EventRow.from_row(row) for row in stored]
        return [
            event
            for event in events
            if event.attempt == job.attempt and not EventStatus(event.status).ends_run
        ]


def _last_heard(workers: Sequence[Worker], name: str, events: Sequence[EventRow]) -> datetime | None:
    """Return when a lost worker was last heard; None when only a later process of its name is known."""
    for worker in workers:
        is_later = bool(worker.started_at and events and worker.started_at > _moment(events[0]))
        if worker.worker == name and not is_later:
            return worker.seen_at
    return None


def _times(events: Sequence[EventRow], found: datetime) -> LostTimes:
    """Return a lost run's times, none of them after the moment when it was found: clocks differ."""
    until = _nanoseconds(found)
    written = [min(_nanoseconds(_moment(event)), until) for event in events] or [until]
    return LostTimes(min(written), max(written), until)


def _recorded(event: EventRow) -> Moment:
    about: dict[str, str | int | float] = {at.JOB_STEP: event.message, at.JOB_ATTEMPT: event.attempt}
    seconds = json.loads(event.data).get("seconds")
    if seconds is not None:
        about[at.JOB_STEP_SECONDS] = seconds
    return Moment(spans.STEP_RECORDED, about, _nanoseconds(_moment(event)))


def _moment(event: EventRow) -> datetime:
    return datetime.fromisoformat(event.timestamp)


def _nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1e9)
