"""The tasks of `async def` handlers, one for each: a handler may leave its task cancelled."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from worker.execution.forks import HomeProcess, leave
from worker.execution.handler_times import HandlerTimes


class AsyncEnd:
    """How an `async def` handler ended. A task that is cancelled at its end forgets its result."""

    def __init__(self) -> None:
        self.result: Any = None
        self.is_over = False
        #: What it raised; until it has ended, that it was never called.
        self.failure: BaseException | None = asyncio.CancelledError()
        self._home = HomeProcess()

    async def note(self, handler: Callable[[], Awaitable[Any]], times: HandlerTimes) -> None:
        """Run the handler to its end. Raises nothing."""
        try:
            with times:
                self.result = await handler()
        except BaseException as error:  # noqa: BLE001 - handed over to the run
            self.failure = error
        else:
            self.failure = None
        if self._home.is_elsewhere:
            leave(self.failure)  # here, before the event loop turns in the forked process
        self.is_over = True
