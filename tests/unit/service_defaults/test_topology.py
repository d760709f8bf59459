"""Every queue has every limit, so that no broker's defaults decide what is lost."""

from typing import Any, cast

from faststream.rabbit import ExchangeType, RabbitBroker, RabbitExchange

from contracts.topology import Topology
from service_defaults.broker import control_queue, declare_topology
from service_defaults.broker.topology import (
    delay_queue,
    jobs_queue,
    projector_queue,
    quarantine_queue,
    submissions_queue,
)

TOPOLOGY = Topology("t")

#: What becomes of a message that is delivered too often, rejected, or comes when the queue is full.
TO_QUARANTINE = {
    "x-delivery-limit": 50,
    "x-dead-letter-exchange": "t.quarantine",
    "x-dead-letter-routing-key": "quarantine",
    "x-dead-letter-strategy": "at-least-once",
    "x-overflow": "reject-publish",
}


def without_type(arguments: Any) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if name != "x-queue-type"}


def test_a_message_that_cannot_be_handled_ends_in_quarantine() -> None:
    for queue in (jobs_queue(TOPOLOGY), submissions_queue(TOPOLOGY), projector_queue(TOPOLOGY)):
        assert queue.arguments["x-queue-type"] == "quorum"
        assert without_type(queue.arguments) == TO_QUARANTINE


def test_a_deferred_wake_up_comes_back_and_is_lost_nowhere() -> None:
    queue = delay_queue(TOPOLOGY, 5000)
    assert queue.name == "t.jobs.delay.5000"
    assert queue.routing() == "delay.5000"
    assert queue.arguments["x-queue-type"] == "quorum"
    assert without_type(queue.arguments) == TO_QUARANTINE | {
        "x-message-ttl": 5000,
        "x-dead-letter-exchange": "t.jobs",
        "x-dead-letter-routing-key": "run",
    }


def test_what_is_in_quarantine_stays_however_often_it_is_looked_at() -> None:
    queue = quarantine_queue(TOPOLOGY)
    assert queue.arguments["x-queue-type"] == "quorum"
    assert without_type(queue.arguments) == {"x-delivery-limit": 1_000_000}


def test_the_hints_of_a_process_that_is_gone_go_too() -> None:
    queue = control_queue(TOPOLOGY, "w-1")
    assert (queue.name, queue.exclusive, queue.durable) == ("t.control.w-1", False, True)
    assert queue.arguments["x-queue-type"] == "classic"
    assert without_type(queue.arguments) == {
        "x-expires": 60_000,
        "x-message-ttl": 60_000,
        "x-max-length": 1_000,
    }


class Channel:
    """Keeps what is declared."""

    def __init__(self) -> None:
        self.exchanges: dict[str, RabbitExchange] = {}
        self.queues: dict[str, tuple[bool, Any]] = {}
        self.bindings: list[tuple[str, str, str]] = []

    async def connect(self) -> "Channel":
        return self

    async def channel(self) -> "Channel":
        return self

    async def declare_exchange(self, exchange: RabbitExchange) -> None:
        self.exchanges[exchange.name] = exchange

    async def declare_queue(self, name: str, *, durable: bool, arguments: Any) -> "Queue":
        self.queues[name] = durable, arguments
        return Queue(self, name)


class Queue:
    def __init__(self, channel: Channel, name: str) -> None:
        self._channel, self._name = channel, name

    async def bind(self, exchange: str, *, routing_key: str) -> None:
        self._channel.bindings.append((exchange, routing_key, self._name))


async def test_every_queue_is_declared_to_last_and_bound_to_what_it_is_for() -> None:
    channel = Channel()
    assert await declare_topology(cast("RabbitBroker", channel), TOPOLOGY, [5000, 100]) is cast(
        "Any", channel
    )
    assert {name: exchange.type for name, exchange in channel.exchanges.items()} == {
        "t.jobs": ExchangeType.DIRECT,
        "t.events": ExchangeType.TOPIC,
        "t.control": ExchangeType.FANOUT,
        "t.quarantine": ExchangeType.DIRECT,
    }
    assert all(exchange.durable for exchange in channel.exchanges.values())
    assert channel.bindings == [
        ("t.jobs", "run", "t.jobs"),
        ("t.jobs", "submit", "t.submissions"),
        ("t.events", "job", "t.audit-projector"),
        ("t.quarantine", "quarantine", "t.jobs.quarantine"),
        ("t.jobs", "delay.5000", "t.jobs.delay.5000"),
        ("t.jobs", "delay.100", "t.jobs.delay.100"),
    ]
    assert set(channel.queues) == {queue for _, _, queue in channel.bindings}
    assert all(durable for durable, _ in channel.queues.values())
    assert channel.queues["t.jobs"][1] == jobs_queue(TOPOLOGY).arguments
    assert channel.queues["t.jobs.delay.100"][1]["x-message-ttl"] == 100
