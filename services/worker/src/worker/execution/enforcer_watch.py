"""Keeps a deadline enforcer running for as long as there are runners, and knows whether there is one."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from contracts.telemetry import attributes as at
from worker.execution import deadline_enforcer
from worker.execution.child import Child
from worker.execution.deadline_table import DeadlineTable
from worker.execution.errors import EnforcerStartError

logger = logging.getLogger("turnstile.execution")

_RESTART_SECONDS = 0.5


class EnforcerWatch:
    """Starts the deadline enforcer, again at once when it dies, and calls `on_ready` each time."""

    def __init__(self, table: DeadlineTable, on_ready: Callable[[], None]) -> None:
        self._table = table
        self._on_ready = on_ready
        self._loop = asyncio.get_running_loop()
        self._child: Child | None = None
        self._output = -1
        self._is_stopping = False
        self._restart: asyncio.TimerHandle | None = None
        self._first = self._loop.create_future()
        #: Whether deadlines are enforced now; while they are not, no run may start.
        self.is_ready = False
        #: Whether the last try to start it again has failed.
        self.is_failing = False

    @property
    def pid(self) -> int | None:
        """Process id of the deadline enforcer, if there is one."""
        return self._child.pid if self._child and self._child.is_alive else None

    async def start(self, timeout_seconds: float) -> None:
        """Start it and wait until it watches. Raises EnforcerStartError."""
        self._start()
        try:
            await asyncio.wait_for(asyncio.shield(self._first), timeout_seconds)
        except TimeoutError:
            raise EnforcerStartError(
                f"the deadline enforcer was not ready within {timeout_seconds:g} s"
            ) from None

    async def stop(self) -> None:
        """End it."""
        self._is_stopping = True
        if self._restart is not None:
            self._restart.cancel()
        if self._child is not None:
            self._child.signal(signal.SIGTERM)
            await self._child.wait()

    def _start(self) -> None:
        self._restart = None
        output, write_end = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        arguments = [str(os.getpid()), str(self._table.read_fd), str(self._table.count)]
        try:
            child = Child(
                [sys.executable, "-I", "-S", "-E", str(Path(deadline_enforcer.__file__)), *arguments],
                environment={},
                output=write_end,
                pass_fds=(self._table.read_fd,),
                on_exit=self._exited,
            )
        except BaseException:
            os.close(output)
            raise
        finally:
            os.close(write_end)
        self._output, self._child = output, child
        self._loop.add_reader(self._output, self._read)

    def _start_again(self) -> None:
        try:
            self._start()
        except OSError as error:
            logger.error("deadline enforcer start failed", extra={at.REASON: str(error)})
            self._start_later()

    def _start_later(self) -> None:
        self.is_failing = True
        self._restart = self._loop.call_later(_RESTART_SECONDS, self._start_again)

    def _read(self) -> None:
        try:
            lines = os.read(self._output, 65536).decode(errors="replace").splitlines()
        except BlockingIOError:
            return
        if not lines:
            self._loop.remove_reader(self._output)
        for line in lines:
            if line == "ready":
                self.is_ready, self.is_failing = True, False
                if not self._first.done():
                    self._first.set_result(None)
                self._on_ready()
            elif line.startswith("killed "):
                logger.error("runner killed at its deadline", extra={at.RUNNER_PID: int(line.split()[1])})
            else:
                logger.error("deadline enforcer error", extra={at.REASON: line})

    def _exited(self) -> None:
        child, was_ready, self.is_ready = self._child, self.is_ready, False
        self._read()
        self._loop.remove_reader(self._output)
        os.close(self._output)
        self.is_ready = False
        if self._is_stopping or child is None:
            return
        logger.error("deadline enforcer exited", extra={at.REASON: child.describe_end()})
        if was_ready:
            self._start_again()
        else:
            self._start_later()
