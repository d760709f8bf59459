"""Wake-ups of one lock: one on its way, one behind it, and everyone waits for one sent after they asked."""

import asyncio

import pytest

from coordination.ports import WakeUp
from service_defaults.broker.wake_ups import SharedWakeUps


class Wire:
    """Holds what is sent until a test lets it through."""

    def __init__(self) -> None:
        self.sent: list[str | None] = []
        self.is_confirmed = True
        self._through = asyncio.Semaphore(0)

    async def send(self, wake_up: WakeUp) -> bool:
        self.sent.append(wake_up.job_id)
        await self._through.acquire()
        return self.is_confirmed

    def let(self, messages: int) -> None:
        for _ in range(messages):
            self._through.release()


async def turns() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def asked(
    wake_ups: SharedWakeUps, job_id: str, lock: str = "l", *, released: bool = False
) -> asyncio.Task[bool]:
    return asyncio.create_task(wake_ups.send(WakeUp(lock, job_id, released=released)))


async def test_of_many_wake_ups_one_is_on_its_way_and_the_newest_behind_it() -> None:
    wire = Wire()
    wake_ups = SharedWakeUps(wire.send, 5)
    first = asked(wake_ups, "a")
    await turns()
    others = [asked(wake_ups, name) for name in "bcd"]
    await turns()
    assert wire.sent == ["a"]
    assert not first.done()
    wire.let(9)
    assert await asyncio.gather(first, *others) == [True] * 4
    assert wire.sent == ["a", "d"]


async def test_nobody_is_content_with_a_wake_up_that_was_on_its_way_before() -> None:
    wire = Wire()
    wake_ups = SharedWakeUps(wire.send, 5)
    first = asked(wake_ups, "a")
    await turns()
    second = asked(wake_ups, "b")
    await turns()
    wire.let(1)
    await first
    await turns()
    assert wire.sent == ["a", "b"]
    assert not second.done()
    wire.let(9)
    await second


async def test_locks_and_locks_just_given_back_do_not_wait_for_each_other() -> None:
    wire = Wire()
    wake_ups = SharedWakeUps(wire.send, 5)
    tasks = [asked(wake_ups, "a"), asked(wake_ups, "b", "m"), asked(wake_ups, "c", released=True)]
    await turns()
    assert sorted(map(str, wire.sent)) == ["a", "b", "c"]
    wire.let(9)
    await asyncio.gather(*tasks)


async def test_a_caller_that_gives_up_takes_the_wake_up_from_nobody() -> None:
    wire = Wire()
    wake_ups = SharedWakeUps(wire.send, 5)
    first, second, third = asked(wake_ups, "a"), asked(wake_ups, "b"), asked(wake_ups, "c")
    await turns()
    second.cancel()
    wire.let(9)
    await asyncio.gather(first, third)
    with pytest.raises(asyncio.CancelledError):
        await second
    assert wire.sent[-1] == "c"


async def test_nobody_waits_longer_than_the_timeout() -> None:
    wire = Wire()
    wake_ups = SharedWakeUps(wire.send, 0.01)
    async with asyncio.timeout(30):
        assert [*await asyncio.gather(asked(wake_ups, "a"), asked(wake_ups, "b"))] == [False, False]
    wire.let(9)
    await turns()


async def test_all_who_wait_for_a_wake_up_learn_that_it_was_not_confirmed() -> None:
    wire = Wire()
    wire.is_confirmed = False
    wire.let(9)
    wake_ups = SharedWakeUps(wire.send, 30)
    assert await asyncio.gather(*(asked(wake_ups, name) for name in "abc")) == [False] * 3
