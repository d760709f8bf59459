"""Reading messages: one that is not understood goes to quarantine with the reason, and is not repeated."""

import logging
from datetime import UTC, datetime
from typing import TypeVar

from faststream.rabbit import RabbitBroker, RabbitMessage
from opentelemetry import trace
from pydantic import BaseModel, ValidationError

from contracts import strict_json
from contracts import topology as names
from contracts.field_words import in_words
from contracts.jobs import MAX_BODY_BYTES
from contracts.telemetry import attributes as at
from contracts.telemetry import metrics, spans
from contracts.topology import Topology
from service_defaults.broker import quarantine_headers as own
from service_defaults.broker.connection import NotConfirmedError, publish_confirmed
from service_defaults.broker.topology import quarantine_exchange
from service_defaults.measures import counter

logger = logging.getLogger(__name__)

ModelT = TypeVar("ModelT", bound=BaseModel)

_LONGEST_REASON = 500


class NotUnderstoodError(ValueError):
    """The message cannot be understood."""


class MessageReader:
    """Parses messages for handlers, and quarantines those that do not parse."""

    def __init__(self, broker: RabbitBroker, topology: Topology, timeout: float = 5.0) -> None:
        self._broker = broker
        self._exchange = quarantine_exchange(topology)
        self._timeout = timeout
        self._quarantined = counter(metrics.MESSAGES_QUARANTINED)

    async def parse(
        self, message: RabbitMessage, model: type[ModelT], *, is_own: bool = False
    ) -> ModelT | None:
        """Parse a message, and return None when it was quarantined: then the handler has nothing to do.

        `is_own` says that a service of this installation wrote it, for certain.
        """
        try:
            return parse_body(message.body, model, is_own=is_own)
        except NotUnderstoodError as error:
            await self.quarantine(message, str(error))
            return None

    async def quarantine(self, message: RabbitMessage, reason: str) -> None:
        """Put the original body into quarantine with the reason in `x-reason`, then take it off its queue.

        When the broker does not confirm, the message is rejected instead: then the broker itself puts it into
        quarantine, without our reason.
        """
        raw = message.raw_message
        headers = {
            name: value
            for name in ("traceparent", "tracestate")
            if isinstance(value := message.headers.get(name), str)
        }
        headers |= {
            own.REASON: reason[:_LONGEST_REASON],
            own.MOMENT: datetime.now(UTC).isoformat(),
            own.EXCHANGE: raw.exchange or "",
            own.ROUTING_KEY: raw.routing_key or "",
        }
        of_sender = (
            (own.MESSAGE_ID, raw.message_id),
            (own.CONTENT_TYPE, raw.content_type),
            (own.SENDER, raw.app_id),
        )
        headers |= {name: value for name, value in of_sender if isinstance(value, str) and value}
        why: dict[str, str] = {at.REASON: reason[:_LONGEST_REASON]}
        logger.warning("message quarantined", extra={**why, at.MESSAGING_ROUTING_KEY: raw.routing_key})
        trace.get_current_span().add_event(spans.QUARANTINED, {**why})
        self._quarantined.add(1)
        try:
            await publish_confirmed(
                self._broker,
                message.body,
                exchange=self._exchange,
                routing_key=names.QUARANTINE,
                timeout=self._timeout,
                headers=headers,
            )
        except NotConfirmedError:
            await message.reject()
            return
        await message.ack()


def parse_body(body: bytes, model: type[ModelT], *, is_own: bool = False) -> ModelT:
    """Parse a message body strictly. One of our own names no field twice, so that is not looked for.

    Raises NotUnderstoodError with the reason: too long, not JSON that every reader understands alike, or not
    what the model says. The reason does not repeat the body's values.
    """
    if len(body) > MAX_BODY_BYTES:
        raise NotUnderstoodError(f"the body has {len(body)} bytes, more than {MAX_BODY_BYTES}")
    try:
        if not is_own:
            strict_json.parse(body, strict_json.MAX_MESSAGE_DEPTH)
        return model.model_validate_json(body, strict=True)
    except strict_json.StrictJsonError as error:
        raise NotUnderstoodError(str(error)) from None
    except ValidationError as error:
        details = error.errors(include_url=False)
        reasons = [
            f"{'.'.join(map(str, detail['loc'])) or 'body'}: {in_words(detail, model)}"
            for detail in details[:5]
        ]
        raise NotUnderstoodError("; ".join(reasons)) from None
