"""Messages on RabbitMQ: as deliveries of an input, and as dead letters."""

from aio_pika import DeliveryMode, Message
from aio_pika.abc import AbstractIncomingMessage

from inputs.port import Delivery, Refusal

#: Headers of a dead letter.
REASON, EXPLANATION, QUEUE = "x-turnstile-reason", "x-turnstile-explanation", "x-turnstile-queue"

#: Header in which a quorum queue counts the deliveries that failed.
_COUNT = "x-delivery-count"


def delivery_of(message: AbstractIncomingMessage) -> Delivery:
    """Return a message as a delivery. Classic queues say only whether it is the first one."""
    failed = message.headers.get(_COUNT)
    deliveries = None if message.redelivered else 1
    return Delivery(
        body=message.body,
        handle=message,
        message_id=message.message_id or None,
        deliveries=failed + 1 if isinstance(failed, int) else deliveries,
        subject=message.type or None,
        properties={name: _text(value) for name, value in message.headers.items()},
    )


def dead_letter(message: AbstractIncomingMessage, refusal: Refusal, queue: str) -> Message:
    """Return a copy of a message with the reason for its refusal, which outlasts a restart of the broker."""
    reason = {REASON: str(refusal.reason), EXPLANATION: refusal.explanation, QUEUE: queue}
    return Message(
        message.body,
        headers={**message.headers, **reason},
        content_type=message.content_type,
        content_encoding=message.content_encoding,
        delivery_mode=DeliveryMode.PERSISTENT,
        priority=message.priority,
        correlation_id=message.correlation_id,
        reply_to=message.reply_to,
        message_id=message.message_id,
        timestamp=message.timestamp,
        type=message.type,
        app_id=message.app_id,
    )


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
