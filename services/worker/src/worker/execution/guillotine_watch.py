"""Keeps a guillotine running for as long as there are runners, and says whether there is one."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from contracts.telemetry import attributes as at
from worker.execution import guillotine
from worker.execution.child import Child
from worker.execution.errors import GuillotineStartError
from worker.execution.slots import Slots

logger = logging.getLogger("turnstile.execution")

_RESTART_SECONDS = 0.5


class GuillotineWatch:
    """Starts the guillotine, and starts it again at once when it dies. `on_ready` is called each time."""

    def __init__(self, slots: Slots, on_ready: Callable[[], None]) -> None:
        self._slots = slots
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
        """Process id of the guillotine, if there is one."""
        return self._child.pid if self._child and self._child.is_alive else None

    async def start(self, timeout_seconds: float) -> None:
        """Start it and wait until it watches. Raises GuillotineStartError."""
        self._start()
        try:
            await asyncio.wait_for(asyncio.shield(self._first), timeout_seconds)
        except TimeoutError:
            raise GuillotineStartError(f"the guillotine was not ready within {timeout_seconds:g} s") from None

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
        arguments = [str(os.getpid()), str(self._slots.read_fd), str(self._slots.count)]
        try:
            child = Child(
                [sys.executable, "-I", "-S", "-E", str(Path(guillotine.__file__)), *arguments],
                environment={},
                output=write_end,
                pass_fds=(self._slots.read_fd,),
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
            logger.error("guillotine not started", extra={at.REASON: str(error)})
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
                logger.error("guillotine in trouble", extra={at.REASON: line})

    def _exited(self) -> None:
        child, was_ready, self.is_ready = self._child, self.is_ready, False
        self._read()
        self._loop.remove_reader(self._output)
        os.close(self._output)
        self.is_ready = False
        if self._is_stopping or child is None:
            return
        logger.error("guillotine died", extra={at.REASON: child.describe_end()})
        if was_ready:
            self._start_again()
        else:
            self._start_later()
