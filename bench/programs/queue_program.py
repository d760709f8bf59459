"""A quorum queue per lock, with a single active consumer: `python -m bench.programs.queue_program ...`.

Nothing is recorded but the message: no state, no fence. A floor for what goes through a broker.
"""

import asyncio
import os
import signal
import sys

import aio_pika
from aio_pika.abc import AbstractIncomingMessage, AbstractRobustChannel

from bench import handler
from bench.batch import Batch, Work
from bench.programs.client import submit_all

#: The environment variable with RabbitMQ's address.
RABBITMQ = "BENCH_RABBITMQ"

_ARGUMENTS: dict[str, str | int | bool] = {"x-queue-type": "quorum", "x-single-active-consumer": True}


async def prepare(channel: AbstractRobustChannel, queues: list[str]) -> None:
    """Declare the queues."""
    for queue in queues:
        await channel.declare_queue(queue, durable=True, arguments=dict(_ARGUMENTS))


async def work(channel: AbstractRobustChannel, queues: list[str], slots: int) -> None:
    """Consume until the process is asked to stop."""
    await channel.set_qos(prefetch_count=1)
    free = asyncio.Semaphore(slots)

    async def run(message: AbstractIncomingMessage) -> None:
        job = Batch.read(message.body.decode())
        async with free:
            with handler.noted(job.first, job.locks[0]):
                await handler.pass_gate(job.gate)
        await message.ack()

    for name in queues:
        queue = await channel.get_queue(name)
        await queue.consume(run)
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    await stopped.wait()


async def submit(channel: AbstractRobustChannel, prefix: str, batch: Batch) -> None:
    """Publish a batch; a job is accepted when the broker has confirmed its message."""

    async def one(work: Work) -> str:
        body = Batch(work.number, 1, (work.lock,), gate=work.gate).text().encode()
        message = aio_pika.Message(body, delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
        await channel.default_exchange.publish(message, f"{prefix}{work.lock}")
        return "-"

    await submit_all(batch, one)


async def remove(channel: AbstractRobustChannel, queues: list[str]) -> None:
    """Delete the queues."""
    for queue in queues:
        await channel.queue_delete(queue)


async def main() -> None:
    """Do what the command line says."""
    connection = await aio_pika.connect_robust(os.environ[RABBITMQ])  # noqa: TID251
    async with connection:
        channel = await connection.channel()
        match sys.argv[1:]:
            case ["prepare", *queues]:
                await prepare(channel, queues)
            case ["worker", slots, *queues]:
                await work(channel, queues, int(slots))
            case ["client", prefix, batch]:
                await submit(channel, prefix, Batch.read(batch))
            case ["remove", *queues]:
                await remove(channel, queues)
            case _:
                raise SystemExit(__doc__)


if __name__ == "__main__":
    asyncio.run(main())
