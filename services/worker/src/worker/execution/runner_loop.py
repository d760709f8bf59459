"""The runner's work: one job after the other, as the supervisor asks."""

import asyncio
import os
import socket
import threading
from collections.abc import Mapping
from typing import Any

from turnstile.channels import Attempt
from turnstile.context import RunContext, make_context
from turnstile.kinds import Kind
from turnstile.values import to_json
from worker.execution import handler_threads, messages
from worker.execution.between_jobs import BetweenJobs
from worker.execution.deadline_table import DeadlineView
from worker.execution.failures import describe
from worker.execution.forks import HomeProcess, flush_output, leave
from worker.execution.frame_stream import FrameStream
from worker.execution.handler_tasks import AsyncEnd
from worker.execution.handler_times import HandlerTimes
from worker.execution.process_limits import has_children
from worker.execution.runner_channel import LoopSender, RunnerChannel
from worker.execution.runner_reuse import ReuseRules
from worker.execution.tracing import RunnerTracing

#: How long tasks that a handler left behind may take to obey their cancellation.
_LEFTOVERS_SECONDS = 0.2


class Serving:
    """Runs handlers. Everything here happens on the event loop, except plain handlers, each in a thread."""

    def __init__(
        self,
        kinds: Mapping[str, Kind],
        control: socket.socket,
        cell: DeadlineView,
        tracing: RunnerTracing,
        reuse: ReuseRules | None = None,
    ) -> None:
        self._kinds = kinds
        self._tracing = tracing
        self._reuse = reuse or ReuseRules()
        self._home = HomeProcess()
        self.wire = FrameStream(control, self._received, self._broken)
        self.sender = LoopSender(self.wire.send)
        self._cell = cell
        self._server = asyncio.current_task()
        self._executor = handler_threads.CountingExecutor()
        self._task: asyncio.Task[None] | None = None
        self._channel: RunnerChannel | None = None
        #: The task of an `async def` handler; not the run's own, as a handler may leave its task cancelled.
        self._handler: asyncio.Task[None] | None = None
        #: The supervisor wants the handler stopped; the handler's task was cancelled for it.
        self._is_cancel_wanted = self._is_cancel_sent = False
        self._loop = asyncio.get_running_loop()
        self._loop.set_default_executor(self._executor)
        self._over: asyncio.Future[None] = self._loop.create_future()
        self._between = BetweenJobs()
        #: Results of recorded steps of the next run.
        self._recorded: dict[str, str] = {}
        #: Number of the run in progress, None between runs.
        self.run: int | None = None

    def _received(self, frame: bytes) -> None:
        """Do what the supervisor asks."""
        match messages.read_to_runner(frame):
            case messages.History() as history:
                self._recorded.update(history.recorded)
            case messages.Start() as start:
                self.sender(messages.Begun(run=start.run))
                start = start.model_copy(update={"recorded": self._recorded | start.recorded})
                self._recorded = {}
                self.run = start.run
                self._is_cancel_wanted = self._is_cancel_sent = False
                self._handler = None
                self._channel = RunnerChannel(start.run, self.sender, self._cell, self._tracing)
                self._task = asyncio.create_task(self._carry_out(start, self._channel))
                self._task.add_done_callback(_must_have_succeeded)
            case messages.Cancel():
                self._cancel()
            case messages.Answer() as answer if self._channel is not None:
                self._channel.answer(answer)

    def _broken(self, reason: str) -> None:
        """End: the supervisor does not want this runner any more."""
        if not self._over.done():
            self._over.set_result(None)

    async def serve(self) -> None:
        """Wait until the supervisor hangs up."""
        await self._over

    async def _carry_out(self, start: messages.Start, channel: RunnerChannel) -> None:
        threads, times = set(threading.enumerate()), HandlerTimes()
        self._between.remember()
        with self._tracing.run(start.run_traceparent, channel.send_span):
            done = await self._end_of(start, channel, times)
            tasks_left = await self._clear_tasks()
        flush_output()
        left = self._left_behind(threads, has_tasks=tasks_left)
        self._end_idle_threads()
        reasons = [done.replace_because, *left, *self._between.put_back(), self._refusal(start.kind)]
        channel.close()
        self.run = self._channel = None
        about: dict[str, Any] = {
            "is_tainted": done.is_tainted or bool(left),
            "replace_because": messages.clean("; ".join(filter(None, reasons)), 1000),
            "dropped_spans": channel.take_dropped_spans(),
            "handler_began": times.began,
            "handler_ended": times.ended,
        }
        self.sender(done.model_copy(update=about))

    async def _end_of(
        self, start: messages.Start, channel: RunnerChannel, times: HandlerTimes
    ) -> messages.Done:
        """Call the handler and return how it ended, even if it misbehaves."""
        kind = self._kinds.get(start.kind)
        if kind is None:
            text = f"this runner has not loaded kind {start.kind!r}"
            return messages.Done(run=start.run, error_type="UnknownKind", error_message=text)
        context = make_context(_attempt(start), channel, is_async=kind.is_async)
        result, failure = None, None
        try:
            value = await self._call(kind, context, start.parameters, times)
            result = to_json(value, "the result")
        except BaseException as error:  # noqa: BLE001 - a handler may raise SystemExit; only its job must end
            failure = error
        if self._home.is_elsewhere:
            leave(failure)
        self._between.put_back_logging()
        was_stopped = self._is_cancel_sent or context.was_asked_to_stop
        if failure is None:
            return messages.Done(run=start.run, result=result, was_stopped=was_stopped)
        return describe(start.run, failure, context, was_stopped=was_stopped)

    async def _call(self, kind: Kind, context: RunContext, parameters: str, times: HandlerTimes) -> Any:
        arguments = kind.arguments(context, kind.parse(parameters))
        if self._is_cancel_wanted:
            context.was_asked_to_stop = True
            raise asyncio.CancelledError
        if not kind.is_async:
            return await handler_threads.in_thread(lambda: kind.handler(*arguments), times)
        ended = AsyncEnd()
        self._handler = asyncio.create_task(ended.note(lambda: kind.handler(*arguments), times))
        await asyncio.wait({self._handler})
        if ended.is_over and self._handler.cancelled():
            self._is_cancel_sent = False  # it came when the handler had nothing more to await
        if ended.failure is not None:
            raise ended.failure
        return ended.result

    def _cancel(self) -> None:
        self._is_cancel_wanted = True
        # Once only: a second cancellation would hit the handler while it cleans up after the first.
        if self._handler is not None and not self._is_cancel_sent:
            # False when it comes too late for the handler.
            self._is_cancel_sent = self._handler.cancel()

    async def _clear_tasks(self) -> bool:
        """Cancel the tasks that the handler left behind, and return whether some still run."""
        left = asyncio.all_tasks() - {asyncio.current_task(), self._server}
        if not left:
            return False
        for task in left:
            task.cancel()
        _, pending = await asyncio.wait(left, timeout=_LEFTOVERS_SECONDS)
        return bool(pending)

    def _end_idle_threads(self) -> None:
        """End the threads of `asyncio.to_thread` with the job: each has a stack and variables of its own."""
        if self._executor.was_used and not self._executor.is_busy:
            self._executor.shutdown(wait=False)
            self._executor = handler_threads.CountingExecutor()
            self._loop.set_default_executor(self._executor)

    def _refusal(self, name: str) -> str:
        kind = self._kinds.get(name)
        return "" if kind is None else self._reuse.refusal(kind)

    def _left_behind(self, earlier: set[threading.Thread], *, has_tasks: bool) -> list[str]:
        """Return what of a job is still alive."""
        found = {
            "tasks": has_tasks,
            "child processes": has_children(),
            "calls of asyncio.to_thread": self._executor.is_busy,
            "threads": handler_threads.are_left(earlier),
        }
        return [f"it left {what}" for what, is_left in found.items() if is_left]


def _must_have_succeeded(task: asyncio.Task[None]) -> None:
    """End the runner when its own code, not the handler's, went wrong: the supervisor waits for an answer."""
    if task.cancelled() or task.exception() is not None:
        task.print_stack()
        flush_output()
        os._exit(70)


def _attempt(start: messages.Start) -> Attempt:
    return Attempt(
        job_id=start.job_id,
        kind=start.kind,
        lock=start.lock,
        attempt=start.attempt,
        interruptions=start.interruptions,
        fence=start.fence,
        slot=start.slot,
        traceparent=start.traceparent,
        recorded=start.recorded,
        state=start.state,
        progress_value=start.progress_value,
        progress_limit=start.progress_limit,
        properties=start.properties,
        naming=start.naming,
    )
