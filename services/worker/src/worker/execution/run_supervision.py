"""One run on one runner: hands it over, writes for it, stops it, and returns how it ended."""

import asyncio
import logging

from contracts.telemetry import attributes as at
from coordination.holder.runs import Run
from coordination.outcomes import (
    Cancelled,
    Completed,
    Failed,
    Interrupted,
    Lost,
    Outcome,
    StopReason,
    TimedOut,
)
from turnstile.channels import NAMING
from turnstile.channels import StopReason as HandlerStop
from worker.execution import messages
from worker.execution.deadline_table import boot_time
from worker.execution.history import parts_of
from worker.execution.job_log import labels, log_for
from worker.execution.messages import FromRunner
from worker.execution.run_telemetry import RunTelemetry
from worker.execution.run_writer import RunWriter
from worker.execution.runner_process import RunnerProcess

logger = logging.getLogger("turnstile.execution")

#: How often renewed deadlines are passed on, and compared.
_TICK_SECONDS = 0.25
#: How long a runner may take to read its run, which may have a long history.
_BEGIN_SECONDS = 60.0
#: How long a handler that is about to be killed may take to print where it hangs.
_WHERE_SECONDS = 0.1
_TOLD = {
    StopReason.CANCELLED: HandlerStop.CANCELLED,
    StopReason.SHUTDOWN: HandlerStop.SHUTDOWN,
    StopReason.DEADLINE: HandlerStop.DEADLINE,
    StopReason.LOST: HandlerStop.LOST,
}


