"""The topology of `contracts.topology` as FastStream and RabbitMQ know it.

Every limit is set explicitly, because RabbitMQ 3.10 and 4.x differ in their defaults: 4.x drops a message
after 20 deliveries, 3.10 never does. Up to 4.2 every return counts for x-delivery-limit; from 4.3 a nack does
not (rabbitmq-server#15387), so that what has to end is rejected.
"""

from collections.abc import Iterable

from aio_pika.abc import AbstractChannel
from faststream.rabbit import ExchangeType, RabbitBroker, RabbitExchange, RabbitQueue
from faststream.rabbit.schemas.queue import QueueType

from contracts import topology as names
from contracts.topology import Topology


def jobs_exchange(topology: Topology) -> RabbitExchange:
    """Return the exchange of wake-ups and commands."""
    return RabbitExchange(topology.jobs_exchange, ExchangeType.DIRECT, durable=True)


def events_exchange(topology: Topology) -> RabbitExchange:
    """Return the exchange of recorded events."""
    return RabbitExchange(topology.events_exchange, ExchangeType.TOPIC, durable=True)


def control_exchange(topology: Topology) -> RabbitExchange:
    """Return the exchange of hints."""
    return RabbitExchange(topology.control_exchange, ExchangeType.FANOUT, durable=True)


def quarantine_exchange(topology: Topology) -> RabbitExchange:
    """Return the exchange of what could not be understood."""
    return RabbitExchange(topology.quarantine_exchange, ExchangeType.DIRECT, durable=True)


def jobs_queue(topology: Topology) -> RabbitQueue:
    """Return the queue of wake-ups, to be consumed by workers."""
    return _work_queue(topology, topology.jobs_queue, names.RUN)


def submissions_queue(topology: Topology) -> RabbitQueue:
    """Return the queue of SubmitJob commands, to be consumed by publishers."""
    return _work_queue(topology, topology.submissions_queue, names.SUBMIT)


def projector_queue(topology: Topology) -> RabbitQueue:
    """Return the queue of recorded events, to be consumed by audit-projectors."""
    return _work_queue(topology, topology.projector_queue, names.EVENTS)


def control_queue(topology: Topology, instance: str) -> RabbitQueue:
    """Return the queue of hints of one process.

    Not exclusive: after a lost connection the broker may still hold the old one, and would refuse an
    exclusive queue of the same name. It expires by itself a minute after its process is gone.
    """
    return RabbitQueue(
        f"{topology.control_exchange}.{instance}",
        QueueType.CLASSIC,
        durable=True,
        arguments={"x-expires": 60_000, "x-message-ttl": 60_000, "x-max-length": 1_000},
    )


def quarantine_queue(topology: Topology) -> RabbitQueue:
    """Return the queue of messages that no service understood; people look at it, no service consumes it."""
    # People look by get and requeue, which 4.x would count and answer by dropping the message.
    return RabbitQueue(
        topology.quarantine_queue,
        QueueType.QUORUM,
        routing_key=names.QUARANTINE,
        arguments={"x-delivery-limit": 1_000_000},
    )


def delay_queue(topology: Topology, milliseconds: int) -> RabbitQueue:
    """Return the queue whose messages return to the jobs queue after this time."""
    return RabbitQueue(
        topology.delay_queue(milliseconds),
        QueueType.QUORUM,
        routing_key=names.delay_key(milliseconds),
        arguments={
            "x-delivery-limit": names.DELIVERY_LIMIT,
            "x-message-ttl": milliseconds,
            "x-dead-letter-exchange": topology.jobs_exchange,
            "x-dead-letter-routing-key": names.RUN,
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
        },
    )


async def declare_topology(
    broker: RabbitBroker, topology: Topology, delays: Iterable[int]
) -> AbstractChannel:
    """Declare every exchange, queue and binding; `delays` are the deferral times in milliseconds.

    Queues go over a channel of their own: declared through the broker object they would be bound to its
    publishing channel, and subscribers would silently lose their prefetch. As long as the caller keeps the
    channel, aio-pika declares everything again after a reconnection, so that a broker that lost its data gets
    its topology back.
    """
    connection = await broker.connect()
    channel = await connection.channel()
    jobs, events, control, quarantine = (
        jobs_exchange(topology),
        events_exchange(topology),
        control_exchange(topology),
        quarantine_exchange(topology),
    )
    for exchange in (jobs, events, control, quarantine):
        await broker.declare_exchange(exchange)
    bindings = [
        (jobs, jobs_queue(topology)),
        (jobs, submissions_queue(topology)),
        (events, projector_queue(topology)),
        (quarantine, quarantine_queue(topology)),
        *((jobs, delay_queue(topology, milliseconds)) for milliseconds in delays),
    ]
    for exchange, queue in bindings:
        declared = await channel.declare_queue(queue.name, durable=True, arguments=queue.arguments)
        await declared.bind(exchange.name, routing_key=queue.routing())
    return channel


def _work_queue(topology: Topology, name: str, routing_key: str) -> RabbitQueue:
    return RabbitQueue(
        name,
        QueueType.QUORUM,
        routing_key=routing_key,
        arguments={
            "x-delivery-limit": names.DELIVERY_LIMIT,
            "x-dead-letter-exchange": topology.quarantine_exchange,
            "x-dead-letter-routing-key": names.QUARANTINE,
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
        },
    )
