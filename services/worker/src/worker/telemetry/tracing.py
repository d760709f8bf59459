"""Spans of runs, each made when what it describes is over."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from opentelemetry import trace
from opentelemetry.trace import Link, SpanContext, Status, StatusCode

from contracts.telemetry import attributes as at
from contracts.telemetry import spans
from contracts.telemetry.names import SpanName
from coordination.journal.rows import JobRow
from coordination.observations import RunEnded, RunStarted
from coordination.outcomes import Interrupted
from service_defaults.span_ids import next_span_id
from service_defaults.storage_telemetry import TimedCall, counted, storage_span
from worker.telemetry.anchors import anchor, child_of, submission
from worker.telemetry.endings import Ending, ending_of
from worker.telemetry.open_runs import Moment, OpenRun, Phase

_SCOPE = "turnstile"

Moments = Sequence[Moment]


@dataclass(frozen=True)
class LostTimes:
    """What is known of a lost run's times, in nanoseconds since the epoch."""

    began: int
    #: When it last wrote something.
    last: int
    found: int


@dataclass(frozen=True)
class Acquisition:
    """A lease got, for a job that is not known yet."""

    phase: Phase
    #: The message that led here.
    notifier: SpanContext


class Tracing:
    """Makes the spans. A job without a trace, or with one that is not recorded, has none."""

    def __init__(self, worker: str) -> None:
        self._worker = worker
        self._tracer = trace.get_tracer(_SCOPE)

    def started(
        self, seen: RunStarted, phase: Phase, acquired: Acquisition | None, ended: SpanContext | None
    ) -> SpanContext | None:
        """Export the wait, the lease and the start, and return the span of the attempt, which begins now.

        `ended` is the span of the run before, if the same transaction ended that.
        """
        job, root, mine = seen.job, submission(seen.job), anchor(seen.job)
        if root is None or mine is None or not mine.trace_flags.sampled:
            return mine
        self._waited(job, root, phase.ended)
        parent, links = root, []
        if acquired is not None:
            if acquired.notifier.trace_flags.sampled:  # else the message has no span to show
                if acquired.notifier.trace_id == root.trace_id:
                    parent = acquired.notifier
                else:
                    links.append(Link(acquired.notifier))
            about = {**_job(job), at.WORKER_NAME: self._worker}
            self._export(spans.ACQUIRE_LEASE, parent, acquired.phase, about, links=links)
        links += [Link(span) for span in (*_predecessors(seen), ended) if span is not None]
        name = spans.TAKE_OVER_LOCK if seen.after is None else spans.START_NEXT_JOB
        about = {**self._run(job), at.JOB_INTERRUPTIONS: job.interruptions, **_hand_over(seen)}
        self._export(name, parent, phase, about, links=links)
        return mine

    def _waited(self, job: JobRow, root: SpanContext, until: int) -> None:
        if job.queued_at:
            since = _nanoseconds(job.queued_at)
            if since < until:
                about = {**_job(job), at.JOB_ATTEMPT: job.attempt}
                self._export(spans.WAIT_IN_LINE, root, Phase(since, until), about)

    def so_far(self, run: OpenRun, until: int, *, failed: bool = False) -> None:
        """Export the part of the run since the last export."""
        about = {**self._run(run.job), at.JOB_STEPS: run.job.steps}
        value, limit = run.progress
        extras: dict[str, Any] = {
            at.JOB_STEP: run.step or None,
            at.JOB_PROGRESS: value,
            at.JOB_PROGRESS_LIMIT: limit,
        }
        about |= {name: extra for name, extra in extras.items() if extra is not None}
        moments, run.moments = run.moments, []
        status = Status(StatusCode.ERROR, "stopped for good") if failed else None
        if run.anchor is not None:
            phase = Phase(run.exported_until, until)
            self._export(spans.RUN_SO_FAR, run.anchor, phase, about, moments=moments, status=status)
        run.exported_until, run.exported_step = until, run.step

    def state_saved(self, run: OpenRun, phase: Phase, characters: int) -> None:
        """Export that state was saved."""
        if run.anchor is not None:
            about = {**self._run(run.job), at.JOB_STATE_SIZE: characters}
            self._export(spans.SAVE_STATE, run.anchor, phase, about)

    def calls(self, parent: SpanContext, calls: Iterable[TimedCall]) -> None:
        """Export remarkable storage calls as children of a span."""
        for call in calls:
            if call.is_remarkable:
                storage_span(call, child_of(parent))

    def ended(self, run: OpenRun, seen: RunEnded, phase: Phase) -> SpanContext | None:
        """Export how the run ended and the run itself, and return the latter."""
        ending = ending_of(seen.outcome, seen.job)
        moments = list(run.moments)
        if isinstance(seen.outcome, Interrupted):
            about: dict[str, Any] = {at.REASON: ending.reason, at.JOB_ATTEMPT: run.job.attempt}
            moments.append(Moment(spans.RUN_INTERRUPTED, about))
        if run.anchor is not None:
            self._ended(run.anchor, seen.job, ending, phase)
            self._attempt(seen.job, ending, Phase(run.began, phase.ended), self._worker, moments)
        return run.anchor

    def cut_off(self, job: JobRow, worker: str, ending: Ending, times: LostTimes, moments: Moments) -> None:
        """Export a run that was cut off with its worker: all of it, and from when on nothing was heard."""
        lost = anchor(job)
        if lost is not None:
            self._ended(lost, job, ending, Phase(times.last, times.found))
            self._attempt(job, ending, Phase(times.began, times.found), worker, moments)

    def _ended(self, parent: SpanContext, job: JobRow, ending: Ending, phase: Phase) -> None:
        about = self._run(job) | _outcome(job, ending)
        self._export(ending.span, parent, phase, about, status=_status(ending))

    def _attempt(self, job: JobRow, ending: Ending, phase: Phase, worker: str, moments: Moments) -> None:
        root, mine = submission(job), anchor(job)
        if root is None or mine is None:
            return
        before = anchor(job, job.attempt - 1) if job.attempt > 1 else None
        about = self._run(job) | {at.WORKER_NAME: worker} | _outcome(job, ending)
        links = [] if before is None else [Link(before)]
        with next_span_id(mine.span_id):
            self._export(
                spans.RUN_JOB, root, phase, about, links=links, moments=moments, status=_status(ending)
            )

    def released(self, job: JobRow, last: SpanContext | None, phase: Phase) -> None:
        """Export that the lease was released after the job's run."""
        if last is not None:
            self._export(spans.RELEASE_LEASE, last, phase, {**_job(job), at.WORKER_NAME: self._worker})

    def _run(self, job: JobRow) -> dict[str, Any]:
        about = _job(job)
        about |= {at.JOB_ATTEMPT: job.attempt, at.LOCK_FENCE: job.fence, at.WORKER_NAME: self._worker}
        return about

    def _export(
        self,
        name: SpanName,
        parent: SpanContext,
        phase: Phase,
        about: Mapping[str, Any],
        *,
        links: Sequence[Link] = (),
        moments: Moments = (),
        status: Status | None = None,
    ) -> None:
        if not parent.trace_flags.sampled:
            return
        span = self._tracer.start_span(
            name,
            child_of(parent),
            start_time=phase.began,
            attributes={**about, **counted(phase.calls)},
            links=links,
        )
        for moment in moments:
            span.add_event(moment.name, {**moment.attributes}, moment.at)
        if status is not None:
            span.set_status(status)
        span.end(phase.ended)
        self.calls(span.get_span_context(), phase.calls)


