"""Finding a worker in the middle of a job, by the effects that arrive at the sink."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.chaos_stack import ChaosStack
from tests.e2e.services import Service


@dataclass(frozen=True)
class RunningJob:
    """A run in progress, and where."""

    worker: Service
    worker_pid: int
    runner_pid: int
    lock: str
    job_id: str
    fence: int
    step: str


class RunFinder:
    """Follows the sink's ledger."""

    def __init__(self, stack: ChaosStack, ledger: Path) -> None:
        self._stack = stack
        self._ledger = ledger
        self._offset = ledger.stat().st_size

    def find(self, is_wanted: Callable[[RunningJob], bool], within: float = 60.0) -> RunningJob | None:
        """Wait for the next effect, from now on, of a run that is wanted; return None when there is none."""
        deadline = time.monotonic() + within
        self._offset = self._ledger.stat().st_size
        while time.monotonic() < deadline:
            for victim in self._next():
                if is_wanted(victim):
                    return victim
            time.sleep(0.005)
        return None

    def _next(self) -> Iterator[RunningJob]:
        with self._ledger.open("rb") as file:
            file.seek(self._offset)
            lines = file.read().splitlines(keepends=True)
        for line in lines:
            if not line.endswith(b"\n"):
                break
            self._offset += len(line)
            effect = json.loads(line)
            worker = self._stack.worker_with(effect["worker"])
            if worker is not None and effect["accepted"]:
                yield RunningJob(
                    worker,
                    effect["worker"],
                    effect["runner"],
                    effect["key"],
                    effect["job"],
                    effect["fence"],
                    effect["step"],
                )
