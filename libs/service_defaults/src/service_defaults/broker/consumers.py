"""Whether a service still consumes: a connection can come back without its consumers."""

import asyncio
import logging
from collections.abc import Callable, Iterator

from aio_pika.exceptions import CONNECTION_EXCEPTIONS
from faststream.rabbit import RabbitBroker
from faststream.rabbit.subscriber.usecase import RabbitSubscriber

from contracts.telemetry import attributes as at
from service_defaults.broker.faststream_internals import connection_of, is_consuming
from service_defaults.broker.lost_connections import lost_connections_as_errors

logger = logging.getLogger(__name__)

_PROBE_SECONDS = 5.0


class NotConsumingError(Exception):
    """RabbitMQ does not answer, or a subscriber that should consume does not."""


async def probe(broker: RabbitBroker, *, consumes: bool) -> None:
    """Raise NotConsumingError when RabbitMQ does not answer a request, or a running subscriber is deaf.

    With `consumes`, every running subscriber needs its consumer; one stopped on purpose does not count.
    """
    connection = connection_of(broker)
    if connection is None or not connection.connected.is_set():
        raise NotConsumingError("not connected to RabbitMQ")
    try:
        with lost_connections_as_errors():
            async with connection.channel() as channel:
                for subscriber in running(broker) if consumes else ():
                    queue = await channel.declare_queue(subscriber.queue.name, passive=True, robust=False)
                    if queue.declaration_result.consumer_count == 0 or not await is_consuming(subscriber):
                        raise NotConsumingError(
                            f"no consumer is active on the queue {subscriber.queue.name} here"
                        )
    except CONNECTION_EXCEPTIONS as error:
        raise NotConsumingError(f"RabbitMQ does not answer: {error!r}") from error


def running(broker: RabbitBroker) -> Iterator[RabbitSubscriber]:
    """Return the subscribers that are meant to consume now."""
    for subscriber in broker.subscribers:
        if isinstance(subscriber, RabbitSubscriber) and subscriber.running:
            yield subscriber


class ConsumerWatchdog:
    """Connects again when subscribers went deaf, and has the process end when that does not help.

    aio-pika can come back connected with no consumers after the broker restarted (mosquito/aio-pika issues
    231 and 563): such a service looks healthy and does nothing.
    """

    def __init__(self, broker: RabbitBroker, give_up: Callable[[], None], every: float = 15.0) -> None:
        self._broker = broker
        self._give_up = give_up
        self._every = every
        self._deaf = 0

    async def run(self) -> None:
        """Check again and again, until cancelled."""
        while True:
            await asyncio.sleep(self._every)
            await self.check()

    async def check(self) -> None:
        """Check once: the second time in a row connects again, the fourth gives up.

        A broker that is away or slow is not a reason: the connection comes back by itself.
        """
        connection = connection_of(self._broker)
        if connection is None or not connection.connected.is_set():
            self._deaf = 0
            return
        try:
            async with asyncio.timeout(_PROBE_SECONDS):
                await probe(self._broker, consumes=True)
            self._deaf = 0
            return
        except TimeoutError:
            return
        except NotConsumingError as error:
            self._deaf += 1
            logger.warning("not consuming", extra={at.ERROR_MESSAGE: repr(error)})
        if self._deaf == 2:
            await self._connect_again()
        elif self._deaf >= 4:
            logger.critical("not consuming even over a new connection: shutting down")
            self._give_up()

    async def _connect_again(self) -> None:
        """Make every channel and consumer again; a subscriber that is started again keeps its old channel."""
        connection = connection_of(self._broker)
        try:
            with lost_connections_as_errors():
                async with asyncio.timeout(_PROBE_SECONDS):
                    if connection is not None:
                        await connection.reconnect()
        except (*CONNECTION_EXCEPTIONS, TimeoutError) as error:
            logger.warning("reconnecting failed", extra={at.ERROR_MESSAGE: repr(error)})
