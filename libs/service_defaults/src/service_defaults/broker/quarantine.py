"""Looking at the messages in quarantine, and leaving them there."""

import asyncio
import codecs
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from aio_pika import Channel
from aio_pika.abc import AbstractIncomingMessage
from aio_pika.exceptions import CONNECTION_EXCEPTIONS, ChannelNotFoundEntity
from faststream.rabbit import RabbitBroker

from contracts import topology as names
from contracts.quarantine import SHOWN_BYTES, QuarantinedMessage, QuarantinePage
from contracts.topology import Topology
from contracts.traceparent import trace_id_of
from service_defaults.broker import quarantine_headers as own
from service_defaults.broker.faststream_internals import connection_of
from service_defaults.broker.lost_connections import lost_connections_as_errors

_MOST_HEADERS = 20
_LONGEST_NAME, _LONGEST_VALUE, _LONGEST_REASON = 100, 200, 500

_decoder = codecs.getincrementaldecoder("utf-8")

#: How long closing the channel may take.
_CLOSE_SECONDS = 2.0

#: RabbitMQ's reasons, in words.
_MOVED = {
    "delivery_limit": "it was delivered too often without being settled",
    "rejected": "its consumer rejected it",
    "expired": "it waited too long",
    "maxlen": "its queue was full",
}


class QuarantineUnavailableError(Exception):
    """RabbitMQ does not answer."""


class QuarantineReader:
    """Reads messages in quarantine.

    To look, it gets the messages on a channel of its own without acknowledging them, and closes the channel:
    then RabbitMQ puts them back in their places. What that costs:

    - Every look sends the bodies of its messages from RabbitMQ to this process in full.
    - RabbitMQ counts each look as a delivery. After a million deliveries (the limit of this queue) it drops
      the message, so do not look every second.
    - While a look lasts, its messages are not there for another one. Within a process one look waits for the
      other; two publishers that look at the same moment may see different messages.
    """

    def __init__(self, broker: RabbitBroker, topology: Topology, timeout: float = 5.0) -> None:
        self._broker = broker
        self._topology = topology
        self._timeout = timeout
        self._turn = asyncio.Lock()

    async def oldest(self, limit: int) -> QuarantinePage:
        """Return the oldest messages. Raises QuarantineUnavailableError."""
        try:
            with lost_connections_as_errors():
                async with asyncio.timeout(self._timeout), self._turn:
                    return await self._look(limit)
        except (*CONNECTION_EXCEPTIONS, TimeoutError) as error:
            raise QuarantineUnavailableError(f"RabbitMQ does not answer: {error!r}") from error

    async def _look(self, limit: int) -> QuarantinePage:
        connection = connection_of(self._broker)
        if connection is None or not connection.connected.is_set():
            raise QuarantineUnavailableError("not connected to RabbitMQ")
        # Not by `connection.channel()`: aio-pika would open such a channel again after a lost connection.
        channel = Channel(connection, publisher_confirms=False)
        try:
            await channel.initialize()
            queue = await channel.get_queue(self._topology.quarantine_queue, ensure=False)
            found: list[QuarantinedMessage] = []
            left = 0
            # Each is cut before the next one comes: bodies may be large.
            while len(found) < limit and (message := await queue.get(fail=False)) is not None:
                found.append(describe(message, self._topology))
                left = message.message_count or 0
            return QuarantinePage(items=found, total=len(found) + left)
        except ChannelNotFoundEntity:
            # Services declare the queue when they first connect.
            return QuarantinePage(items=[], total=0)
        finally:
            with suppress(*CONNECTION_EXCEPTIONS, TimeoutError):
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await channel.close()


def describe(message: AbstractIncomingMessage, topology: Topology) -> QuarantinedMessage:
    """Return a message's description. Headers are those of any sender: they may be anything."""
    headers: Mapping[str, Any] = message.headers
    death = _last_death(headers)
    exchange = _text(headers.get(own.EXCHANGE)) or _text(death.get("exchange"))
    routing_key = _text(headers.get(own.ROUTING_KEY)) or _text(_first(death.get("routing-keys")))
    traceparent = headers.get("traceparent")
    # What `MessageReader` moved here has properties of its own; the sender's are in headers then.
    is_moved_by_us = own.REASON in headers
    return QuarantinedMessage(
        reason=_reason(headers, death),
        quarantined_at=_moment(headers.get(own.MOMENT)) or _moment(death.get("time")),
        queue=_text(death.get("queue")) or _queue(topology, exchange, routing_key),
        exchange=exchange,
        routing_key=routing_key,
        message_id=_text(headers.get(own.MESSAGE_ID) if is_moved_by_us else message.message_id),
        content_type=_text(headers.get(own.CONTENT_TYPE) if is_moved_by_us else message.content_type),
        sender=_text(headers.get(own.SENDER) if is_moved_by_us else message.app_id),
        trace_id=trace_id_of(traceparent) if isinstance(traceparent, str) else None,
        headers=_others(headers),
        body=_shown(message.body),
        size=len(message.body),
        truncated=len(message.body) > SHOWN_BYTES,
    )


def _last_death(headers: Mapping[str, Any]) -> Mapping[str, Any]:
    death = _first(headers.get("x-death"))
    return death if isinstance(death, dict) else {}


def _first(value: object) -> Any:
    return value[0] if isinstance(value, list) and value else None


def _reason(headers: Mapping[str, Any], death: Mapping[str, Any]) -> str:
    given = _text(headers.get(own.REASON), _LONGEST_REASON)
    if given:
        return given
    moved = _text(death.get("reason"))
    if moved is None:
        return "unknown: it was not sent here by Turnstile"
    return f"RabbitMQ moved it here: {_MOVED.get(moved, moved)}"


def _queue(topology: Topology, exchange: str | None, routing_key: str | None) -> str | None:
    queues = {
        (topology.jobs_exchange, names.RUN): topology.jobs_queue,
        (topology.jobs_exchange, names.SUBMIT): topology.submissions_queue,
        (topology.events_exchange, names.EVENTS): topology.projector_queue,
    }
    return queues.get((exchange or "", routing_key or ""))


def _moment(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return None
    if not isinstance(moment, datetime):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _others(headers: Mapping[str, Any]) -> dict[str, str]:
    left = [(name, value) for name, value in headers.items() if not own.is_described(name)]
    return {_cut(name, _LONGEST_NAME): _text(value) or "" for name, value in left[:_MOST_HEADERS]}


def _text(value: object, longest: int = _LONGEST_VALUE) -> str | None:
    """Return a header's value as text; None when there is none."""
    return _cut(str(value), longest) if value not in (None, "") else None


def _cut(text: str, longest: int) -> str:
    text = text if len(text) <= longest else f"{text[: longest - 1]}…"
    return text.encode("utf-8", "replace").decode()


def _shown(body: bytes) -> str:
    """Return the beginning of a body as text, without half a character at its end."""
    return _decoder(errors="replace").decode(body[:SHOWN_BYTES], final=len(body) <= SHOWN_BYTES)
