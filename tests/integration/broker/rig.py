"""A service's broker, wake-up and message reader in a name space of their own, and a look into the queues."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aio_pika.abc import AbstractIncomingMessage, AbstractRobustChannel
from faststream.rabbit import RabbitBroker
from pydantic import SecretStr

from contracts.topology import Topology
from service_defaults.broker import MessageReader, RabbitNotifier, Seal, make_broker
from service_defaults.settings import ServiceSettings

DEADLINE_SECONDS = 30.0


@dataclass
class Rig:
    """What a service has, and a channel to look with."""

    settings: ServiceSettings
    broker: RabbitBroker
    notifier: RabbitNotifier
    reader: MessageReader
    channel: AbstractRobustChannel
    seal: Seal

    @property
    def topology(self) -> Topology:
        return self.settings.topology

    async def take(self, queue: str) -> AbstractIncomingMessage:
        """Take the next message off a queue, waiting for it."""
        declared = await self.channel.get_queue(queue)
        async with asyncio.timeout(DEADLINE_SECONDS):
            while (message := await declared.get(fail=False, no_ack=True)) is None:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        return message

    async def count(self, queue: str) -> int:
        """Count the messages that wait in a queue."""
        declared = await self.channel.declare_queue(queue, passive=True, robust=False)
        return declared.declaration_result.message_count or 0


def settings_for(url: str, namespace: str = "", deferral_seconds: float = 0.3) -> ServiceSettings:
    """Make settings with names that no other test has."""
    return ServiceSettings(
        rabbitmq_url=SecretStr(url),
        rabbitmq_namespace=namespace or f"t{uuid.uuid4().hex[:12]}",
        storage_connection_string=SecretStr("AccountName=a;AccountKey=b"),
        deferral_seconds=deferral_seconds,
    )


@asynccontextmanager
async def connected(settings: ServiceSettings, *, timeout: float = 5.0) -> AsyncIterator[Rig]:
    """Connect as a service does, without subscribers; a test adds them and starts the broker."""
    broker = make_broker(settings, graceful_timeout=2.0)
    seal = Seal()
    seal.use("a-key", b"secret")
    notifier = RabbitNotifier(
        broker, settings.topology, settings.deferral_milliseconds, seal=seal, timeout=timeout
    )
    connection = await broker.connect()
    channel = await connection.channel()
    try:
        yield Rig(settings, broker, notifier, MessageReader(broker, settings.topology), channel, seal)
    finally:
        await notifier.aclose(timeout=1.0)
        await broker.stop()