class Supervision:
    """Runs one job to its end on a runner that runs no other job in the meantime."""

    def __init__(
        self,
        run: Run,
        runner: RunnerProcess,
        timeout_seconds: float | None,
        cancel_grace_seconds: float,
        telemetry: RunTelemetry,
    ) -> None:
        self._run = run
        self._telemetry = telemetry
        self._runner = runner
        self._timeout = timeout_seconds
        self._grace = cancel_grace_seconds
        self._loop = asyncio.get_running_loop()
        #: How the handler ended; None when its process did.
        self._ended: asyncio.Future[messages.Done | None] = self._loop.create_future()
        self._writer = RunWriter(run, runner.answer, self._lose, labels(run), telemetry)
        self._timers: dict[str, asyncio.TimerHandle] = {}
        #: The first reason for which the handler was asked to stop.
        self._asked: HandlerStop | None = None
        self._is_lost = False
        self._is_abandoned = False
        #: Whether nothing of the job is alive in the runner.
        self.is_reusable = False
        #: Why the runner must be replaced all the same; empty when it may run another job.
        self.replace_because = ""

    async def outcome(self) -> Outcome:
        """Run the job. The runner is at rest, or dead, when this returns, also by cancellation."""
        run = self._run
        self._runner.set_deadlines(run.hard_deadline(), run.soft_deadline())
        *earlier, last = parts_of(run)
        history = [messages.History(recorded=part) for part in earlier]
        self._runner.begin(self._start_message(last), self, labels(run), history)
        self._timers["begin"] = self._loop.call_later(_BEGIN_SECONDS, self._lose_hope)
        self._timers["tick"] = self._loop.call_later(_TICK_SECONDS, self._tick)
        if self._timeout is not None:
            self._timers["timeout"] = self._loop.call_later(self._timeout, self._time_out)
        watch = asyncio.create_task(self._watch_stop())
        done: messages.Done | None = None
        try:
            done = await self._ended
            await self._writer.finish()
        except BaseException:
            self._is_abandoned = True
            raise
        finally:
            watch.cancel()
            self._writer.stop()
            for timer in self._timers.values():
                timer.cancel()
            self.is_reusable = done is not None and self._is_clean(done)
            self.replace_because = "" if done is None else done.replace_because
            if not self.is_reusable:
                self._runner.kill(self._why_unwanted())  # before its deadline is lifted
            self._runner.end_run()
            if not self.is_reusable:
                await asyncio.shield(self._runner.end())
        return self._judge(done)

    def abandon(self) -> None:
        """Kill the runner because the pool is stopping."""
        self._is_abandoned = True
        self._runner.kill()

    # --- messages of the runner ---------------------------------------------

    def heard(self, message: FromRunner) -> None:
        """Take a message of the handler's side."""
        match message:
            case messages.Begun():
                self._timers["begin"].cancel()
            case messages.Report():
                self._run.report(message.value, message.limit, message.step)
                self._telemetry.reported(self._run, message.value, message.limit, message.step)
            case messages.RecordStep() | messages.SaveState():
                if not self._writer.put(message):
                    self._runner.kill_for_violation("exceeded the limit of pending steps")
            case messages.Log():
                log_for(message, labels(self._run))
            case messages.Span():
                self._take_span(message)
            case messages.Done() if not self._ended.done():
                self._take_end(message)
                self._ended.set_result(message)

    def _take_span(self, message: messages.Span) -> None:
        try:
            if message.step is None:
                self._telemetry.span_over(self._run, message.span)
            else:
                self._telemetry.step_over(self._run, message.step, message.span)
        except Exception:  # telemetry of a run must not decide how it ends
            logger.exception("span export failed", extra=labels(self._run))

    def _take_end(self, done: messages.Done) -> None:
        if done.dropped_spans:
            logger.warning("spans dropped", extra={**labels(self._run), at.DROPPED: done.dropped_spans})
        if done.handler_began is None or done.handler_ended is None:
            return
        try:
            self._telemetry.handler_over(self._run, done.handler_began, done.handler_ended)
        except Exception:  # telemetry of a run must not decide how it ends
            logger.exception("telemetry failed", extra=labels(self._run))

    def died(self) -> None:
        """Learn that the process is dead."""
        if not self._ended.done():
            self._ended.set_result(None)

    # --- why the run should stop --------------------------------------------

    async def _watch_stop(self) -> None:
        reason: StopReason | None = None
        while True:
            reason = await self._run.stop.wait(reason)
            if reason is StopReason.LOST:
                self._lose()
            else:
                self._stop(_TOLD[reason])

    def _tick(self) -> None:
        """Pass on renewed deadlines, and see whether one has passed."""
        now, hard, soft = boot_time(), self._run.hard_deadline(), self._run.soft_deadline()
        if now >= hard:
            self._lose()
            return
        if now >= soft:
            self._stop(HandlerStop.DEADLINE)
        self._runner.set_deadlines(hard, soft)
        self._timers["tick"] = self._loop.call_later(_TICK_SECONDS, self._tick)

    def _time_out(self) -> None:
        if self._asked is None:
            self._stop(HandlerStop.TIMED_OUT)

    def _stop(self, reason: HandlerStop) -> None:
        self._runner.ask_to_stop(reason)
        if self._asked is None:
            self._asked = reason
            self._timers["grace"] = self._loop.call_later(self._grace, self._lose_patience)

    def _lose_patience(self) -> None:
        logger.warning("handler did not stop in time", extra=labels(self._run))
        self._runner.ask_where()
        self._timers["grace"] = self._loop.call_later(_WHERE_SECONDS, self._runner.kill)

    def _lose_hope(self) -> None:
        self._runner.kill_for_violation(f"did not begin the handler within {_BEGIN_SECONDS:g} s")

    def _lose(self) -> None:
        self._is_lost = True
        self._runner.kill()
        self._writer.stop()

    # --- the end ------------------------------------------------------------

    def _is_clean(self, done: messages.Done) -> bool:
        is_tainted = done.is_tainted or done.was_stopped
        return not (is_tainted or self._asked or self._is_lost or self._is_abandoned)

    def _why_unwanted(self) -> str:
        if self._is_abandoned:
            return "the worker is being stopped"
        if self._is_lost:
            return "the lease was lost"
        return self.replace_because or ("its handler was asked to stop" if self._asked else "")

    def _judge(self, done: messages.Done | None) -> Outcome:
        if self._is_lost or self._run.stop.reason is StopReason.LOST:
            return Lost()
        if done is None:
            return self._judge_death()
        if done.was_stopped:
            return self._stopped(self._asked or HandlerStop.DEADLINE)
        if done.result is not None:
            return Completed(done.result)
        return Failed(
            done.error_type, done.error_message, done.traceback, tuple(done.error_classes), done.retry_after
        )

    def _judge_death(self) -> Outcome:
        if self._is_abandoned:
            return Interrupted(HandlerStop.SHUTDOWN.value)
        if self._asked is not None:
            return self._stopped(self._asked)
        if self._runner.was_overdue:
            # The deadline enforcer, while this process was not running.
            if boot_time() >= self._run.hard_deadline():
                return Lost()
            return Interrupted(HandlerStop.DEADLINE.value)
        return Interrupted(self._runner.describe_end(), died=True)

    def _stopped(self, first: HandlerStop) -> Outcome:
        if first is HandlerStop.TIMED_OUT:
            return TimedOut(f"ran longer than {self._timeout:g} s")
        reason = self._run.stop.reason
        if reason is StopReason.CANCELLED:
            return Cancelled()
        return Interrupted((_TOLD[reason] if reason else first).value)

    def _start_message(self, recorded: dict[str, str]) -> messages.Start:
        run = self._run
        return messages.Start(
            run=self._runner.next_run,
            job_id=run.job.job_id,
            kind=run.job.kind,
            lock=run.job.lock_name,
            attempt=run.job.attempt,
            interruptions=run.job.interruptions,
            fence=run.fence,
            slot=run.job.slot,
            traceparent=run.job.traceparent,
            run_traceparent=self._telemetry.run_traceparent(run),
            parameters=run.parameters,
            recorded=recorded,
            naming=run.naming or NAMING,
            state=run.state,
            progress_value=run.job.progress_value,
            progress_limit=run.job.progress_limit,
            properties=run.job.properties,
        )
