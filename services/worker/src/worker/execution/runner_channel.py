"""A run's way from the handler's context to the supervisor, as the runner sees it."""

import asyncio
import itertools
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager

# Bound here, as a handler may replace the module's function.
from time import monotonic

from turnstile.channels import RecordedStep, StopReason
from turnstile.errors import ForkedError, NotRecordedError, RunOverError
from worker.execution import messages
from worker.execution.deadline_table import DeadlineView
from worker.execution.forks import HomeProcess
from worker.execution.messages import Message, SpanData
from worker.execution.rate_limit import RateLimit
from worker.execution.tracing import RunnerTracing

#: Reports in between are overtaken by the next one.
_REPORT_EVERY_SECONDS = 0.1

#: Most steps and states that are sent and not yet written, and most characters of them; the next ones wait
#: for room. The supervisor kills a runner that sends several times as much (`run_writer`).
_MAX_UNWRITTEN, _MAX_UNWRITTEN_CHARACTERS = 100, 2 * 1024 * 1024

#: Spans per second, and how many may come at once; the rest is dropped and counted.
_SPAN_RATE, _SPAN_BURST = 200.0, 1000.0


class LoopSender:
    """Sends messages from any thread; the wire itself belongs to the event loop's thread.

    A forked process shares the wire and the event loop's files, and must touch neither: there, calls raise
    ForkedError.
    """

    def __init__(self, send_frame: Callable[[bytes], None]) -> None:
        self._send_frame = send_frame
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._home = HomeProcess()

    @property
    def is_elsewhere(self) -> bool:
        """Whether the calling code runs in a forked process."""
        return self._home.is_elsewhere

    def __call__(self, message: Message) -> None:
        """Send a message."""
        self.call(self._send_frame, messages.write(message))

    @property
    def is_at_home(self) -> bool:
        """Whether the caller's thread is the event loop's."""
        return threading.get_ident() == self._thread

    def call(self, function: Callable[..., object], *args: object) -> None:
        """Call a function in the event loop's thread: now, when this is it."""
        if self._home.is_elsewhere:
            raise ForkedError
        if self.is_at_home:
            function(*args)
        else:
            self._loop.call_soon_threadsafe(function, *args)

    def call_later(self, seconds: float, function: Callable[[], object]) -> asyncio.TimerHandle:
        """Call a function in the event loop's thread, which must be the caller's, later."""
        return self._loop.call_later(seconds, function)


class RunnerChannel:
    """The channel of one run (turnstile.channels.Channel)."""

    def __init__(self, run: int, sender: LoopSender, cell: DeadlineView, tracing: RunnerTracing) -> None:
        self._run = run
        self._sender = sender
        self._cell = cell
        self._tracing = tracing
        self._spans = RateLimit(_SPAN_RATE, _SPAN_BURST)
        self._numbers = itertools.count(1)
        self._waiting: dict[int, Future[None]] = {}
        self._unsent: deque[messages.RecordStep | messages.SaveState] = deque()
        #: Characters of what was sent and not answered, by its number; and their sum.
        self._unwritten: dict[int, int] = {}
        self._unwritten_characters = 0
        self._is_over = False
        self._report: messages.Report | None = None
        self._is_report_due = False
        self._timer: asyncio.TimerHandle | None = None
        #: When the next report may be sent, on the monotonic clock.
        self._report_at = 0.0

    def stop_reason(self) -> StopReason | None:
        """Return why the handler should stop."""
        return StopReason.OVER if self._is_over else self._cell.stop_reason()

    def step_scope(self, name: str, stem: str) -> AbstractContextManager[object]:
        """Surround the work of a step with its span."""
        return self._tracing.step(name, stem)

    def send_span(self, span: SpanData, step: str | None = None) -> None:
        """Show a span that has ended, unless there are too many (tracing.SendSpan)."""
        if not self._is_over and not self._sender.is_elsewhere and self._spans.take():
            self._sender(messages.Span(run=self._run, span=span, step=step))

    def take_dropped_spans(self) -> int:
        """Return how many spans were not sent."""
        return self._spans.take_refused()

    def record_step(self, step: RecordedStep) -> Future[None]:
        """Ask for a step to be recorded."""
        span = self._tracing.take(step.name)
        return self._ask(
            lambda number: messages.RecordStep(
                run=self._run,
                number=number,
                name=step.name,
                result=step.result,
                seconds=step.seconds,
                state=step.state,
                span=span,
            )
        )

    def save_state(self, state: str) -> Future[None]:
        """Ask for state to be saved."""
        return self._ask(lambda number: messages.SaveState(run=self._run, number=number, state=state))

    def report(self, value: float | None, limit: float | None, step: str) -> None:
        """Show how far the run is: at once, or, when the last report was just now, a little later."""
        self._report = messages.Report(
            run=self._run, value=value, limit=limit, step=messages.clean(step, 250)
        )
        # While the handler blocks the event loop its timer does not fire, and the call itself has to look.
        is_late = self._sender.is_at_home and monotonic() >= self._report_at
        if is_late or not self._is_report_due:
            self._is_report_due = True
            self._sender.call(self._schedule_report)

    def answer(self, answer: messages.Answer) -> None:
        """Take the supervisor's answer to a step or state."""
        self._unwritten_characters -= self._unwritten.pop(answer.number, 0)
        self._send_what_fits()
        future = self._waiting.pop(answer.number, None)
        if future is None or not future.set_running_or_notify_cancel():
            return
        if answer.error is None:
            future.set_result(None)
        else:
            future.set_exception(NotRecordedError(answer.error))

    def close(self) -> None:
        """End the run: send the last report; code that still uses the context learns that the run is over."""
        self._is_over = True
        if self._timer is not None:
            self._timer.cancel()
        self._flush_report()
        for future in self._waiting.values():
            if future.set_running_or_notify_cancel():
                future.set_exception(RunOverError())
        self._waiting.clear()
        self._unsent.clear()

    def _ask(self, make: Callable[[int], messages.RecordStep | messages.SaveState]) -> Future[None]:
        future: Future[None] = Future()
        if self._is_over:
            future.set_exception(RunOverError())
            return future
        number = next(self._numbers)
        self._waiting[number] = future
        self._sender.call(self._send_in_turn, make(number))
        return future

    def _send_in_turn(self, message: messages.RecordStep | messages.SaveState) -> None:
        if not self._is_over:
            self._unsent.append(message)
            self._send_what_fits()

    def _send_what_fits(self) -> None:
        while self._unsent:
            characters = self._unsent[0].characters()
            is_full = len(self._unwritten) >= _MAX_UNWRITTEN
            is_long = self._unwritten_characters + characters > _MAX_UNWRITTEN_CHARACTERS
            if self._unwritten and (is_full or is_long):
                return
            message = self._unsent.popleft()
            self._unwritten[message.number] = characters
            self._unwritten_characters += characters
            self._sender(message)

    def _schedule_report(self) -> None:
        if self._timer is not None and monotonic() >= self._report_at:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._flush_report()
            self._report_at = monotonic() + _REPORT_EVERY_SECONDS
            self._timer = self._sender.call_later(_REPORT_EVERY_SECONDS, self._after_report)

    def _after_report(self) -> None:
        self._timer = None
        if self._report is not None and not self._is_over:
            self._schedule_report()

    def _flush_report(self) -> None:
        # In this order: a report that another thread makes now is sent twice rather than not at all.
        self._is_report_due = False
        report, self._report = self._report, None
        if report is not None:
            self._sender(report)
