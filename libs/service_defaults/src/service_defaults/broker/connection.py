"""The connection to RabbitMQ, and publishing that knows whether the broker has the message."""

import asyncio
import logging
import uuid
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import cast

from aio_pika import Message, RobustChannel, RobustConnection
from aio_pika.abc import AbstractChannel, HeadersType, TimeoutType
from aio_pika.exceptions import CONNECTION_EXCEPTIONS
from faststream.exceptions import FastStreamException
from faststream.middlewares import AckPolicy
from faststream.rabbit import Channel, RabbitBroker, RabbitExchange, RabbitMessage
from opentelemetry import context, propagate

from contracts import topology as names
from contracts.telemetry import attributes as at
from coordination.ports import UnknownOutcomeError
from service_defaults.broker.faststream_internals import (
    connection_of,
    set_connection_class,
    tolerate_any_properties,
)
from service_defaults.broker.lost_connections import lost_connections_as_errors
from service_defaults.broker.topology import declare_topology
from service_defaults.broker.tracing import MessageTelemetry
from service_defaults.settings import ServiceSettings

logger = logging.getLogger(__name__)

#: Seconds between heartbeats; a dead peer is noticed after about three times this plus three.
HEARTBEAT_SECONDS = 10

_RECONNECT_SECONDS = 1.0

#: Seconds that RabbitMQ may take to answer when the connection is closed.
_CLOSE_SECONDS = 2.0


class NotConfirmedError(UnknownOutcomeError):
    """The broker did not confirm the message, so it may or may not have it."""


class _Connection(RobustConnection):
    """A connection whose attempts end when the task that waits for it is cancelled.

    aio-pika's own ignores the cancellation and tries again, and so keeps a process from ending.
    """

    async def connect(self, timeout: TimeoutType = None) -> None:
        """Connect, however long that takes."""
        try:
            await super().connect(timeout)
        except asyncio.CancelledError:
            # One that has been connected before is closed by the broker that has it.
            if not self.connection_attempt:
                await self.close()
            raise


class TurnstileBroker(RabbitBroker):
    """A broker that declares the topology before its subscribers start."""

    def __init__(self, settings: ServiceSettings, graceful_timeout: float) -> None:
        self._settings = settings
        self._declaring: AbstractChannel | None = None
        self._stop_seconds = graceful_timeout + _CLOSE_SECONDS
        tolerate_any_properties()
        address = settings.rabbitmq_address
        super().__init__(
            str(address.update_query(heartbeat=HEARTBEAT_SECONDS)),
            # Waits for a broker that is away instead of ending the service.
            fail_fast=False,
            reconnect_interval=_RECONNECT_SECONDS,
            # Used for publishing; subscribers bring a channel of their own with their own prefetch.
            default_channel=Channel(prefetch_count=1, on_return_raises=True),
            app_id=settings.service_name,
            graceful_timeout=graceful_timeout,
            # What a handler did not expect goes to quarantine, never round and round.
            ack_policy=AckPolicy.REJECT_ON_ERROR,
            # `MessageReader` parses bodies, as what fails inside FastStream cannot be given a reason.
            decoder=_raw_body,
            logger=logging.getLogger("faststream.rabbit"),
            log_level=logging.DEBUG,
            # Without this the AsyncAPI document would show the password.
            specification_url=str(address.with_user(None).with_query(None)),
            middlewares=[MessageTelemetry(address)],
        )
        set_connection_class(self, _Connection)

    async def start(self) -> None:
        """Connect, declare the topology, start the subscribers.

        Raises one of CONNECTION_EXCEPTIONS when the connection is lost before the end.
        """
        delays = [self._settings.deferral_milliseconds]
        with lost_connections_as_errors():
            self._declaring = await declare_topology(self, self._settings.topology, delays)
            await super().start()

    async def stop(
        self,
        exc_type: type[BaseException] | None = None,
        exc_val: BaseException | None = None,
        exc_tb: TracebackType | None = None,
    ) -> None:
        """Let handlers in flight end, and close the connection, also when RabbitMQ does not answer."""
        connection = connection_of(self)
        try:
            with lost_connections_as_errors():
                async with asyncio.timeout(self._stop_seconds):
                    await super().stop(exc_type, exc_val, exc_tb)
        except (*CONNECTION_EXCEPTIONS, ExceptionGroup) as error:
            logger.warning("broker did not stop cleanly", extra={at.ERROR_MESSAGE: repr(error)})
            # One that is not closed would connect again, and keep the process from ending.
            if connection is not None:
                await connection.close()


