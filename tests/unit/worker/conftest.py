"""Worlds whose workers tell what they observe."""

import itertools
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from tests.unit.captured import Captured, capturing
from tests.unit.coordination.small_world import World

from coordination.observations import Observation
from coordination.testing.worker_directory import InMemoryWorkerDirectory
from worker.telemetry.observer import Telemetry

_numbers = itertools.count(1)


def new_traceparent() -> str:
    return f"00-{next(_numbers):032x}-{0xABC:016x}-01"


class Heard(list[Observation]):
    """Observations, told as they come."""

    def __init__(self, telemetry: Telemetry) -> None:
        super().__init__()
        self._telemetry = telemetry

    def append(self, observation: Observation) -> None:
        super().append(observation)
        self._telemetry.observe(observation)


@pytest.fixture
def captured() -> Iterator[Captured]:
    with capturing() as captured:
        yield captured


@pytest.fixture
async def telling_world(captured: Captured) -> AsyncIterator[Callable[..., World]]:
    made: list[World] = []

    def make(seed: int, workers: int = 1) -> World:
        world = World(seed, workers=0)
        for number in range(workers):
            world.observed = Heard(Telemetry(f"w{number}", world.journal, InMemoryWorkerDirectory()))
            world.workers.append(world.make_worker(f"w{number}"))
        made.append(world)
        return world

    yield make
    for world in made:
        await world.close()
