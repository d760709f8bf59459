"""What a runner prints: read from a pipe, cut into lines, and logged with the job it belongs to."""

import asyncio
import logging
import os
from collections.abc import Callable, Mapping
from typing import Any

from contracts.telemetry import attributes as at

logger = logging.getLogger("turnstile.output")

_CHUNK = 64 * 1024
_MAX_LINE = 8 * 1024
#: Bytes that are read, and lines that are logged, in each period. A runner that prints more has to wait for
#: the next period, and the lines above the bound are dropped and counted.
_PERIOD_SECONDS = 0.1
_BYTES, _LINES = 1024 * 1024, 100


class Output:
    """Logs the lines of a pipe. `context` returns what to log with each line."""

    def __init__(self, fd: int, context: Callable[[], Mapping[str, Any]]) -> None:
        self._fd = fd
        self._context = context
        self._loop = asyncio.get_running_loop()
        self._rest = b""
        self._is_at_end = False
        self._bytes = self._lines = self._dropped = 0
        self._timer: asyncio.TimerHandle | None = None
        os.set_blocking(fd, False)
        self._loop.add_reader(fd, self._read)

    def drain(self) -> None:
        """Log what is in the pipe, within the bounds."""
        while self._fd >= 0 and self._bytes < _BYTES and self._read():
            pass

    def finish_line(self) -> None:
        """Log what is in the pipe, and what is left as a line of its own."""
        self.drain()
        if self._rest:
            self._log(self._rest)
            self._rest = b""

    def close(self) -> None:
        """Log the rest and stop reading."""
        self.finish_line()
        if self._timer is not None:
            self._timer.cancel()
            self._new_period()
        if self._fd >= 0:
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self._fd = -1

    def _read(self) -> bool:
        """Read once, and return whether there may be more."""
        try:
            data = os.read(self._fd, _CHUNK)
        except (BlockingIOError, InterruptedError):
            return False
        if not data:
            self._is_at_end = True
            self._loop.remove_reader(self._fd)
            return False
        if self._timer is None:
            self._timer = self._loop.call_later(_PERIOD_SECONDS, self._new_period)
        self._bytes += len(data)
        if self._bytes >= _BYTES:
            self._loop.remove_reader(self._fd)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._log(line)
        if len(self._rest) > _MAX_LINE:
            # The beginning is logged when the line ends; what follows of it is thrown away as it comes.
            self._rest = self._rest[: _MAX_LINE + 1]
        return True

    def _log(self, line: bytes) -> None:
        self._lines += 1
        if self._lines > _LINES:
            self._dropped += 1
            return
        text = line[:_MAX_LINE].decode(errors="replace") + ("…" if len(line) > _MAX_LINE else "")
        logger.info(text.rstrip("\r"), extra=self._context())

    def _new_period(self) -> None:
        self._timer = None
        if self._dropped:
            logger.warning("output dropped", extra={**self._context(), at.DROPPED: self._dropped})
        if self._bytes >= _BYTES and self._fd >= 0 and not self._is_at_end:
            self._loop.add_reader(self._fd, self._read)
        self._bytes = self._lines = self._dropped = 0