def make_broker(settings: ServiceSettings, *, graceful_timeout: float = 15.0) -> RabbitBroker:
    """Make the service's broker.

    `graceful_timeout` is how many seconds handlers in flight get at shutdown. Every subscriber must be given
    `channel=Channel(prefetch_count=...)`: it may not share the publishing channel, and without a prefetch the
    broker hands over everything it has.
    """
    return TurnstileBroker(settings, graceful_timeout)


async def publish_confirmed(
    broker: RabbitBroker,
    body: bytes,
    *,
    exchange: RabbitExchange,
    routing_key: str,
    timeout: float,
    traceparent: str | None = None,
    headers: Mapping[str, str] | None = None,
    hint: bool = False,
) -> None:
    """Publish and wait at most `timeout` seconds until the broker has confirmed that a queue has the message.

    The message belongs to the trace that `traceparent` names, or else to the current one. A `hint` is not
    kept over a restart of the broker and need not reach any queue. Raises NotConfirmedError.
    """
    fields: HeadersType = dict(headers or {})
    if traceparent:
        fields["traceparent"] = traceparent
    try:
        with lost_connections_as_errors(), _within_trace(traceparent):
            async with asyncio.timeout(timeout):
                await _until_restored(broker, exchange)
                await broker.publish(
                    body,
                    exchange=exchange,
                    routing_key=routing_key,
                    persist=not hint,
                    mandatory=not hint,
                    content_type="application/json",
                    message_id=uuid.uuid4().hex,
                    headers=fields,
                )
    except (*CONNECTION_EXCEPTIONS, TimeoutError, FastStreamException) as error:
        raise NotConfirmedError(f"the broker did not confirm a message: {error!r}") from error


async def probe_publishing(broker: RabbitBroker, exchange: RabbitExchange, timeout: float) -> None:
    """Have the broker confirm, within `timeout` seconds, a message that no queue gets.

    A connection that RabbitMQ blocks because of an alarm for memory or disk stays silent here, although it
    answers other requests. Raises NotConfirmedError.
    """
    connection = connection_of(broker)
    if connection is None or not connection.connected.is_set():
        raise NotConfirmedError("not connected to RabbitMQ")
    try:
        with lost_connections_as_errors():
            async with asyncio.timeout(timeout):
                declared = await broker.declare_exchange(exchange)
                channel = cast("RobustChannel", declared.channel)
                await channel.ready()
                # Not by the broker's own `publish`: a probe is part of no trace and of no count of messages.
                await declared.publish(Message(b""), names.PROBE, mandatory=False)
    except (*CONNECTION_EXCEPTIONS, TimeoutError, FastStreamException) as error:
        raise NotConfirmedError(f"the broker did not confirm a probe: {error!r}") from error


async def _until_restored(broker: RabbitBroker, exchange: RabbitExchange) -> None:
    """Wait until the publishing channel is open again after the connection was lost.

    aio-pika opens the channels of a new connection one after another, and a message published on one that is
    not open yet fails at once.
    """
    declared = await broker.declare_exchange(exchange)
    await cast("RobustChannel", declared.channel).ready()


@contextmanager
def _within_trace(traceparent: str | None) -> Generator[None]:
    """Make the named trace the current one, so that the publishing span joins it."""
    if traceparent is None:
        yield
        return
    token = context.attach(propagate.extract({"traceparent": traceparent}))
    try:
        yield
    finally:
        context.detach(token)


async def _raw_body(message: RabbitMessage) -> bytes:
    return message.body
