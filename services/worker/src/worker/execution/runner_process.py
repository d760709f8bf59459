"""A runner, as the supervisor sees it: a child process with a frame stream, a deadline cell and an output."""

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol

from pydantic import ValidationError

from contracts.telemetry import attributes as at
from turnstile.channels import StopReason
from worker.execution import messages
from worker.execution.child import Child
from worker.execution.deadline_table import DeadlineTable
from worker.execution.errors import RunnerStartError
from worker.execution.frame_stream import FrameStream
from worker.execution.messages import FromRunner
from worker.execution.orphans import Orphans
from worker.execution.output import Output
from worker.execution.runner_options import RunnerOptions

logger = logging.getLogger("turnstile.execution")

#: A step with its state, each 256 KiB at most, doubled by JSON within JSON, and room to spare.
_MAX_FRAME = 2 * 1024 * 1024

#: How long a runner that is not needed any more may take to end by itself, atexit handlers included.
_ORDERLY_SECONDS = 2.0

#: How long a process that has closed its wire may take to be dead.
_DYING_SECONDS = 0.2


class Listener(Protocol):
    """Who listens to a runner while it runs a job."""

    def heard(self, message: FromRunner) -> None:
        """Take a message of the handler's side. Raises nothing."""

    def died(self) -> None:
        """Learn that the process is dead and reaped."""


