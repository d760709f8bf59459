"""What Turnstile relies on inside FastStream and below it, tried with the real classes and no server."""

from importlib.metadata import version
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock, MagicMock

import aiormq
import pytest
from aio_pika import IncomingMessage, RobustConnection
from faststream.rabbit import RabbitBroker
from faststream.rabbit.broker import broker as broker_module
from faststream.rabbit.subscriber.usecase import RabbitSubscriber

from service_defaults.broker.faststream_internals import (
    connection_of,
    is_consuming,
    set_connection_class,
    set_consume,
)


@pytest.mark.parametrize(
    ("package", "tried"),
    [("faststream", "0.7.8"), ("aio-pika", "10.2.1"), ("aiormq", "7.2.4"), ("pamqp", "4.0.1")],
)
def test_the_private_names_are_those_of_this_version(package: str, tried: str) -> None:
    """With another version, read its changes, run the integration tests of the broker, then name it here."""
    assert version(package) == tried


class Connection(RobustConnection):
    """A class of our own."""


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> AsyncMock:
    """What stands in for aio-pika's way to connect."""
    made = AsyncMock(return_value=MagicMock(channel=AsyncMock()))
    monkeypatch.setattr(broker_module, "connect_robust", made)
    return made


async def test_a_broker_connects_with_the_class_it_was_given_and_names_its_connection(
    connect: AsyncMock,
) -> None:
    broker = RabbitBroker(logger=None)
    assert connection_of(broker) is None

    set_connection_class(broker, Connection)
    await broker.connect()

    assert connect.await_args is not None
    assert connect.await_args.kwargs["connection_class"] is Connection
    assert connection_of(broker) is connect.return_value


@pytest.fixture
def queue() -> AsyncMock:
    """A queue whose channel knows one consumer."""
    made = AsyncMock()
    made.consume.return_value = "tag"
    made.channel.is_closed = False
    made.channel.get_underlay_channel.return_value = SimpleNamespace(consumers={"tag": None})
    return made


@pytest.fixture
async def subscriber(queue: AsyncMock, connect: AsyncMock) -> RabbitSubscriber:
    """A subscriber that declares that queue when it starts."""
    broker = RabbitBroker(logger=None)
    made = broker.subscriber("queue")

    async def handle(body: str) -> None:
        """Do nothing."""

    made(handle)
    await broker.connect()
    broker.config.broker_config.declarer = AsyncMock(declare_queue=AsyncMock(return_value=queue))
    return made


async def test_a_subscriber_passes_messages_to_the_function_it_was_given(
    subscriber: RabbitSubscriber, queue: AsyncMock
) -> None:
    async def consume(message: IncomingMessage) -> Any:
        """Do nothing."""

    set_consume(subscriber, consume)
    await subscriber.start()
    assert queue.consume.await_args.args == (consume,)


async def test_a_subscriber_consumes_between_its_start_and_its_stop(subscriber: RabbitSubscriber) -> None:
    assert not await is_consuming(subscriber)
    await subscriber.start()
    assert await is_consuming(subscriber)
    await subscriber.stop()
    assert not await is_consuming(subscriber)


async def test_a_subscriber_whose_channel_lost_its_consumer_does_not_consume(
    subscriber: RabbitSubscriber, queue: AsyncMock
) -> None:
    await subscriber.start()
    queue.channel.get_underlay_channel.return_value = SimpleNamespace(consumers={"another": None})
    assert not await is_consuming(subscriber)
    queue.channel.is_closed = True
    assert not await is_consuming(subscriber)


async def test_a_channel_of_aiormq_keeps_its_consumers_by_their_tags(monkeypatch: pytest.MonkeyPatch) -> None:
    connector = MagicMock()
    monkeypatch.setattr(aiormq.Channel, "create_task", lambda _, reading: reading.close())
    connector.connection_tune.frame_max = 4096
    assert aiormq.Channel(connector, 1).consumers == {}
