"""The real publisher on a real port, against real servers."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aio_pika
import httpx
import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr
from tests.waiting import until

from publisher.main import create_app
from publisher.settings import PublisherSettings


@dataclass
class Running:
    """A publisher that runs, and a client for it."""

    settings: PublisherSettings
    client: httpx.AsyncClient
    url: str

    async def submit(self, **body: object) -> httpx.Response:
        return await self.client.post("/api/v1/jobs", json={"kind": "ten-steps", **body})

    async def readiness(self) -> tuple[int, dict[str, str]]:
        answer = await self.client.get("/health/ready")
        return answer.status_code, answer.json()["checks"]

    async def is_ready(self) -> bool:
        """Return whether all that it uses is there; it answers without, too."""
        status, checks = await self.readiness()
        return status == 200 and set(checks.values()) == {"ok"}


def settings_for(rabbitmq_url: str, connection_string: str) -> PublisherSettings:
    """Make settings with names that no other test has."""
    name = f"t{uuid.uuid4().hex[:12]}"
    return PublisherSettings(
        rabbitmq_url=SecretStr(rabbitmq_url),
        rabbitmq_namespace=name,
        storage_connection_string=SecretStr(connection_string),
        storage_namespace=name,
        port=0,
    )


@asynccontextmanager
async def running(
    settings: PublisherSettings, change: Callable[[FastAPI], None] = lambda _: None
) -> AsyncIterator[Running]:
    """Run a publisher, perhaps changed a little, for as long as the context lasts."""
    app = create_app(settings)
    change(app)
    config = uvicorn.Config(app, port=0, log_config=None, lifespan="on", timeout_graceful_shutdown=3)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as client:
        yield Running(settings, client, url)
    server.should_exit = True
    await task


@asynccontextmanager
async def channel_to(settings: PublisherSettings) -> AsyncIterator[aio_pika.abc.AbstractChannel]:
    """Open a channel to the publisher's RabbitMQ."""
    connection = await aio_pika.connect(settings.rabbitmq_url.get_secret_value())
    async with connection, connection.channel(publisher_confirms=True) as channel:
        yield channel


async def take(channel: aio_pika.abc.AbstractChannel, queue: str) -> aio_pika.abc.AbstractIncomingMessage:
    """Take the next message off a queue."""
    declared = await channel.get_queue(queue)
    taken: list[aio_pika.abc.AbstractIncomingMessage] = []

    async def received() -> bool:
        message = await declared.get(fail=False, no_ack=True)
        taken.extend([message] if message is not None else [])
        return bool(taken)

    await until(received)
    return taken[0]


async def count(channel: aio_pika.abc.AbstractChannel, queue: str) -> int:
    """Count the messages that wait in a queue."""
    declared = await channel.declare_queue(queue, passive=True)
    return declared.declaration_result.message_count or 0
