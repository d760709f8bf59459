"""Queues of others on RabbitMQ.

A message is ours as long as the connection stands, and at most for the broker's consumer timeout (30 minutes
unless it is set otherwise). Dead letters are copies with the reason in their headers: the broker's own way
keeps no reason, and drops what has no place to go.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager, suppress
from typing import Any

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage
from aio_pika.exceptions import CONNECTION_EXCEPTIONS, ChannelNotFoundEntity, DeliveryError
from yarl import URL

from input_adapters.rabbitmq_messages import dead_letter, delivery_of
from input_adapters.rabbitmq_source import RabbitMQSource
from inputs.input_types import InputType
from inputs.port import Delivery, DeliveryLostError, InputUnavailableError, Lag, Refusal
from service_defaults.broker.faststream_internals import tolerate_any_properties
from service_defaults.broker.lost_connections import lost_connections_as_errors

#: Seconds for a request.
_ANSWER_SECONDS = 10.0

#: Seconds between two heartbeats of the connection.
_HEARTBEAT_SECONDS = 10


class RabbitMQInput:
    """One queue of others on RabbitMQ."""

    holds_for: float | None = None

    def __init__(self, source: RabbitMQSource, at_once: int) -> None:
        self._source = source
        self._at_once = at_once
        self._connection: AbstractConnection | None = None
        self._channel: AbstractChannel | None = None
        self._tag: str | None = None
        #: What the broker has sent and nobody has pulled; None once the connection is lost.
        self._arrived: asyncio.Queue[AbstractIncomingMessage | None] = asyncio.Queue()
        self._connecting = asyncio.Lock()
        self._is_closed = False

    async def pull(self, limit: int, wait: float) -> list[Delivery]:
        """Return what has arrived, as soon as there is something."""
        async with _answering():
            await self._consume()
        found: list[AbstractIncomingMessage] = []
        with suppress(TimeoutError):
            async with asyncio.timeout(wait):
                found.append(self._usable(await self._arrived.get()))
        while found and len(found) < limit and not self._arrived.empty():
            message = self._arrived.get_nowait()
            if message is None:
                # What came before it is lost with the connection, as its settlement will show.
                self._arrived.put_nowait(None)
                break
            found.append(message)
        return [delivery_of(message) for message in found]

    def _usable(self, message: AbstractIncomingMessage | None) -> AbstractIncomingMessage:
        if message is None:
            self._arrived.put_nowait(None)
            raise InputUnavailableError("the connection to RabbitMQ was lost")
        return message

    async def accept(self, delivery: Delivery) -> None:
        """Acknowledge a message. RabbitMQ does not confirm that, and may deliver it again."""
        async with _settling():
            await self._message(delivery).ack()

    async def refuse(self, delivery: Delivery, refusal: Refusal) -> None:
        """Put a copy with the reason among the dead letters; acknowledge the message once RabbitMQ has it."""
        message = self._message(delivery)
        copy = dead_letter(message, refusal, self._source.queue)
        async with _settling():
            try:
                await self._open_channel().default_exchange.publish(
                    copy, self._source.dead_letters, timeout=_ANSWER_SECONDS
                )
            except DeliveryError:
                raise InputUnavailableError(
                    f"there is no queue {self._source.dead_letters!r} for dead letters; create it, or name "
                    "another one in source.dead_letters"
                ) from None
            await message.ack()

    async def give_back(self, delivery: Delivery) -> None:
        """Put a message back. From 4.3 on, RabbitMQ does not count that as a failed delivery."""
        async with _settling():
            await self._message(delivery).nack(requeue=True)

    async def keep(self, delivery: Delivery) -> None:
        """Do nothing but see that the message is still ours."""
        self._message(delivery)

    async def lag(self) -> Lag:
        """Return how many messages wait; RabbitMQ does not say since when."""
        async with _answering():
            waiting, _ = await self._look()
        return Lag(waiting)

    async def probe(self) -> None:
        """Ask for the queue, and see that it has our consumer if there was one."""
        async with _answering():
            _, consumers = await self._look()
            if self._tag is None:
                return
            underlying = await self._open_channel().get_underlay_channel()
        if not consumers or self._tag not in getattr(underlying, "consumers", {self._tag: None}):
            # As when the queue was deleted and made again.
            raise InputUnavailableError("RabbitMQ has ended the consumer")

    async def close(self) -> None:
        """Put back what was not pulled, and disconnect: the broker puts back the rest."""
        self._is_closed = True
        self._arrived.put_nowait(None)
        if self._connection is not None:
            await _in_any_case(self._put_back())
            await _in_any_case(self._connection.close())

    async def _put_back(self) -> None:
        if self._channel is not None and self._tag is not None:
            await (await self._channel.get_underlay_channel()).basic_cancel(self._tag)
        while not self._arrived.empty():
            message = self._arrived.get_nowait()
            if message is not None:
                await message.nack(requeue=True)

    async def _connected(self) -> AbstractConnection:
        async with self._connecting:
            if self._is_closed:
                raise InputUnavailableError("the input was closed")
            if self._connection is None:
                tolerate_any_properties()
                address = URL(self._source.url.get_secret_value())
                heard = address.update_query({"heartbeat": str(_HEARTBEAT_SECONDS), **address.query})
                self._connection = await aio_pika.connect(
                    str(heard), client_properties={"connection_name": "turnstile-ingress"}
                )
            return self._connection

    async def _consume(self) -> None:
        connection = await self._connected()
        if self._channel is not None:
            return
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        channel.close_callbacks.add(self._lost)
        # No more than can be handled: what waits in the broker is there for other instances.
        await channel.set_qos(prefetch_count=self._at_once)
        queue = await channel.get_queue(self._source.queue)
        self._channel = channel
        self._tag = await queue.consume(self._arrived.put)

    async def _look(self) -> tuple[int | None, int | None]:
        """Return how many messages the queue has, and how many consumers."""
        connection = await self._connected()
        async with connection.channel() as channel:
            queue = await channel.declare_queue(self._source.queue, passive=True)
        return queue.declaration_result.message_count, queue.declaration_result.consumer_count

    def _lost(self, *_: Any) -> None:
        self._arrived.put_nowait(None)

    def _open_channel(self) -> AbstractChannel:
        if self._channel is None or self._channel.is_closed:
            raise InputUnavailableError("the connection to RabbitMQ was lost")
        return self._channel

    def _message(self, delivery: Delivery) -> AbstractIncomingMessage:
        """Return the message of a delivery that is still ours."""
        if self._is_closed or self._channel is None or self._channel.is_closed:
            raise DeliveryLostError("the connection to RabbitMQ was lost, so the message is delivered again")
        message: AbstractIncomingMessage = delivery.handle
        if message.processed:
            raise DeliveryLostError("the message was settled already")
        return message


@asynccontextmanager
async def _answering() -> AsyncGenerator[None]:
    try:
        with lost_connections_as_errors():
            async with asyncio.timeout(_ANSWER_SECONDS):
                yield
    except ChannelNotFoundEntity as error:
        raise InputUnavailableError(f"{error}; create the queue, or correct source.queue") from error
    except CONNECTION_EXCEPTIONS as error:
        raise InputUnavailableError(f"RabbitMQ does not answer: {error!r}") from error


@asynccontextmanager
async def _settling() -> AsyncGenerator[None]:
    try:
        with lost_connections_as_errors():
            async with asyncio.timeout(_ANSWER_SECONDS):
                yield
    except TimeoutError:
        raise InputUnavailableError("RabbitMQ does not answer") from None
    except CONNECTION_EXCEPTIONS as error:
        raise DeliveryLostError(f"the connection to RabbitMQ was lost: {error!r}") from error


async def _in_any_case(work: Awaitable[object]) -> None:
    """Do what can be done of the end of a connection."""
    with suppress(*CONNECTION_EXCEPTIONS), lost_connections_as_errors():
        async with asyncio.timeout(_ANSWER_SECONDS):
            await work


def _open(source: RabbitMQSource, at_once: int) -> RabbitMQInput:
    return RabbitMQInput(source, at_once)


RABBITMQ = InputType(RabbitMQSource, _open)
