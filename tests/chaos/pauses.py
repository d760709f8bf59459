"""Case: workers are frozen, whole or the supervisor alone, and wake up too late."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

import psutil
from tests.chaos.case import Case
from tests.chaos.running_jobs import RunFinder, RunningJob
from tests.chaos.verdict import Verdict
from tests.e2e.services import is_alive
from tests.e2e.stack import LEASE_SECONDS

_SHORTEST = 0.1

#: Pauses after which another worker has surely taken over, in lengths of a lease.
_LONG = 1.35

#: How often the runner wakes up first, when a whole worker was frozen: only then can it do something late.
_RUNNER_FIRST = 0.7


@dataclass(frozen=True)
class Pause:
    """A worker that was frozen."""

    victim: RunningJob
    is_whole: bool
    leases: float


class Pauses(Case):
    name = "pauses"

    def play(self) -> None:
        self.pauses: list[Pause] = []
        self._mutex = threading.Lock()
        self._frozen: set[str] = set()
        self._before = self.stack.writes_refused()
        with (
            self.load(None, 20, _errand, budget=self.steady(16 + self.sizes.pauses_at_once)) as load,
            ThreadPoolExecutor(self.sizes.pauses_at_once, thread_name_prefix="pauser") as pausers,
        ):
            for result in [pausers.submit(self._pause, length) for length in self._lengths()]:
                result.result()
            load.stop()

    def _lengths(self) -> list[float]:
        """Return lengths in leases: half anywhere, half so long that the lease is surely gone."""
        count = self.sizes.pauses
        longest = self.sizes.longest_pause
        found = [self.chance.uniform(_SHORTEST, longest) for _ in range(count // 2)]
        found += [self.chance.uniform(_LONG, longest) for _ in range(count - count // 2)]
        self.chance.shuffle(found)
        return found

    def _pause(self, leases: float) -> None:
        victim = self._choose()
        is_whole = self.chance.random() < 0.7
        self.pauses.append(Pause(victim, is_whole, leases))
        supervisor = psutil.Process(victim.worker_pid)
        family = [supervisor, *supervisor.children(recursive=True)] if is_whole else [supervisor]
        try:
            for process in family:
                with suppress(psutil.NoSuchProcess):
                    process.suspend()
            time.sleep(leases * LEASE_SECONDS)
        finally:
            self._wake(victim, family)
            self._frozen.discard(victim.worker.name)
        if len(self.pauses) % 10 == 0:
            self.say(f"{len(self.pauses)} pauses, {len(self.accepted)} jobs accepted")

    def _choose(self) -> RunningJob:
        finder = RunFinder(self.stack, self.folder / "effects.jsonl")
        while True:
            victim = finder.find(lambda victim: victim.worker.name not in self._frozen, within=120)
            assert victim is not None, "no job runs: nothing can be frozen"
            with self._mutex:
                if victim.worker.name not in self._frozen:
                    self._frozen.add(victim.worker.name)
                    return victim

    def _wake(self, victim: RunningJob, family: list[psutil.Process]) -> None:
        self.chance.shuffle(family)
        if self.chance.random() < _RUNNER_FIRST:
            family.sort(key=lambda process: process.pid != victim.runner_pid)
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.resume()
            time.sleep(self.chance.uniform(0, 0.25))

    def assess(self, verdict: Verdict) -> None:
        refused_effects = sum(
            not effect.accepted for lock in verdict.journals for effect in self.stack.sink.effects(lock)
        )
        # At least: a worker that died has taken its count along.
        writes = self.stack.writes_refused() - self._before
        late = sum(pause.leases > 1 for pause in self.pauses)
        survivors = sum(
            is_alive(psutil.Process(pause.victim.runner_pid))
            for pause in self.pauses
            if pause.leases > 1 and psutil.pid_exists(pause.victim.runner_pid)
        )
        self.figures |= {
            "pauses": len(self.pauses),
            "longer_than_a_lease": late,
            "stale_effects_refused": refused_effects,
            "stale_writes_refused": writes,
        }
        self.expect(survivors == 0, f"{survivors} runners outlived a pause longer than their lease")
        self.expect(
            refused_effects + writes >= self.sizes.refusals,
            f"only {refused_effects + writes} stale writes and effects were refused: this has shown little",
        )


def _errand(chance):
    return {"steps": 2, "seconds": round(chance.uniform(2, 4), 2), "careless": True}
