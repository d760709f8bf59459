"""Everything that relies on the inside of FastStream 0.7.8, aio-pika 10.2.1, aiormq 7.2.4 and pamqp 4.0.1.

Nothing here is public there, so any version may change it: the tests of this module name these versions and
fail when one of them differs or a name is gone.
"""

import struct
from collections.abc import Awaitable, Callable
from typing import Any

from aio_pika import IncomingMessage, RobustConnection
from faststream.rabbit import RabbitBroker
from faststream.rabbit.subscriber.usecase import RabbitSubscriber
from pamqp import decode


def connection_of(broker: RabbitBroker) -> RobustConnection | None:
    """Return the broker's connection, None before the first one.

    The public way, `connect`, waits for a broker that is away.
    """
    return broker._connection  # noqa: SLF001


def set_connection_class(broker: RabbitBroker, connection_class: type[RobustConnection]) -> None:
    """Have the broker connect with a class of our own, which the broker's constructor does not accept."""
    broker._connection_kwargs["connection_class"] = connection_class  # noqa: SLF001


def set_consume(subscriber: RabbitSubscriber, consume: Callable[[IncomingMessage], Awaitable[None]]) -> None:
    """Have a subscriber pass each message to `consume`.

    FastStream's own drops a message that arrives while the consumer ends, and neither handles nor settles it.
    """
    subscriber.consume = consume  # type: ignore[method-assign, assignment]


async def is_consuming(subscriber: RabbitSubscriber) -> bool:
    """Return whether the channel, as it is now, knows the consumer of this subscriber.

    FastStream does not notice when aio-pika connects again and loses the consumer.
    """
    queue, tag = subscriber._queue_obj, subscriber._consumer_tag  # noqa: SLF001
    if queue is None or tag is None or queue.channel.is_closed:
        return False
    underlying = await queue.channel.get_underlay_channel()
    return tag in getattr(underlying, "consumers", {tag: None})


_UNREADABLE = (ValueError, ArithmeticError, OSError, RecursionError)


def tolerate_any_properties() -> None:
    """Let this process read messages with any properties; harmless when repeated.

    pamqp refuses a frame for a timestamp beyond the year 9999 (one in microseconds, say), for a name that is
    not UTF-8, for a table nested too deeply. The connection ends with the frame, the broker delivers the
    message again over the next one, and the service is away until the delivery limit is reached, a minute or
    more. What cannot be read is left out here, so that the message reaches a handler.
    """
    decode.METHODS |= {"timestamp": _timestamp, "shortstr": _short_text, "table": _table}
    decode.TABLE_MAPPING[b"T"] = _timestamp


def _timestamp(value: bytes) -> tuple[int, Any]:
    try:
        return decode.timestamp(value)
    except _UNREADABLE:
        return 8, None


def _short_text(value: bytes) -> tuple[int, str]:
    end = 1 + value[0]
    return end, value[1:end].decode(errors="replace")


def _table(value: bytes) -> tuple[int, Any]:
    try:
        return decode.field_table(value)
    except _UNREADABLE:
        (length,) = struct.unpack_from(">I", value)
        return 4 + length, {}
