"""Periodic tasks, and the rounds in which the scheduler on duty runs them."""

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from coordination.ports import Clock, UnknownOutcomeError
from scheduler.observer import Observer


@dataclass(frozen=True)
class Periodic:
    """A task and its period in seconds, from start to start.

    `run` raises UnknownOutcomeError when the storage does not answer, and is then called in the next round.
    """

    name: str
    every: float
    run: Callable[[], Awaitable[None]]


class Rounds:
    """Runs those tasks that are due, in their order. The shortest period is the time between two rounds."""

    def __init__(self, tasks: Sequence[Periodic], clock: Clock, observer: Observer) -> None:
        self.seconds = min(task.every for task in tasks)
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
