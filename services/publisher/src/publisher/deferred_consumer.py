"""Consuming from a RabbitMQ that may not be there yet: submissions over HTTP do not wait for it."""

import asyncio
import logging

from aio_pika.exceptions import CONNECTION_EXCEPTIONS
from faststream.rabbit import RabbitBroker

from contracts.telemetry import attributes as at
from service_defaults.broker import lost_connections_as_errors
from service_defaults.health import NotReadyError, rabbitmq_check

_RETRY_SECONDS = 1.0

logger = logging.getLogger(__name__)


class DeferredConsumer:
    """Connects a broker and starts its subscribers, however long that takes."""

    def __init__(self, broker: RabbitBroker) -> None:
        self._broker = broker
        self._check = rabbitmq_check(broker, consumes=True)
        self._has_started = False

    async def start(self) -> None:
        """Return once the subscribers consume."""
        while not self._has_started:
            try:
                with lost_connections_as_errors():
                    await self._broker.start()
                self._has_started = True
            except CONNECTION_EXCEPTIONS as error:
                logger.warning("not consuming yet", extra={at.ERROR_MESSAGE: repr(error)})
                await asyncio.sleep(_RETRY_SECONDS)

    async def check(self) -> None:
        """Raise NotReadyError or NotConsumingError when this process consumes no commands."""
        if not self._has_started:
            raise NotReadyError("not connected to RabbitMQ")
        await self._check()
