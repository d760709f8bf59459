"""The runners of a pool that run no job, and those that end because they are not to run another one."""

import asyncio
from collections.abc import Iterator

from worker.execution.runner_process import RunnerProcess


class IdleRunners:
    """Keeps runners at rest."""

    def __init__(self) -> None:
        self._runners: list[RunnerProcess] = []
        self._endings: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._runners)

    def __iter__(self) -> Iterator[RunnerProcess]:
        return iter(self._runners)

    def add(self, runner: RunnerProcess) -> None:
        """Keep a runner that is at rest."""
        self._runners.append(runner)

    def discard(self, runner: RunnerProcess) -> None:
        """Forget a runner, if it is kept here."""
        if runner in self._runners:
            self._runners.remove(runner)

    def take(self, *, fresh: bool) -> RunnerProcess | None:
        """Take one; only one that has run no job when a `fresh` one is wanted, and else rather a used one.

        Return None when there is none of that sort.
        """
        sorts = (True,) if fresh else (False, True)
        for sort in sorts:
            for runner in reversed(self._runners):
                if runner.is_fresh == sort:
                    self._runners.remove(runner)
                    return runner
        return None

    def end_oldest(self, why: str) -> None:
        """End the runner that has been kept for the longest time."""
        self.end(self._runners.pop(0), why)

    def end(self, runner: RunnerProcess, why: str) -> None:
        """End a runner in order, in the background."""
        task = asyncio.create_task(runner.end_in_order(why))
        self._endings.add(task)
        task.add_done_callback(self._endings.discard)
