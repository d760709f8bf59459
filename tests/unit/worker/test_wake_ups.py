"""A worker goes on listening, and hands over when it is told to stop, whatever RabbitMQ does."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest
from aio_pika.exceptions import ChannelInvalidStateError
from faststream.rabbit import RabbitBroker
from tests.waiting import until

from contracts.topology import Topology
from coordination.holder.dispatcher import LockDispatcher
from coordination.ports import Notifier
from service_defaults import app
from service_defaults.broker import MessageReader, RabbitNotifier
from worker import wake_ups as module
from worker.main import hand_over
from worker.wake_ups import WakeUps

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
    """Stands in for the dispatcher: room is free or not as a test says."""

    def __init__(self) -> None:
        self.is_free = True
        self.changed = asyncio.Condition()
        self.stopped_with: list[float] = []

    async def set_free(self, *, is_free: bool) -> None:
        async with self.changed:
            self.is_free = is_free
            self.changed.notify_all()

    async def until_capacity(self, *, is_free: bool) -> None:
        async with self.changed:
            await self.changed.wait_for(lambda: self.is_free is is_free)

    async def stop(self, grace: float) -> None:
        self.stopped_with.append(grace)


class SilentNotifier:
    """Has nothing to say."""

    is_closed = False

    async def aclose(self) -> None:
        self.is_closed = True


def make_wake_ups(consumer: Consumer, room: Room) -> WakeUps:
    class Broker:
        def subscriber(self, *_: object, **__: object) -> Consumer:
            return consumer

    broker = cast("RabbitBroker", Broker())
    dispatcher, notifier = cast("LockDispatcher", room), cast("Notifier", SilentNotifier())
    return WakeUps(broker, Topology("t"), cast("MessageReader", None), dispatcher, notifier, lambda _: None)


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
    wake_ups = make_wake_ups(consumer, room)
    await wake_ups.listen_while_there_is_capacity()
    await room.set_free(is_free=False)
    await until(lambda: consumer.calls == ["stop"] * 3)
    consumer.ways = [trouble, done]
    await room.set_free(is_free=True)
    await until(lambda: consumer.calls == [*["stop"] * 3, *["start"] * 2])
    await wake_ups.stop()


@pytest.mark.parametrize("trouble", [given_up, closed, hang])
async def test_a_worker_hands_over_although_rabbitmq_does_not_answer(trouble: Change) -> None:
    room, notifier = Room(), SilentNotifier()
    wake_ups = make_wake_ups(Consumer(trouble), room)
    await wake_ups.listen_while_there_is_capacity()
    async with asyncio.timeout(1):
        await hand_over(wake_ups, cast("LockDispatcher", room), cast("RabbitNotifier", notifier), 3.0)
    assert room.stopped_with == [3.0]
    assert notifier.is_closed


async def test_a_worker_that_just_changes_its_consumer_hands_over() -> None:
    consumer, room = Consumer(hang, closed), Room()
    wake_ups = make_wake_ups(consumer, room)
    await wake_ups.listen_while_there_is_capacity()
    await room.set_free(is_free=False)
    await until(lambda: consumer.calls == ["stop"])
    await hand_over(wake_ups, cast("LockDispatcher", room), cast("RabbitNotifier", SilentNotifier()), 0.0)
    assert room.stopped_with == [0.0]


async def test_a_worker_hands_over_even_when_a_bug_keeps_it_from_falling_silent() -> None:
    room = Room()
    wake_ups = make_wake_ups(Consumer(break_down), room)
    with pytest.raises(ValueError, match="a bug"):
        await hand_over(wake_ups, cast("LockDispatcher", room), cast("Any", SilentNotifier()), 0.0)
    assert room.stopped_with == [0.0]


async def test_a_consumer_is_changed_again_only_after_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PAUSE", 0.05)
    consumer, room = Consumer(closed, closed, done), Room()
    wake_ups = make_wake_ups(consumer, room)
    began = asyncio.get_running_loop().time()
    await wake_ups.listen_while_there_is_capacity()
    await room.set_free(is_free=False)
    await until(lambda: consumer.calls == ["stop"] * 3)
    assert asyncio.get_running_loop().time() - began >= 2 * 0.05
    await wake_ups.stop()


async def test_a_worker_listens_again_whenever_there_is_room_and_only_then() -> None:
    consumer, room = Consumer(done), Room()
    wake_ups = make_wake_ups(consumer, room)
    await wake_ups.listen_while_there_is_capacity()
    for _ in range(3):
        consumer.calls.clear()
        await room.set_free(is_free=False)
        await until(lambda: consumer.calls == ["stop"])
        await room.set_free(is_free=True)
        await until(lambda: consumer.calls == ["stop", "start"])
    await wake_ups.stop()
    assert consumer.calls == ["stop", "start", "stop"]


async def test_a_worker_that_stopped_does_not_listen_again() -> None:
    consumer, room = Consumer(done), Room()
    wake_ups = make_wake_ups(consumer, room)
    await wake_ups.listen_while_there_is_capacity()
    listening = wake_ups._listening
    assert listening is not None
    await room.set_free(is_free=False)
    await until(lambda: consumer.calls == ["stop"])
    await wake_ups.stop()
    assert listening.done()  # so nothing is left that could start the consumer
    assert consumer.calls == ["stop", "stop"]


async def test_a_worker_that_never_listened_stops_its_consumer_all_the_same() -> None:
    consumer = Consumer(done)
    await make_wake_ups(consumer, Room()).stop()
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

    wake_ups = make_wake_ups(consumer, room)
    await wake_ups.listen_while_there_is_capacity()
    await room.set_free(is_free=False)
    await until(lambda: consumer.calls == ["stop"])
    consumer.ways = [slow_to_give_up, done]
    await room.set_free(is_free=True)
    await until(lambda: consumer.calls == ["stop", "start"])
    await wake_ups.stop()
    assert consumer.calls == ["stop", "start", "start given up", "stop"]
