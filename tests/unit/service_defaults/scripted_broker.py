"""A broker that keeps what is published, after doing what a test wants; and a wake-up over it."""

import asyncio
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

from aio_pika import Message
from aio_pika.exceptions import ChannelInvalidStateError
from faststream.rabbit import RabbitBroker, RabbitExchange

from contracts import topology as names
from contracts.topology import Topology
from coordination.ports import Announcement
from service_defaults.broker import RabbitNotifier

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
Answer = Callable[[], Any]


class ScriptedBroker:
    """Keeps what is published, after giving the next scripted answer, if any is left.

    It has one channel. While `restored` is not set, the channel is closed, as after a lost connection.
    Probes are confirmed while `confirms_probes` is set, and answered by silence otherwise.
    """

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.published: list[dict[str, Any]] = []
        self.bodies: list[bytes] = []
        self.happened = asyncio.Event()
        self.asked = asyncio.Event()
        self.restored = asyncio.Event()
        self.restored.set()
        self.confirms_probes = asyncio.Event()
        self.confirms_probes.set()
        self.probes = 0
        #: What is read of the connection: whether there is one.
        self._connection = SimpleNamespace(connected=self.restored)

    @property
    def channel(self) -> "ScriptedBroker":
        """The channel of every exchange."""
        return self

    async def declare_exchange(self, exchange: RabbitExchange) -> "ScriptedExchange":
        """Return something that names its channel."""
        return ScriptedExchange(self)

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


class ScriptedExchange:
    """An exchange of the broker, to which only probes are published directly."""

    def __init__(self, broker: ScriptedBroker) -> None:
        self._broker = broker
        self.channel = broker

    async def publish(self, message: Message, routing_key: str, *, mandatory: bool) -> None:
        """Confirm a probe, once the broker does so."""
        assert (message.body, routing_key, mandatory) == (b"", names.PROBE, False)
        self._broker.probes += 1
        await self._broker.confirms_probes.wait()


def make_notifier(broker: ScriptedBroker, **options: Any) -> RabbitNotifier:
    return RabbitNotifier(cast("RabbitBroker", broker), Topology("t"), 5000, **options)


def raising(error: BaseException) -> Answer:
    def answer() -> None:
        raise error

    return answer


def events(job_id: str = "j", seq: int = 1, traceparent: str | None = TRACE) -> list[Announcement]:
    """Return the announcement of one event."""
    return [Announcement("ledger", job_id, seq, seq, traceparent)]
