"""Workers that do not all run the same jobs: pools, limits of a kind, and a property."""

import random
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from contracts.policies import DEFAULT_POOL, ByProperty
from coordination.clients.submission import NewJob

if TYPE_CHECKING:
    from tests.simulation.world import World

#: The part of all seeds in which workers differ.
_SHARE = 0.35


class Pools:
    """Says what each worker serves, drawn apart from everything else that the seed decides.

    The first worker serves every pool and has the property that some jobs want, so that all jobs can run; of
    what is not wanted by a job, no worker is there.
    """

    def __init__(self, world: "World") -> None:
        self._draw = random.Random(f"pools of {world.seed}")
        self._violate = world.history.violate
        setting = world.setting
        self.is_there = setting.pools and self._draw.random() < _SHARE
        choices = [(DEFAULT_POOL,), (DEFAULT_POOL,), ("gpu",), (DEFAULT_POOL, "gpu")]
        self._pools = {f"w{number}": self._draw.choice(choices) for number in range(setting.workers)}
        self._pools["w0"] = (DEFAULT_POOL, "gpu")
        # A trial kills one worker for good, and waits for another one.
        self._pools["w1"] = self._draw.choice([(DEFAULT_POOL,), (DEFAULT_POOL, "gpu")])
        self._limit = self._draw.choice([None, None, 1])
        self._running: Counter[str] = Counter()

    def of(self, worker: str) -> tuple[str, ...]:
        """Return the pools of a worker, by its own name or that of one of its processes."""
        return self._pools[worker.partition(".")[0]] if self.is_there else (DEFAULT_POOL,)

    def properties_of(self, worker: str) -> dict[str, str]:
        """Return the properties of a worker."""
        return {"machine": "premium"} if self.is_there and worker == "w0" else {}

    @property
    def limits(self) -> dict[str, int]:
        """The limits of kinds on each worker."""
        return {"known": self._limit} if self.is_there and self._limit else {}

    def placed(self, new: NewJob) -> NewJob:
        """Return a job with a pool, or a distribution, where it gets one."""
        if not self.is_there:
            return new
        if self._draw.random() < 0.3:
            new = replace(new, pool="gpu")
        if self._draw.random() < 0.15:
            policy = replace(new.policy, distribution=ByProperty("tier", "machine"))
            tier = self._draw.choice(["premium", "premium", ""])
            new = replace(new, policy=policy, properties='{"tier":"premium"}' if tier else "{}")
        return new

    def begins(self, process: str, kind: str) -> None:
        """Judge that a worker begins a run."""
        self._running[f"{process} {kind}"] += 1
        count, limit = self._running[f"{process} {kind}"], self.limits.get(kind)
        if limit is not None and count > limit:
            self._violate("pools", f"{process} runs {count} jobs of kind {kind}, and its limit is {limit}")

    def ends(self, process: str, kind: str) -> None:
        """Take the end of a run."""
        self._running[f"{process} {kind}"] -= 1
