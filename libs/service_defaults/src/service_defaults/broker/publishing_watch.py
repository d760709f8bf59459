"""Watching whether RabbitMQ confirms what is published."""

import logging

from faststream.rabbit import RabbitBroker

from contracts.topology import Topology
from coordination.broker_watch import BrokerWatch
from coordination.clock import SystemClock
from service_defaults.broker.connection import probe_publishing
from service_defaults.broker.topology import jobs_exchange

logger = logging.getLogger(__name__)

#: Seconds that RabbitMQ may take to confirm a probe.
_PROBE_SECONDS = 2.0


def watch_publishing(broker: RabbitBroker, topology: Topology, meanwhile: str) -> BrokerWatch:
    """Return a watch over the broker; `meanwhile` completes the warning that it does not confirm messages."""
    exchange = jobs_exchange(topology)

    async def probe() -> None:
        await probe_publishing(broker, exchange, _PROBE_SECONDS)

    def log_change(is_answering: bool) -> None:
        if is_answering:
            logger.info("RabbitMQ confirms messages again")
        else:
            logger.warning("RabbitMQ does not confirm messages, %s", meanwhile)

    return BrokerWatch(probe, SystemClock(), log_change)