def _job(job: JobRow) -> dict[str, Any]:
    return {at.JOB_ID: job.job_id, at.JOB_KIND: job.kind, at.LOCK_NAME: job.lock_name}


def _outcome(job: JobRow, ending: Ending) -> dict[str, Any]:
    about: dict[str, Any] = {at.JOB_OUTCOME: ending.outcome, at.JOB_STEPS: job.steps}
    if ending.reason:
        about[at.REASON] = ending.reason
    if ending.error_type:
        about[at.ERROR_TYPE] = ending.error_type
    return about


def _status(ending: Ending) -> Status | None:
    return Status(StatusCode.ERROR, ending.reason) if ending.error_type else None


def _predecessors(seen: RunStarted) -> Iterable[SpanContext | None]:
    """Return the attempt before, and the run before under this lock."""
    if seen.job.attempt > 1:
        yield anchor(seen.job, seen.job.attempt - 1)
    if seen.interrupted is not None and seen.interrupted.job_id != seen.job.job_id:
        yield anchor(seen.interrupted)


def _hand_over(seen: RunStarted) -> dict[str, Any]:
    if seen.hand_over is None:
        return {}
    cause = seen.hand_over.cause.value
    name = at.HAND_OVER_CAUSE if cause in at.HAND_OVER_CAUSE.values else at.TAKE_OVER_CAUSE
    return {name: cause}


def _nanoseconds(moment: str) -> int:
    return int(datetime.fromisoformat(moment).timestamp() * 1e9)
