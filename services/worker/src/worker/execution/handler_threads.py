"""The threads of handlers: one for each plain handler, and those of `asyncio.to_thread`."""

import asyncio
import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

from worker.execution.forks import HomeProcess, leave
from worker.execution.handler_times import HandlerTimes

P = ParamSpec("P")
T = TypeVar("T")

_EXECUTOR_THREADS = "turnstile-executor"


class CountingExecutor(ThreadPoolExecutor):
    """The event loop's executor for `asyncio.to_thread`, which knows whether it is at work."""

    def __init__(self) -> None:
        super().__init__(thread_name_prefix=_EXECUTOR_THREADS)
        self._unfinished: set[Future[Any]] = set()
        #: Whether it has, or had, threads.
        self.was_used = False

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Hand over a call."""
        self.was_used = True
        future = super().submit(fn, *args, **kwargs)
        self._unfinished.add(future)
        future.add_done_callback(self._unfinished.discard)
        return future

    @property
    def is_busy(self) -> bool:
        """Whether some call has not returned."""
        return bool(self._unfinished)


async def in_thread(handler: Callable[[], Any], times: HandlerTimes) -> Any:
    """Run a plain handler in a thread of its own, so that nothing it leaves there reaches the next."""
    loop, home = asyncio.get_running_loop(), HomeProcess()
    ended: asyncio.Future[tuple[Any, BaseException | None]] = loop.create_future()
    variables = contextvars.copy_context()

    def run() -> None:
        result, failure = None, None
        try:
            with times:
                result = variables.run(handler)
        except BaseException as error:  # noqa: BLE001 - carried over to the event loop
            failure = error
        if home.is_elsewhere:
            leave(failure)
        loop.call_soon_threadsafe(ended.set_result, (result, failure))

    # Not a daemon, as that would make daemons of the threads it starts, too.
    thread = threading.Thread(target=run, name="handler", daemon=False)
    thread.start()
    result, failure = await ended
    thread.join()
    if failure is not None:
        raise failure
    return result


def are_left(earlier: set[threading.Thread]) -> bool:
    """Return whether there are new threads. Daemon threads are taken for a library's own."""
    return any(
        not thread.daemon and not thread.name.startswith(_EXECUTOR_THREADS)
        for thread in threading.enumerate()
        if thread not in earlier
    )