class RunnerProcess:
    """Starts a runner and talks to it. `on_exit` is called when it is dead and reaped."""

    def __init__(
        self,
        options: RunnerOptions,
        table: DeadlineTable,
        orphans: Orphans,
        on_exit: Callable[["RunnerProcess"], None],
    ) -> None:
        self._orphans = orphans
        self._on_exit = on_exit
        self._table = table
        self._listener: Listener | None = None
        self._labels: Mapping[str, Any] = {}
        self._runs = 0
        self._hello: asyncio.Future[messages.Hello] = asyncio.get_running_loop().create_future()
        #: Why the supervisor killed it of its own accord: it did not keep to the rules of the wire.
        self.fault: str | None = None
        #: Whether it was this side that ended it, and why.
        self.is_unwanted = False
        self._why_unwanted = ""
        #: When it died: whether its deadline had passed.
        self.was_overdue = False
        ours, theirs = socket.socketpair()
        output, their_output = os.pipe2(os.O_CLOEXEC)
        self._cell = table.take()
        try:
            self._child = Child(
                options.command(table, theirs.fileno(), self._cell.index),
                options.environment,
                their_output,
                (theirs.fileno(), table.read_fd),
                self._exited,
            )
        except BaseException:
            table.give_back(self._cell)
            ours.close()
            os.close(output)
            raise
        finally:
            theirs.close()
            os.close(their_output)
        self.pid = self._child.pid
        self._cell.assign(self.pid)
        self._wire = FrameStream(ours, self._received, self._broken, _MAX_FRAME)
        self._output = Output(output, lambda: {at.RUNNER_PID: self.pid, **self._labels})

    @property
    def is_alive(self) -> bool:
        """Whether the process has not been reaped."""
        return self._child.is_alive

    async def started(self, timeout_seconds: float) -> messages.Hello:
        """Wait until it has loaded its jobs, and return what it says of them. Raises RunnerStartError."""
        try:
            hello = await asyncio.wait_for(asyncio.shield(self._hello), timeout_seconds)
        except TimeoutError:
            await self.end()
            raise RunnerStartError(
                f"a runner had not loaded the jobs modules within {timeout_seconds:g} s; "
                "set TURNSTILE_RUNNER_START_SECONDS to more if their imports take longer"
            ) from None
        if hello.error is not None:
            await self.end()
            raise RunnerStartError(hello.error)
        return hello

    def begin(
        self,
        start: messages.Start,
        listener: Listener,
        labels: Mapping[str, Any],
        history: Sequence[messages.History] = (),
    ) -> None:
        """Run a job, after what precedes `start`; the deadlines must have been set."""
        self._runs = start.run
        self._listener, self._labels = listener, labels
        for message in (*history, start):
            self._wire.send(messages.write(message))

    @property
    def is_fresh(self) -> bool:
        """Whether it has run no job."""
        return self._runs == 0

    @property
    def next_run(self) -> int:
        """Number for the next run."""
        return self._runs + 1

    def set_deadlines(self, hard: float, soft: float) -> None:
        """Set or move the deadlines of the run, in seconds of the boot-time clock."""
        if self.is_alive:
            self._cell.arm(hard, soft)

    def ask_to_stop(self, reason: StopReason) -> None:
        """Ask the handler to stop."""
        if self.is_alive:
            self._cell.stop(reason)
            self._wire.send(messages.write(messages.Cancel()))

    def answer(self, number: int, error: str | None = None) -> None:
        """Report to the handler that a step or state is committed, or refused for good."""
        if self.is_alive:
            self._wire.send(messages.write(messages.Answer(number=number, error=error)))

    def end_run(self) -> None:
        """Forget about the run."""
        self._output.finish_line()
        self._listener, self._labels = None, {}
        if self.is_alive:
            self._cell.disarm()

    def ask_where(self) -> None:
        """Let it print where its threads are."""
        self._child.signal(signal.SIGUSR1)

    def kill(self, why: str = "") -> None:
        """Kill it and all that it has started; `why` is for the log."""
        self._dismiss(why)
        self._child.kill()

    async def end_in_order(self, why: str) -> None:
        """Let it run its atexit handlers, for 2 s at most, then kill what is left. It must be idle."""
        self._dismiss(why)
        self._wire.finish()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._child.wait(), _ORDERLY_SECONDS)
        await self.end()

    def _dismiss(self, why: str) -> None:
        if self.is_alive:
            self.is_unwanted = True
            self._why_unwanted = self._why_unwanted or why

    async def end(self) -> None:
        """Kill it and wait until nothing of it is left."""
        self.kill()
        await self._child.wait()
        await self._orphans.ended()

    def describe_end(self) -> str:
        """Return how the process ended, and why it was ended."""
        end = self.fault or f"the runner process {self._child.describe_end()}"
        return f"{end}: {self._why_unwanted}" if self._why_unwanted else end

    def _received(self, frame: bytes) -> None:
        try:
            message = messages.read_from_runner(frame)
        except ValidationError as error:
            self._broken(f"a malformed message: {error.errors(include_url=False, include_input=False)[0]}")
            return
        try:
            self._hand_on(message)
        except Exception:
            # The handler would wait for ever for an answer to it.
            logger.exception("invalid message from a runner", extra={at.RUNNER_PID: self.pid})
            self.kill_for_violation("sent an invalid message")

    def _hand_on(self, message: FromRunner) -> None:
        if isinstance(message, messages.Hello):
            if not self._hello.done():
                self._hello.set_result(message)
        elif self._listener is not None and (isinstance(message, messages.Log) or message.run == self._runs):
            self._listener.heard(message)

    def _broken(self, reason: str) -> None:
        if self.is_unwanted and reason == "closed":
            return
        if reason == "closed":
            # At its death, too, the stream closes; then the way it died is the better reason.
            asyncio.get_running_loop().call_later(
                _DYING_SECONDS, self.kill_for_violation, "closed its connection"
            )
        else:
            self.kill_for_violation(f"sent {reason}")

    def kill_for_violation(self, fault: str) -> None:
        """Kill it because it did something that no handler should."""
        if self.is_alive:
            self.fault = self.fault or f"the runner process {fault}"
            self._child.kill()

    def _exited(self) -> None:
        self._orphans.end()
        self.was_overdue = self._cell.is_overdue
        self._wire.drain()
        self._wire.close()
        self._output.close()
        self._table.give_back(self._cell)
        if not self._hello.done():
            self._hello.set_result(
                messages.Hello(error=f"{self.describe_end()} before it had loaded the jobs modules")
            )
        if self._listener is not None:
            self._listener.died()
        self._on_exit(self)
