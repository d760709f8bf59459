"""Foreign queues as their senders and their owners see them, for the conformance suite of inputs."""

import asyncio
import base64
import json
import uuid
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import aio_pika
from aio_pika.abc import AbstractChannel
from pydantic import SecretStr
from tests.conformance.mns_server import KEY_ID, SECRET, MnsServer

from coordination.clock import VirtualClock
from input_adapters.mns import MnsInput
from input_adapters.mns_source import MnsSource
from input_adapters.rabbitmq import RabbitMQInput
from input_adapters.rabbitmq_messages import EXPLANATION, REASON
from input_adapters.rabbitmq_source import RabbitMQSource
from inputs.port import Input
from inputs.testing.in_memory import InMemoryInput, InMemoryQueue

ResultT = TypeVar("ResultT")

#: Messages that an input may have in hand.
AT_ONCE = 5


@dataclass(frozen=True)
class DeadLetter:
    """A dead letter as the owner of the queue sees it."""

    body: bytes
    message_id: str | None
    reason: str
    explanation: str


class ForeignQueue(Protocol):
    """A queue of its own for one test."""

    #: Whether messages have properties, and ids that their senders give them.
    has_properties: bool

    def input(self) -> Input:
        """Return another receiver; all are closed at the end."""

    async def send(
        self, body: bytes, message_id: str = "m-1", properties: Mapping[str, str] | None = None
    ) -> str:
        """Send a message, and return the id that it has once the queue has it."""

    async def dead(self) -> list[DeadLetter]:
        """Return the dead letters."""

    async def pass_time(self, seconds: float) -> None:
        """Let time pass for the queue."""

    async def in_time(self, work: Awaitable[ResultT]) -> ResultT:
        """Return what some work returns, with time passing as it must."""


class QueueInMemory:
    """The double."""

    has_properties = True

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.queue = InMemoryQueue(self.clock)

    def input(self) -> Input:
        return InMemoryInput(self.queue)

    async def send(
        self, body: bytes, message_id: str = "m-1", properties: Mapping[str, str] | None = None
    ) -> str:
        self.queue.send(body, message_id, properties=properties)
        return message_id

    async def dead(self) -> list[DeadLetter]:
        return [
            DeadLetter(letter.body, letter.message_id, refusal.reason, refusal.explanation)
            for letter, refusal in self.queue.dead
        ]

    async def pass_time(self, seconds: float) -> None:
        await self.clock.advance(seconds)

    async def in_time(self, work: Awaitable[ResultT]) -> ResultT:
        working = asyncio.ensure_future(work)
        while not working.done():
            await self.clock.advance(0.1)
        return working.result()


class QueueOnMns:
    """A queue of the stand-in for MNS."""

    has_properties = False

    def __init__(self, server: MnsServer, endpoint: str) -> None:
        self._server = server
        self._inputs: list[MnsInput] = []
        self.source = MnsSource.model_construct(
            endpoint=endpoint,
            access_key_id=SecretStr(KEY_ID),
            access_key_secret=SecretStr(SECRET),
            queue="orders",
            dead_letters="orders-dead",
            body="base64",
        )
        server.queues |= {"orders": [], "orders-dead": []}

    async def close(self) -> None:
        for input_ in self._inputs:
            await input_.close()

    def input(self) -> Input:
        self._inputs.append(MnsInput(self.source))
        return self._inputs[-1]

    async def send(
        self, body: bytes, message_id: str = "m-1", properties: Mapping[str, str] | None = None
    ) -> str:
        return self._server.send("orders", base64.b64encode(body).decode())

    async def dead(self) -> list[DeadLetter]:
        letters = [json.loads(message.body) for message in self._server.queues["orders-dead"]]
        return [
            DeadLetter(
                base64.b64decode(each["body"]), each["message_id"], each["reason"], each["explanation"]
            )
            for each in letters
        ]

    async def pass_time(self, seconds: float) -> None:
        self._server.ahead += seconds

    async def in_time(self, work: Awaitable[ResultT]) -> ResultT:
        # What was given back comes a second later.
        self._server.ahead += 1.0
        return await work


class QueueOnRabbitMQ:
    """A quorum queue, as most owners have, and a queue for its dead letters."""

    has_properties = True

    def __init__(self, url: str, channel: AbstractChannel) -> None:
        name = f"foreign.{uuid.uuid4().hex[:12]}"
        self._channel = channel
        self._inputs: list[RabbitMQInput] = []
        self.source = RabbitMQSource.model_construct(
            url=SecretStr(url), queue=name, dead_letters=f"{name}.dead"
        )

    async def declare(self) -> None:
        for name in (self.source.queue, self.source.dead_letters):
            await self._channel.declare_queue(name, durable=True, arguments={"x-queue-type": "quorum"})

    async def delete(self) -> None:
        for input_ in self._inputs:
            await input_.close()
        for name in (self.source.queue, self.source.dead_letters):
            await self._channel.queue_delete(name)

    def input(self) -> Input:
        self._inputs.append(RabbitMQInput(self.source, AT_ONCE))
        return self._inputs[-1]

    async def send(
        self, body: bytes, message_id: str = "m-1", properties: Mapping[str, str] | None = None
    ) -> str:
        headers: dict[str, Any] = dict(properties or {})
        message = aio_pika.Message(body, message_id=message_id, headers=headers)
        await self._channel.default_exchange.publish(message, self.source.queue)
        return message_id

    async def dead(self) -> list[DeadLetter]:
        queue = await self._channel.get_queue(self.source.dead_letters)
        found = []
        while (message := await queue.get(fail=False, no_ack=True)) is not None:
            headers = message.headers
            reason, explanation = str(headers[REASON]), str(headers[EXPLANATION])
            found.append(DeadLetter(message.body, message.message_id, reason, explanation))
        return found

    async def pass_time(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def in_time(self, work: Awaitable[ResultT]) -> ResultT:
        return await work
