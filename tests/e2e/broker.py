"""RabbitMQ as somebody outside the installation uses it: sending, emptying and looking into queues."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import aio_pika
from aio_pika.abc import AbstractChannel

from contracts.topology import Topology

T = TypeVar("T")


@dataclass(frozen=True)
class SetAside:
    """A message found in quarantine."""

    body: bytes
    reason: str


@dataclass(frozen=True)
class Broker:
    """Talks to RabbitMQ, over a connection of its own each time."""

    url: str
    topology: Topology

    def send(self, exchange: str, routing_key: str, body: bytes) -> None:
        """Publish a persistent message and wait for its confirmation."""

        async def publish(channel: AbstractChannel) -> None:
            message = aio_pika.Message(body, delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
            await (await channel.get_exchange(exchange, ensure=False)).publish(message, routing_key)

        self.do(publish)

    def purge(self, queue: str) -> int:
        """Empty a queue; returns how many messages were ready in it."""

        async def purge(channel: AbstractChannel) -> int:
            answer = await (await channel.get_queue(queue, ensure=False)).purge()
            return int(answer.message_count or 0)

        return self.do(purge)

    def ready(self, queue: str) -> int:
        """Return how many messages wait in a queue."""

        async def look(channel: AbstractChannel) -> int:
            declared = await channel.declare_queue(queue, passive=True)
            return int(declared.declaration_result.message_count or 0)

        return self.do(look)

    def quarantined(self) -> list[SetAside]:
        """Take everything out of quarantine."""

        async def take(channel: AbstractChannel) -> list[SetAside]:
            queue = await channel.get_queue(self.topology.quarantine_queue, ensure=False)
            found = []
            while message := await queue.get(fail=False, no_ack=True):
                found.append(SetAside(message.body, str(message.headers.get("x-reason", ""))))
            return found

        return self.do(take)

    def do(self, what: Callable[[AbstractChannel], Awaitable[T]]) -> T:
        """Do something on a channel of a connection of its own."""

        async def do() -> T:
            connection: Any = await aio_pika.connect(self.url, timeout=10)
            async with connection:
                return await what(await connection.channel())

        # In a thread of its own, as a browser that a test controls has an event loop in this one.
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(asyncio.run, do()).result()
