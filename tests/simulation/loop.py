"""An event loop with virtual time, in which processes can be stopped and killed, and every run is the same.

It knows no sockets, threads or real timers: when no process can run, time jumps to the next timer. Handles
run in the order in which they were asked for, so what happens depends only on the program and its seed.
"""

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import Context, ContextVar, copy_context
from datetime import UTC, datetime, timedelta
from typing import Any

PROCESS: ContextVar["Process | None"] = ContextVar("simulated_process", default=None)

_START = datetime(2026, 1, 1, tzinfo=UTC)


class Process:
    """What is stopped and killed as a whole; every task and timer that it starts is part of it."""

    def __init__(self, loop: "SimulationLoop", name: str, skew: float = 0.0) -> None:
        self.loop = loop
        self.name = name
        #: Seconds by which its time of day is ahead.
        self.skew = skew
        self.is_dead = False
        self.is_paused = False
        #: Whether what it commits must be covered by a lease.
        self.is_holder = False
        #: When it stood still last; never, if negative.
        self.paused_at = float("-inf")
        #: Since when it has done nothing, as it is dead.
        self._idle_since = float("inf")
        self._frozen: list[_Handle] = []
        self._tasks: list[asyncio.Task[Any]] = []
        self._context = copy_context()
        self._context.run(PROCESS.set, self)

    def spawn(self, work: Coroutine[Any, Any, Any], name: str | None = None) -> "asyncio.Task[Any]":
        """Start a task in this process."""
        return self.loop.create_task(work, name=name, context=self._context.copy())

    def post(self, callback: Callable[..., object], *args: Any) -> None:
        """Have something called in this process: a message from another."""
        self.loop.call_soon(callback, *args, context=self._context)

    def pause(self) -> None:
        """Stand still, timers and all, until resumed."""
        if not self.is_paused and not self.is_dead:
            self.is_paused = True
            self.paused_at = self.loop.time()
            self.loop.paused += 1

    def resume(self) -> None:
        """Continue where it was paused."""
        if self.is_paused:
            self.is_paused = False
            self.paused_at = self.loop.time()
            self.loop.paused -= 1
            self.loop.thaw(self._frozen)
            self._frozen = []

    def kill(self) -> None:
        """End at once: its tasks unwind without being able to do anything more."""
        if self.is_dead:
            return
        self.is_dead = True
        self._idle_since = self.paused_at if self.is_paused else self.loop.time()
        self.resume()
        for task in self._tasks:
            task.cancel()

    def has_died_since(self, moment: float) -> bool:
        """Return whether it did nothing more after a moment, but die."""
        return self._idle_since <= moment + 0.001

    def adopt(self, task: "asyncio.Task[Any]") -> None:
        """Count a task as part of this process."""
        if len(self._tasks) > 50:
            self._tasks = [known for known in self._tasks if not known.done()]
        self._tasks.append(task)
        if self.is_dead:
            task.cancel()

    def freeze(self, handle: "_Handle") -> None:
        """Keep what would run now until the process is resumed."""
        self._frozen.append(handle)


class _Handle:
    __slots__ = ("args", "callback", "context")

    def __init__(
        self, callback: Callable[..., object] | None, args: tuple[Any, ...], context: Context
    ) -> None:
        self.callback = callback
        self.args = args
        self.context = context

    def cancel(self) -> None:
        self.callback = None
        self.args = ()

    def cancelled(self) -> bool:
        return self.callback is None


class SimulationLoop(asyncio.AbstractEventLoop):
    """Runs callbacks in order, in virtual time."""

    def __init__(self) -> None:
        self._now = 1000.0
        self._ready: deque[_Handle] = deque()
        self._timers: list[tuple[float, int, _Handle]] = []
        self._order = 0
        #: How many processes stand still.
        self.paused = 0
        #: Errors of tasks that no other task waited for.
        self.errors: list[str] = []

    def time(self) -> float:
        return self._now

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> _Handle:
        handle = _Handle(callback, args, copy_context() if context is None else context)
        self._ready.append(handle)
        return handle

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> _Handle:
        handle = _Handle(callback, args, copy_context() if context is None else context)
        self._order += 1
        heapq.heappush(self._timers, (when, self._order, handle))
        return handle

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> _Handle:
        return self.call_at(self._now + delay, callback, *args, context=context)

    def create_future(self) -> "asyncio.Future[Any]":
        return asyncio.Future(loop=self)

    def create_task(  # type: ignore[override]
        self, coro: Coroutine[Any, Any, Any], *, name: str | None = None, context: Context | None = None
    ) -> "asyncio.Task[Any]":
        # A fixed name, as the default one counts tasks of all loops.
        task = asyncio.Task(coro, loop=self, name=name or "task", context=context)
        process = PROCESS.get() if context is None else context.get(PROCESS)
        if process is not None:
            process.adopt(task)
        if name is not None:
            task.add_done_callback(self._look_at_end)
        return task

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Ignore what was never asked for: killed processes leave such answers behind."""

    def _look_at_end(self, task: "asyncio.Task[Any]") -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self.errors.append(f"{task.get_name()}: {error!r}")

    def thaw(self, handles: list[_Handle]) -> None:
        """Let what a process would have done while it stood still happen now, in order."""
        self._ready.extend(handles)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Be the running loop, for all that ask."""
        before = asyncio._get_running_loop()
        asyncio._set_running_loop(self)
        try:
            yield
        finally:
            asyncio._set_running_loop(before)

    def run_for(self, seconds: float) -> None:
        """Let so much time pass."""
        end = self._now + seconds
        ready, timers = self._ready, self._timers
        with self.running():
            while True:
                while ready:
                    handle = ready.popleft()
                    if handle.callback is None:
                        continue
                    if self.paused:
                        process = handle.context.get(PROCESS)
                        if process is not None and process.is_paused:
                            process.freeze(handle)
                            continue
                    handle.context.run(handle.callback, *handle.args)
                if not timers or timers[0][0] > end:
                    break
                when, _, handle = heapq.heappop(timers)
                if handle.callback is not None:
                    self._now = max(when, self._now)
                    ready.append(handle)
            self._now = end


class ProcessClock:
    """The clock of the process that asks: one boot time for all, but times of day that differ."""

    def __init__(self, loop: SimulationLoop, jitter: Callable[[float, float], float]) -> None:
        self._loop = loop
        self.jitter = jitter

    def boot(self) -> float:
        return self._loop._now

    def now(self) -> datetime:
        process = PROCESS.get()
        skew = process.skew if process is not None else 0.0
        return _START + timedelta(seconds=self._loop._now + skew)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))
