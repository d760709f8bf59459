"""Those who are about to write the same table wait for each other, and never for long."""

import asyncio

import pytest
from tests.unit.audit_projector.doubles import World

from audit_projector.convoy import Convoy
from read_models.memory import InMemoryReadModels


class Travel:
    """Travellers of a convoy: each is under way until it is let go, then waits for the others."""

    def __init__(self, longest_seconds: float = 60.0) -> None:
        self.convoy = Convoy(longest_seconds)
        self.arrived: list[str] = []

    def set_out(self, name: str, road: asyncio.Event) -> "asyncio.Task[None]":
        return asyncio.create_task(self._travel(name, road))

    async def _travel(self, name: str, road: asyncio.Event) -> None:
        with self.convoy.under_way():
            await road.wait()
        await self.convoy.wait()
        self.arrived.append(name)


async def let_others_run() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_those_under_way_are_waited_for_and_all_go_on_at_once() -> None:
    travel, short, long = Travel(), asyncio.Event(), asyncio.Event()
    tasks = [travel.set_out("a", short), travel.set_out("b", short), travel.set_out("c", long)]
    await let_others_run()
    short.set()
    await let_others_run()
    assert travel.arrived == []
    long.set()
    await asyncio.gather(*tasks)
    assert sorted(travel.arrived) == ["a", "b", "c"]


async def test_who_is_alone_does_not_wait() -> None:
    travel, road = Travel(), asyncio.Event()
    road.set()
    for name in "ab":
        await travel.set_out(name, road)
    assert travel.arrived == ["a", "b"]


async def test_one_that_takes_long_is_waited_for_only_for_a_while() -> None:
    travel, short, long = Travel(longest_seconds=0.01), asyncio.Event(), asyncio.Event()
    short.set()
    late = travel.set_out("late", long)
    await asyncio.wait_for(travel.set_out("in time", short), 10)
    assert travel.arrived == ["in time"]
    # The next ones have a while of their own.
    await asyncio.wait_for(travel.set_out("next", short), 10)
    long.set()
    await late
    assert travel.arrived == ["in time", "next", "late"]


@pytest.mark.parametrize("end", ["fails", "is cancelled"])
async def test_one_that_does_not_arrive_keeps_nobody_waiting(end: str) -> None:
    travel, short, never = Travel(), asyncio.Event(), asyncio.Event()
    short.set()

    async def fail() -> None:
        with travel.convoy.under_way():
            await never.wait()
            raise OSError

    lost = asyncio.create_task(fail())
    await let_others_run()
    waiting = [travel.set_out(name, short) for name in "ab"]
    await let_others_run()
    # One that gives up waiting takes nobody's turn away either.
    waiting.pop().cancel()
    if end == "fails":
        never.set()
    else:
        lost.cancel()
    await asyncio.wait_for(waiting[0], 10)
    assert travel.arrived == ["a"]
    await asyncio.gather(lost, return_exceptions=True)


async def test_summaries_are_written_once_the_events_of_all_jobs_that_are_projected_together_are() -> None:
    calls: list[str] = []
    turns = iter(range(5, 50, 5))

    async def note(moment: str, name: str) -> None:
        if (moment, name) == ("before", "read_models.trail"):
            for _ in range(next(turns)):
                await asyncio.sleep(0)
        if name in {"read_models.trail", "read_models.summary"}:
            calls.append(f"{moment} {name}")

    world = World(models=InMemoryReadModels(note))
    jobs = [await world.submit() for _ in range(5)]
    await asyncio.gather(*map(world.project, jobs))
    assert calls[:10].count("after read_models.trail") == 5
    assert calls.count("after read_models.summary") == 5
