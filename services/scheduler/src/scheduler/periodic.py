"""Periodic tasks, and the rounds in which the scheduler on duty runs them."""

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from coordination.ports import Clock, UnknownOutcomeError
from scheduler.observer import Observer

#: Seconds between two runs of a punctual task: what is due in the meantime is done together.
_SHORTEST_WAIT = 0.1


@dataclass(frozen=True)
class Periodic:
    """A task and its period in seconds, from start to start.

    `run` raises UnknownOutcomeError when the storage does not answer, and is then called in the next round.
    """

    name: str
    every: float
    run: Callable[[], Awaitable[None]]


class Punctual(Protocol):
    """A task that is due at moments of its own, which may lie between two rounds."""

    name: str

    def seconds_left(self) -> float:
        """Return after how many seconds it is due, 0 or more; infinity when that is not known."""

    async def run(self) -> None:
        """Run it: then it is due later. Raises UnknownOutcomeError."""


class Rounds:
    """Runs those tasks that are due, in their order. The shortest period is the time between two rounds."""

    def __init__(
        self, tasks: Sequence[Periodic], clock: Clock, observer: Observer, punctual: Punctual | None = None
    ) -> None:
        self.seconds = min(task.every for task in tasks)
        self._punctual = punctual
        self._clock = clock
        self._observer = observer
        self._due = dict.fromkeys(tasks, -math.inf)

    async def go(self) -> None:
        """Make one round. A task that fails keeps no other from running."""
        began = self._clock.boot()
        for task, due in self._due.items():
            if began < due:
                continue
            try:
                await task.run()
            except UnknownOutcomeError as error:
                self._observer.failed(task.name, error)
            else:
                # Rounds begin a little early or late: a task runs in the one nearest to its time.
                self._due[task] = began + task.every - self.seconds / 2

    async def pause(self, seconds: float) -> None:
        """Wait, and run the punctual task whenever it is due in the meantime."""
        end, shortest = self._clock.boot() + seconds, 0.0
        while self._punctual is not None:
            wait = max(self._punctual.seconds_left(), shortest)
            if wait >= end - self._clock.boot():
                break
            await self._clock.sleep(wait)
            shortest = _SHORTEST_WAIT
            try:
                await self._punctual.run()
            except UnknownOutcomeError as error:
                # The next round does what is left of it.
                self._observer.failed(self._punctual.name, error)
                break
        await self._clock.sleep(max(0.0, end - self._clock.boot()))
