"""Starting runners: a few at a time, and again and again until each has started."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable

from contracts.telemetry import attributes as at
from worker.execution.errors import RunnerStartError

logger = logging.getLogger("turnstile.execution")

_RETRY_SECONDS, _MAX_RETRY_SECONDS = 0.5, 10.0


class RunnerStarter:
    """Starts runners in the background, `at_once` at the same time.

    Many that load their jobs modules at the same time slow each other down until none is ready in time, and
    all would be killed, and started together, again and again. `start` starts one, and raises
    RunnerStartError or OSError; the time that it may take counts from its turn.
    """

    def __init__(self, start: Callable[[], Awaitable[None]], at_once: int) -> None:
        self._start = start
        self._turns = asyncio.Semaphore(at_once)
        self._tasks: set[asyncio.Task[None]] = set()
        #: Why the last start failed; None when it did not.
        self.failure: str | None = None
        #: When a runner last started, on the event loop's clock.
        self.succeeded_at = float("-inf")

    def begin(self) -> None:
        """Start one runner more."""
        task = asyncio.create_task(self._start_until_done())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Start no more, and end those that are being started."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _start_until_done(self) -> None:
        pause = _RETRY_SECONDS
        while True:
            try:
                async with self._turns:
                    await self._start()
            except (RunnerStartError, OSError) as error:
                self.failure = str(error)
                logger.error("runner start failed", extra={at.REASON: str(error)})
                await asyncio.sleep(random.uniform(pause / 2, pause))
                pause = min(2 * pause, _MAX_RETRY_SECONDS)
            else:
                self.failure = None
                self.succeeded_at = asyncio.get_running_loop().time()
                return
