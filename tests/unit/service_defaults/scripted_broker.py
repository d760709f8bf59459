"""A broker that keeps what is published, after doing what a test wants; and a wake-up over it."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, cast

from aio_pika.exceptions import ChannelInvalidStateError
from faststream.rabbit import RabbitBroker, RabbitExchange

from contracts.topology import Topology
from coordination.ports import Announcement
from service_defaults.broker import RabbitNotifier

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
Answer = Callable[[], Any]


class ScriptedBroker:
    """Keeps what is published, after giving the next scripted answer, if any is left.

    It has one channel. While `restored` is not set, the channel is closed, as after a lost connection.
    """

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.published: list[dict[str, Any]] = []
        self.bodies: list[bytes] = []
        self.happened = asyncio.Event()
        self.asked = asyncio.Event()
        self.restored = asyncio.Event()
        self.restored.set()

    @property
    def channel(self) -> "ScriptedBroker":
        """The channel of every exchange."""
        return self

    async def declare_exchange(self, exchange: RabbitExchange) -> "ScriptedBroker":
        """Return something that names its channel."""
        return self

    async def ready(self) -> None:
        """Wait until the channel is open."""
        self.asked.set()
        await self.restored.wait()

    async def publish(self, body: bytes, **options: Any) -> None:
        self.asked.set()
        self.happened.set()
        if not self.restored.is_set():
            raise ChannelInvalidStateError("closed")
        if self.answers:
            answer = self.answers.pop(0)()
            if asyncio.iscoroutine(answer):
                await answer
        self.bodies.append(body)
        self.published.append({"body": json.loads(body), **options})


def make_notifier(broker: ScriptedBroker, **options: Any) -> RabbitNotifier:
    return RabbitNotifier(cast("RabbitBroker", broker), Topology("t"), 5000, **options)


def raising(error: BaseException) -> Answer:
    def answer() -> None:
        raise error

    return answer


def events(job_id: str = "j", seq: int = 1, traceparent: str | None = TRACE) -> list[Announcement]:
    """Return the announcement of one event."""
    return [Announcement("ledger", job_id, seq, seq, traceparent)]
