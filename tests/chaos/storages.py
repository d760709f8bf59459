"""Case: the storage is killed in the middle of writes, and started again on what it had kept."""

import time

from tests.chaos.case import Case
from tests.chaos.verdict import Verdict
from tests.e2e.waiting import until

_STEPS = 10
#: Jobs that come in between two kills, and jobs that are not over when the next kill comes, at most.
_JOBS = 10
_MOST_ACTIVE = 30
#: Seconds that the storage is away at most. A lease lasts longer: a run may survive it, or not.
_LONGEST_AWAY = 6.0
_PATIENCE_SECONDS = 120.0


class Storage(Case):
    name = "storage"
    patience = 150.0

    def play(self) -> None:
        self._kills = 0
        self._starts: list[float] = []
        with self.load(None, 8, _errand, budget=self._budget) as load:
            while self._kills < self.sizes.storage_kills:
                until(self._is_midway, _PATIENCE_SECONDS, "jobs to come in and others to end")
                self._kill()
                if self._kills % 10 == 0:
                    self.say(f"{self._kills} kills, {len(self.accepted)} jobs accepted")
            load.stop()

    def _budget(self) -> float:
        return _JOBS * (self._kills + 1)

    def _is_midway(self) -> bool:
        active = self.stack.active_jobs()
        return 0 < len(active) <= _MOST_ACTIVE and len(self.accepted) >= self._budget() - _JOBS / 2

    def _kill(self) -> None:
        time.sleep(self.chance.uniform(0, 0.5))
        self.stack.azurite.kill()
        self._kills += 1
        time.sleep(self.chance.uniform(0, _LONGEST_AWAY))
        began = time.monotonic()
        self.stack.azurite.start()
        self._starts.append(round(time.monotonic() - began, 1))

    def assess(self, verdict: Verdict) -> None:
        starts = sorted(self._starts)
        middle = starts[len(starts) // 2]
        self.figures |= {"kills": self._kills, "start_median": middle, "start_slowest": starts[-1]}


def _errand(chance):
    return {"steps": _STEPS, "seconds": round(chance.uniform(0.02, 0.1), 2)}
