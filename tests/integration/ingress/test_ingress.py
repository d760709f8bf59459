"""Ingress as it runs, between a queue of another system on RabbitMQ and the journal."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aio_pika
import httpx
import pytest
import uvicorn
from aio_pika.abc import AbstractChannel
from deploy.servers.private import Azurite, RabbitMQ
from tests.integration.audit_projector.running import Installation, installation
from tests.waiting import until

from contracts.identifiers import id_of_message
from ingress.main import create_app
from ingress.settings import IngressSettings
from input_adapters.rabbitmq_messages import QUEUE, REASON

pytestmark = pytest.mark.integration

MESSAGES = 40


@dataclass
class Sender:
    """Another system, with a queue and a place for dead letters."""

    channel: AbstractChannel
    queue: str

    @property
    def dead_letters(self) -> str:
        return f"{self.queue}.dead"

    async def send(self, body: bytes, message_id: str) -> None:
        message = aio_pika.Message(body, message_id=message_id)
        await self.channel.default_exchange.publish(message, self.queue)

    async def count(self, queue: str) -> int:
        declared = await self.channel.declare_queue(queue, passive=True)
        return declared.declaration_result.message_count or 0


@pytest.fixture
async def place(rabbitmq: RabbitMQ, azurite: Azurite) -> AsyncIterator[Installation]:
    async with installation(rabbitmq.url, azurite.connection_string) as place:
        yield place


@pytest.fixture
async def sender(rabbitmq: RabbitMQ) -> AsyncIterator[Sender]:
    async with await aio_pika.connect(rabbitmq.url) as connection, connection.channel() as channel:
        sender = Sender(channel, f"foreign.{uuid.uuid4().hex[:12]}")
        for name in (sender.queue, sender.dead_letters):
            await channel.declare_queue(name, durable=True, arguments={"x-queue-type": "quorum"})
        yield sender
        for name in (sender.queue, sender.dead_letters):
            await channel.queue_delete(name)


@pytest.fixture
def settings(
    place: Installation, sender: Sender, rabbitmq: RabbitMQ, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> IngressSettings:
    monkeypatch.setenv("FOREIGN_URL", rabbitmq.url)
    places = f'queue = "{sender.queue}", dead_letters = "{sender.dead_letters}"'
    (tmp_path / "inputs.toml").write_text(
        "[inputs.orders]\n"
        'type = "rabbitmq"\n'
        f'source = {{ url = {{ env = "FOREIGN_URL" }}, {places} }}\n'
        'job = { kind = "import-order", lock = "tenant:{body.tenant}" }\n'
    )
    shared = place.settings
    return IngressSettings(
        rabbitmq_url=shared.rabbitmq_url,
        rabbitmq_namespace=shared.rabbitmq_namespace,
        storage_connection_string=shared.storage_connection_string,
        storage_namespace=shared.storage_namespace,
        inputs=tmp_path / "inputs.toml",
    )


@asynccontextmanager
async def ingress(settings: IngressSettings) -> AsyncIterator[httpx.AsyncClient]:
    """Run an instance for as long as the context lasts; returns a client for its health checks."""
    server = uvicorn.Server(uvicorn.Config(create_app(settings), port=0, log_config=None, lifespan="on"))
    task = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            yield client
    finally:
        server.should_exit = True
        await task


async def test_two_instances_make_one_job_of_each_message_and_leave_none_behind(
    place: Installation, sender: Sender, settings: IngressSettings
) -> None:
    for number in range(MESSAGES):
        body = b"poison" if number % 10 == 9 else json.dumps({"tenant": f"t{number % 4}"}).encode()
        await sender.send(body, f"m-{number}")
        # A sender that was not sure sends it again.
        await sender.send(body, f"m-{number}")
    good = [number for number in range(MESSAGES) if number % 10 != 9]
    jobs = {id_of_message("orders", f"m-{number}") for number in good}

    async with ingress(settings) as client, ingress(settings):

        async def is_done() -> bool:
            dead = await sender.count(sender.dead_letters)
            return await place.active() >= jobs and dead == 2 * (MESSAGES - len(good))

        await until(is_done, within=120)

        async def is_ready() -> bool:
            return (await client.get("/health/ready", timeout=30)).status_code == 200

        await until(is_ready, within=60)

    # Both have ended in order, and nothing is unsettled.
    assert await place.active() == jobs
    assert await sender.count(sender.queue) == 0
    queue = await sender.channel.get_queue(sender.dead_letters)
    letter = await queue.get(no_ack=True)
    assert letter is not None
    assert letter.headers[REASON] == "Unreadable"
    assert letter.headers[QUEUE] == sender.queue


async def test_a_queue_that_does_not_exist_is_named_and_used_once_it_does(
    place: Installation, sender: Sender, settings: IngressSettings
) -> None:
    await sender.channel.queue_delete(sender.queue)

    async with ingress(settings) as client:

        async def is_said() -> bool:
            answer = await client.get("/health/ready", timeout=30)
            return answer.status_code == 503 and "no answer from orders" in answer.text

        await until(is_said, within=60)
        await sender.channel.declare_queue(sender.queue, durable=True, arguments={"x-queue-type": "quorum"})
        await sender.send(b'{"tenant": "acme"}', "m-1")

        async def is_taken() -> bool:
            return id_of_message("orders", "m-1") in await place.active()

        await until(is_taken, within=120)
