"""A worker goes on listening, and hands over when it is told to stop, whatever RabbitMQ does."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest
from aio_pika.exceptions import ChannelInvalidStateError
from faststream.rabbit import RabbitBroker
from tests.waiting import until

from contracts.topology import Topology
from coordination.doorkeeper import Doorkeeper
from coordination.ports import Bell
from service_defaults import app
from service_defaults.broker import Intake, RabbitBell
from worker import bells as module
from worker.bells import Bells
from worker.main import hand_over

Change = Callable[[], Awaitable[None]]


async def done() -> None:
    return


async def given_up() -> None:
    raise asyncio.CancelledError


async def closed() -> None:
    raise ChannelInvalidStateError("the channel is closed")


async def hang() -> None:
    await asyncio.Event().wait()


async def break_down() -> None:
    raise ValueError("a bug")


class Consumer:
    """Starts and stops as it is told to, one way after the other; the last way goes on."""

    def __init__(self, *ways: Change) -> None:
        self.ways = list(ways)
        self.calls: list[str] = []

    def __call__(self, handler: object) -> None:
        return

    async def start(self) -> None:
        self.calls.append("start")
        await self._change()

    async def stop(self) -> None:
        self.calls.append("stop")
        await self._change()

    async def _change(self) -> None:
        way = self.ways.pop(0) if len(self.ways) > 1 else self.ways[0]
        await way()


class Room:
    """Stands in for the doorkeeper: room is free or not as a test says."""

    def __init__(self) -> None:
        self.is_free = True
        self.changed = asyncio.Condition()
        self.stopped_with: list[float] = []

    async def set_free(self, *, is_free: bool) -> None:
        async with self.changed:
            self.is_free = is_free
            self.changed.notify_all()

    async def until_room(self, *, is_free: bool) -> None:
        async with self.changed:
            await self.changed.wait_for(lambda: self.is_free is is_free)

    async def stop(self, grace: float) -> None:
        self.stopped_with.append(grace)


class SilentBell:
    """Has nothing to say."""

    is_closed = False

    async def aclose(self) -> None:
        self.is_closed = True


def make_bells(consumer: Consumer, room: Room) -> Bells:
    class Broker:
        def subscriber(self, *_: object, **__: object) -> Consumer:
            return consumer

    broker = cast("RabbitBroker", Broker())
    doorkeeper, bell = cast("Doorkeeper", room), cast("Bell", SilentBell())
    return Bells(broker, Topology("t"), cast("Intake", None), doorkeeper, bell, lambda _: None)


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PAUSE", 0.001)
    monkeypatch.setattr(module, "_CHANGE_SECONDS", 0.05)
    monkeypatch.setattr(module, "_STOP_SECONDS", 0.05)
    # It would end the test run.
    monkeypatch.setattr(app, "stop_as_failed", lambda: None)


@pytest.mark.parametrize("trouble", [given_up, closed, hang])
async def test_a_change_that_the_connection_prevents_is_made_later(trouble: Change) -> None:
    consumer, room = Consumer(trouble, trouble, done), Room()
    bells = make_bells(consumer, room)
    await bells.listen_while_there_is_room()
    await room.set_free(is_free=False)
    await until(lambda: consumer.calls == ["stop"] * 3)
    consumer.ways = [trouble, done]
    await room.set_free(is_free=True)
    await until(lambda: consumer.calls == [*["stop"] * 3, *["start"] * 2])
    await bells.stop()


@pytest.mark.parametrize("trouble", [given_up, closed, hang])
async def test_a_worker_hands_over_although_rabbitmq_does_not_answer(trouble: Change) -> None:
    room, bell = Room(), SilentBell()
    bells = make_bells(Consumer(trouble), room)
    await bells.listen_while_there_is_room()
    async with asyncio.timeout(1):
        await hand_over(bells, cast("Doorkeeper", room), cast("RabbitBell", bell), 3.0)
    assert room.stopped_with == [3.0]
    assert bell.is_closed


async def test_a_worker_that_just_changes_its_consumer_hands_over() -> None:
    consumer, room = Consumer(hang, closed), Room()
    bells = make_bells(consumer, room)
    await bells.listen_while_there_is_room()
    await room.set_free(is_free=False)
    await until(lambda: consumer.calls == ["stop"])
    await hand_over(bells, cast("Doorkeeper", room), cast("RabbitBell", SilentBell()), 0.0)
    assert room.stopped_with == [0.0]


async def test_a_worker_hands_over_even_when_a_bug_keeps_it_from_falling_silent() -> None:
    room = Room()
    bells = make_bells(Consumer(break_down), room)
    with pytest.raises(ValueError, match="a bug"):
        await hand_over(bells, cast("Doorkeeper", room), cast("Any", SilentBell()), 0.0)
    assert room.stopped_with == [0.0]


async def test_a_consumer_is_changed_again_only_after_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PAUSE", 0.05)
    consumer, room = Consumer(closed, closed, done), Room()
    bells = make_bells(consumer, room)
    began = asyncio.get_running_loop().time()
    await bells.listen_while_there_is_room()
    await room.set_free(is_free=False)
    await until(lambda: consumer.calls == ["stop"] * 3)
    assert asyncio.get_running_loop().time() - began >= 2 * 0.05
    await bells.stop()


async def test_a_worker_listens_again_whenever_there_is_room_and_only_then() -> None:
    consumer, room = Consumer(done), Room()
    bells = make_bells(consumer, room)
    await bells.listen_while_there_is_room()
    for _ in range(3):
        consumer.calls.clear()
        await room.set_free(is_free=False)
        await until(lambda: consumer.calls == ["stop"])
        await room.set_free(is_free=True)
        await until(lambda: consumer.calls == ["stop", "start"])
    await bells.stop()
    assert consumer.calls == ["stop", "start", "stop"]


async def test_a_worker_that_stopped_does_not_listen_again() -> None:
    consumer, room = Consumer(done), Room()
    bells = make_bells(consumer, room)
    await bells.listen_while_there_is_room()
    listening = bells._listening
    assert listening is not None
    await room.set_free(is_free=False)
    await until(lambda: consumer.calls == ["stop"])
    await bells.stop()
    assert listening.done()  # so nothing is left that could start the consumer
    assert consumer.calls == ["stop", "stop"]


async def test_a_worker_that_never_listened_stops_its_consumer_all_the_same() -> None:
    consumer = Consumer(done)
    await make_bells(consumer, Room()).stop()
    assert consumer.calls == ["stop"]


async def test_a_consumer_is_stopped_only_once_nothing_else_changes_it() -> None:
    consumer, room = Consumer(done), Room()

    async def slow_to_give_up() -> None:
        try:
            await hang()
        finally:
            for _ in range(5):
                await asyncio.sleep(0)
            consumer.calls.append("start given up")

    bells = make_bells(consumer, room)
    await bells.listen_while_there_is_room()
    await room.set_free(is_free=False)
    await until(lambda: consumer.calls == ["stop"])
    consumer.ways = [slow_to_give_up, done]
    await room.set_free(is_free=True)
    await until(lambda: consumer.calls == ["stop", "start"])
    await bells.stop()
    assert consumer.calls == ["stop", "start", "start given up", "stop"]
