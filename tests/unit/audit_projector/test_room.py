"""How many jobs are projected at the same time, depending on how the storage does."""

import asyncio

import pytest

from audit_projector.room import Room
from coordination.clock import VirtualClock
from coordination.ports import UnknownOutcomeError


class Visit:
    """A job in the room, until it is told to leave."""

    def __init__(self, room: Room) -> None:
        self.is_inside = False
        self._leave: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.task = asyncio.create_task(self._go(room))

    async def _go(self, room: Room) -> None:
        async with room.place():
            self.is_inside = True
            try:
                await self._leave
            finally:
                self.is_inside = False

    async def leave(self, error: Exception | None = None) -> None:
        if error is None:
            self._leave.set_result(None)
        else:
            self._leave.set_exception(error)
        await asyncio.wait([self.task])
        if error is not None:
            assert self.task.exception() is error
        await settled()


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def entered(room: Room, count: int) -> list[Visit]:
    visits = [Visit(room) for _ in range(count)]
    await settled()
    return visits


def inside(visits: list[Visit]) -> int:
    return sum(visit.is_inside for visit in visits)


async def test_there_is_room_for_so_many_and_the_next_enters_when_one_leaves() -> None:
    room = Room(VirtualClock(), most=2, least=1)
    visits = await entered(room, 3)
    assert [visit.is_inside for visit in visits] == [True, True, False]
    await visits[0].leave()
    assert [visit.is_inside for visit in visits] == [False, True, True]


async def test_a_failure_halves_the_room_once_for_all_who_were_inside() -> None:
    clock = VirtualClock()
    room = Room(clock, most=8, least=1)
    visits = await entered(room, 8)
    await clock.advance(1)
    for visit in visits[:4]:
        await visit.leave(UnknownOutcomeError("no answer"))
    assert room.size == 4


async def test_a_slow_job_halves_the_room_as_well() -> None:
    clock = VirtualClock()
    room = Room(clock, most=8, least=1)
    (visit,) = await entered(room, 1)
    await clock.advance(2.5)
    await visit.leave()
    assert room.size == 4


async def test_it_never_gets_smaller_than_its_least_and_grows_by_one_for_each_quick_job() -> None:
    clock = VirtualClock()
    room = Room(clock, most=8, least=3)
    for _ in range(4):
        (visit,) = await entered(room, 1)
        await clock.advance(2.5)
        await visit.leave()
    assert room.size == 3
    for expected in (4, 5, 6, 7, 8, 8):
        (visit,) = await entered(room, 1)
        await visit.leave()
        assert room.size == expected


async def test_who_waits_enters_only_when_less_than_the_smaller_room_holds_are_inside() -> None:
    clock = VirtualClock()
    room = Room(clock, most=4, least=1)
    visits = await entered(room, 5)
    await clock.advance(1)
    await visits[0].leave(UnknownOutcomeError("no answer"))
    assert inside(visits) == 3
    await visits[1].leave()
    assert (room.size, inside(visits)) == (3, 3)


async def test_who_is_cancelled_while_it_waits_or_is_let_in_takes_nobodys_place() -> None:
    room = Room(VirtualClock(), most=1, least=1)
    visits = await entered(room, 3)
    visits[1].task.cancel()
    await settled()
    # Let in and cancelled in the same moment.
    visits[0]._leave.set_result(None)
    await asyncio.sleep(0)
    visits[2].task.cancel()
    await settled()
    (last,) = await entered(room, 1)
    assert last.is_inside


async def test_an_error_that_says_nothing_of_the_storage_changes_nothing() -> None:
    room = Room(VirtualClock(), most=4, least=1)
    (visit,) = await entered(room, 1)
    await visit.leave(ValueError("a fault"))
    assert room.size == 4


@pytest.mark.parametrize("most", [1, 512])
async def test_many_jobs_go_through_whatever_the_room(most: int) -> None:
    room, done = Room(VirtualClock(), most=most, least=1), []

    async def go(number: int) -> None:
        async with room.place():
            await asyncio.sleep(0)
            done.append(number)

    await asyncio.gather(*(go(number) for number in range(1000)))
    assert done == list(range(1000))
