"""The observer: turns each thing the protocol observes into a log line, measurements and spans."""

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import Literal, assert_never

from opentelemetry import trace
from opentelemetry.trace import SpanContext

from contracts.telemetry import attributes as at
from contracts.telemetry import metrics, spans
from contracts.telemetry.names import SpanEvent
from coordination import observations as seen
from coordination.call_tracing import Took
from coordination.holder.runs import Run
from coordination.journal.rows import JobRow
from coordination.ports import Journal
from coordination.worker_directory import WorkerDirectory
from service_defaults.measures import Reading, gauge
from service_defaults.storage_telemetry import counted
from worker.execution.messages import SpanData
from worker.execution.run_telemetry import RunTelemetry
from worker.telemetry import log_lines
from worker.telemetry.endings import ending_of
from worker.telemetry.hand_overs import awaited_handler, is_plausible
from worker.telemetry.lost_runs import LostRuns
from worker.telemetry.measurements import Measurements, Runners, silences, states
from worker.telemetry.open_runs import SHORTEST_PAUSE, Moment, OpenRun, Phase
from worker.telemetry.runner_spans import RunnerSpans
from worker.telemetry.tracing import Acquisition, Tracing

logger = logging.getLogger("turnstile.worker")

_Written = seen.StepRecorded | seen.StateSaved | seen.ProgressWritten
_OfARun = (
    seen.RunStarted
    | _Written
    | seen.RunEnded
    | seen.RenewalFailed
    | seen.LeaseEnded
    | seen.Fenced
    | seen.LeaseReleased
)


@dataclass
class _Holding:
    """A lock that this worker holds."""

    #: How the lease was got, until the span of the first start has it.
    acquired: Acquisition | None = None
    run: OpenRun | None = None
    #: The last run's job and span.
    last: tuple[JobRow, SpanContext | None] | None = None
    #: The span of the run before, until the next start has linked to it.
    ended: SpanContext | None = None
    #: Storage calls since the last run began, and before the first.
    calls: int = 0
    #: When the handler of the run before returned, seconds since the epoch, until the next start.
    returned: float | None = None


