"""Those who set limits of locks while jobs start there."""

import random
from typing import TYPE_CHECKING

from coordination.ports import UnknownOutcomeError

if TYPE_CHECKING:
    from tests.simulation.world import World

#: The part of all seeds in which some locks have limits.
_SHARE = 0.3

#: The part of the workers that know slot 0 only, in worlds with limits.
_OLD = 0.2


class Limiters:
    """Sets limits, drawn apart from everything else that the seed decides."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._draw = random.Random(f"limits of {world.seed}")
        setting = world.setting
        #: Whether any lock gets a limit.
        self.is_there = setting.limits and self._draw.random() < _SHARE
        self._locks = [f"L{number}" for number in range(setting.locks) if self._draw.random() < 0.7]
        #: Not the first, as only a worker that knows other slots takes over what was cut off there.
        self._old = {f"w{number}" for number in range(1, setting.workers) if self._draw.random() < _OLD}

    def is_old(self, worker: str) -> bool:
        """Return whether a worker is of a release that knows slot 0 only."""
        return self.is_there and worker in self._old

    def end_update(self) -> None:
        """Replace all workers that know slot 0 only."""
        old, self._old = self._old, set()
        for worker in self._world.workers:
            if self.is_there and worker.name in old:
                worker.kill()
                worker.start_again()

    def plan(self) -> None:
        """Spread changes over the troubled time, the first of them early."""
        if not self.is_there or not self._locks:
            return
        draw, troubled = self._draw, self._world.setting.troubled
        for lock in self._locks:
            times = [
                draw.uniform(0.0, 5.0),
                *(draw.uniform(0.0, troubled) for _ in range(draw.randint(0, 6))),
            ]
            for at in times:
                limit = draw.choice([1, 2, 2, 3, 4])
                self._world.clients.later(at, lambda lock=lock, limit=limit: self._set(lock, limit))  # type: ignore[misc]

    def _set(self, lock: str, limit: int) -> None:
        self._world.clients.spawn(self._insist(lock, limit))

    async def _insist(self, lock: str, limit: int) -> None:
        world = self._world
        publisher = self._draw.choice(world.publishers)
        try:
            done = await world.clients.ask(
                publisher, lambda: publisher.limiter.set(lock, limit, "limiter", "simulated")
            )
        except UnknownOutcomeError:
            world.injected["limit: unknown"] += 1
            return
        if done.record is not None:
            kind = "lowered" if done.record.limit < done.record.previous else "raised"
            world.injected[f"limit {kind}"] += 1
