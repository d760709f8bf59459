"""The row of a process in the worker directory, from its first heartbeat to its stop."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Protocol

from contracts.heartbeats import HEARTBEAT_SECONDS, QUIET_HEARTBEAT_SECONDS
from contracts.telemetry import attributes as at
from coordination.ports import Clock, UnknownOutcomeError
from service_defaults.app import in_background

#: Seconds that a process which stops waits for the storage to know of it.
STOP_SECONDS = 2.0

logger = logging.getLogger(__name__)


class DirectoryRow:
    """Writes the row, one write after the other, and nothing after the one of the stop.

    `record` writes it, with the time of the stop or None.
    """

    def __init__(self, record: Callable[[datetime | None], Awaitable[None]], clock: Clock) -> None:
        self._record = record
        self._clock = clock
        self._turn = asyncio.Lock()
        self._has_stopped = False
        #: What was written last, and when.
        self._written: tuple[object, float] | None = None

    async def beat_if_due(self, state: object) -> None:
        """Write if the process has something new to say, or was not heard for a while.

        To be called every `HEARTBEAT_SECONDS`. Raises UnknownOutcomeError; then the next call writes.
        """
        now = self._clock.boot()
        if self._written is not None:
            last, at = self._written
            if state == last and now + HEARTBEAT_SECONDS / 2 < at + QUIET_HEARTBEAT_SECONDS:
                return
        self._written = None
        await self.beat()
        self._written = state, now

    async def beat(self) -> None:
        """Write that the process is alive. Raises UnknownOutcomeError."""
        async with self._turn:
            if not self._has_stopped:
                await self._record(None)

    async def stop(self) -> None:
        """Write that the process was stopped in order. It then shows as silent when the storage is away.

        A heartbeat that is being written is waited for: it could arrive after this write and undo it.
        """
        self._has_stopped = True
        try:
            async with asyncio.timeout(STOP_SECONDS), self._turn:
                await self._record(self._clock.now())
        except (UnknownOutcomeError, TimeoutError) as error:
            reason = str(error) or f"no answer within {STOP_SECONDS:g} s"
            logger.warning("writing the stop failed", extra={at.ERROR_MESSAGE: reason})


class KeepsUp(Protocol):
    """A heartbeat."""

    async def keep_up(self) -> None:
        """Beat until cancelled."""

    async def stop(self) -> None:
        """Write that the process was stopped in order, unless that takes too long."""


@asynccontextmanager
async def kept_up(heartbeat: KeepsUp) -> AsyncGenerator[None]:
    """Beat in the background within the context, and write at its end that the process was stopped."""
    beating = in_background(heartbeat.keep_up())
    try:
        yield
    finally:
        await heartbeat.stop()
        beating.cancel()
        await asyncio.wait([beating])