class Telemetry(RunTelemetry):
    """Observes a worker: what the protocol does, and what runners report of runs."""

    def __init__(self, worker: str, journal: Journal, directory: WorkerDirectory) -> None:
        self.measurements = Measurements()
        self._tracing = Tracing(worker)
        self._spans = RunnerSpans(worker)
        self._lost = LostRuns(journal, directory, self._tracing, self.measurements)
        self._holdings: dict[str, _Holding] = {}

    def show_gauges(self, runners: Runners) -> None:
        """Show what is held and what runs, whenever metrics are collected, perhaps in another thread."""
        gauge(metrics.LOCKS_HELD, lambda: [Reading(len(self._holdings))])
        gauge(metrics.JOB_SILENCE, lambda: silences(self._open_runs()))
        gauge(metrics.RUNNERS, lambda: states(runners))

    def _open_runs(self) -> list[OpenRun]:
        return [holding.run for holding in list(self._holdings.values()) if holding.run is not None]

    # --- what runners report -------------------------------------------------

    def run_traceparent(self, run: Run) -> str | None:
        """Return the W3C trace context that the handler is to run in: the attempt's span."""
        return self._spans.run_traceparent(run)

    def reported(self, run: Run, value: float | None, limit: float | None, step: str) -> None:
        """Learn how far the handler is."""
        known = self._run(run.job.lock_name)
        if known is not None:
            known.sign, known.step, known.progress = time.monotonic(), step, (value, limit)

    def step_over(self, run: Run, step: str, span: SpanData, error: BaseException | None = None) -> None:
        """Export a step's span, with the storage calls of its recording."""
        known = self._run(run.job.lock_name)
        recording = known.recording if known is not None else None
        calls = recording.calls if recording is not None else ()
        span_context = self._spans.step_over(run, step, span, error, counted(calls))
        if span_context is not None and known is not None:
            self._tracing.calls(span_context, calls)
            known.recording = None

    def span_over(self, run: Run, span: SpanData) -> None:
        """Export a span that the handler made itself."""
        self._spans.span_over(run, span)

    def handler_over(self, run: Run, began: float, ended: float) -> None:
        """Measure the hand-over that led to the run, and note when the next one begins."""
        holding = self._holdings.get(run.job.lock_name)
        known = holding.run if holding is not None else None
        if holding is None or known is None or known.job.fence != run.fence:
            return
        awaited, known.awaited, holding.returned = known.awaited, None, None
        if not is_plausible(known.began / 1e9, began, ended, time.time()):
            return
        holding.returned = ended
        if awaited is not None:
            self.measurements.handed_over(known.job, awaited.cause, began - awaited.since)

    def runner_replaced(self, end: Literal["died", "ended"]) -> None:
        """Count a runner that was replaced."""
        self.measurements.runner_replaced(end)

    # --- what the protocol does ----------------------------------------------

    def observe(self, observation: seen.Observation) -> None:
        """Log, count and export one observation. Raises nothing: no error here may stop the protocol."""
        try:
            log_lines.write(observation)
            self._observe(observation)
        except Exception:
            logger.exception("telemetry failed")

    def _observe(self, observation: seen.Observation) -> None:
        match observation:
            case seen.LeaseAcquired(lock, took=took):
                notifier = trace.get_current_span().get_span_context()
                phase = Phase.of(took)
                self._holdings[lock] = _Holding(Acquisition(phase, notifier), calls=len(phase.calls))
            case seen.LeaseDenied(lock):
                _note(spans.LOCK_HELD, lock)
            case seen.WakeUpDeferred(lock):
                _note(spans.WAKE_UP_DEFERRED, lock)
            case seen.NotForThisWorker():
                self.measurements.unknown_kind()
            case seen.LeaseRenewed(lock, margin):
                run = self._run(lock)
                self.measurements.renewed(run.job if run else None, margin)
            case seen.RunCutOff():
                self._lost.report(observation)
            case seen.LockLeft(lock, took=took):
                self._left(lock, took)
            case seen.TablesCutOff():
                pass
            case _:
                self._observe_run(observation)

    def _observe_run(self, observation: _OfARun) -> None:
        """Export what happened to a run, or to the lease that it needs."""
        match observation:
            case seen.RunStarted():
                self._started(observation)
            case seen.StepRecorded() | seen.StateSaved() | seen.ProgressWritten():
                self._wrote(observation)
            case seen.RunEnded():
                self._ended(observation)
            case seen.RenewalFailed(lock, reason):
                self.measurements.not_renewed(definitive=False)
                self._happened(lock, spans.RENEWAL_FAILED, reason)
            case seen.LeaseEnded(lock, reason, is_lost):
                if is_lost:
                    self.measurements.not_renewed(definitive=True)
                self._happened(lock, spans.LEASE_LOST, reason, is_end=True)
            case seen.Fenced(lock, _, _, reason):
                self.measurements.refused(observation)
                self._happened(lock, spans.WRITE_REFUSED, reason, is_end=True)
            case seen.LeaseReleased(lock, took=took):
                self._released(lock, took)
            case _:
                assert_never(observation)

    def _started(self, observation: seen.RunStarted) -> None:
        self.measurements.started(observation)
        job = observation.job
        holding = self._holdings.setdefault(job.lock_name, _Holding())
        if observation.after is not None:
            self.measurements.called(observation.after, holding.calls)
            holding.calls = 0
        phase = Phase.of(observation.took)
        anchor = self._tracing.started(observation, phase, holding.acquired, holding.ended)
        holding.acquired = holding.ended = None
        holding.last = (job, anchor)
        run = OpenRun(job, anchor, began=phase.ended, exported_until=phase.ended)
        run.calls, holding.calls = holding.calls + len(phase.calls), 0
        run.awaited, holding.returned = awaited_handler(observation, holding.returned), None
        holding.run = run
        self._plan_piece(run, SHORTEST_PAUSE)

    def _plan_piece(self, run: OpenRun, pause: float) -> None:
        run.timer = asyncio.get_running_loop().call_later(pause, self._export_piece, run)

    def _export_piece(self, run: OpenRun) -> None:
        now = time.time_ns()
        if run.is_news(now):
            self._tracing.so_far(run, now)
        self._plan_piece(run, run.pause(now))

    def _wrote(self, observation: _Written) -> None:
        """Take in what was written for a run."""
        run = self._run(observation.job.lock_name)
        if run is None:
            return
        run.job, run.sign = observation.job, time.monotonic()
        phase = Phase.of(observation.took)
        run.calls += len(phase.calls)
        match observation:
            case seen.StepRecorded():
                self.measurements.step(observation)
                run.recording = phase
            case seen.StateSaved(characters=characters):
                self._tracing.state_saved(run, phase, characters)
            case seen.ProgressWritten():
                pass
            case _:
                assert_never(observation)

    def _ended(self, observation: seen.RunEnded) -> None:
        holding = self._holdings.get(observation.job.lock_name)
        if holding is None or holding.run is None:
            return
        run, holding.run = holding.run, None
        run.close()
        phase = Phase.of(observation.took)
        holding.ended = self._tracing.ended(run, observation, phase)
        holding.calls = run.calls + len(phase.calls)
        outcome = ending_of(observation.outcome, observation.job).outcome
        self.measurements.ended(run.job, outcome, (phase.ended - run.began) / 1e9)

    def _happened(self, lock: str, name: SpanEvent, reason: str, *, is_end: bool = False) -> None:
        run = self._run(lock)
        if run is None:
            return
        run.moments.append(Moment(name, {at.REASON: reason}))
        if is_end:
            # The worker that records the run's end exports its span. That is another: this is the last piece.
            run.close()
            self._tracing.so_far(run, time.time_ns(), failed=True)

    def _released(self, lock: str, took: Took) -> None:
        holding = self._holdings.get(lock)
        if holding is None:
            return
        phase = Phase.of(took)
        holding.calls += len(phase.calls)
        if holding.run is not None:
            holding.run.close()
            holding.calls += holding.run.calls
        if holding.last is not None:
            self._tracing.released(*holding.last, phase)

    def _left(self, lock: str, took: Took) -> None:
        holding = self._holdings.pop(lock, None)
        if holding is None or holding.last is None:
            return
        self.measurements.called(holding.last[0], holding.calls + len(took.calls))

    def _run(self, lock: str) -> OpenRun | None:
        holding = self._holdings.get(lock)
        return holding.run if holding is not None else None


def _note(name: SpanEvent, lock: str) -> None:
    """Note a moment on the span of the wake-up that is being answered."""
    span = trace.get_current_span()
    if span.is_recording():
        span.add_event(name, {at.LOCK_NAME: lock})
