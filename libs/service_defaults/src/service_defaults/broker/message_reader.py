"""Reading messages: what is not understood is set aside with the reason, never delivered again and again."""

import json
import logging
import math
from typing import Any, TypeVar

from faststream.rabbit import RabbitBroker, RabbitMessage
from opentelemetry import trace
from pydantic import BaseModel, ValidationError

from contracts import topology as names
from contracts.jobs import MAX_BODY_BYTES
from contracts.telemetry import attributes as at
from contracts.telemetry import metrics, spans
from contracts.topology import Topology
from service_defaults.broker.connection import NotConfirmedError, publish_confirmed
from service_defaults.broker.topology import quarantine_exchange
from service_defaults.measures import counter

logger = logging.getLogger(__name__)

ModelT = TypeVar("ModelT", bound=BaseModel)

_LONGEST_REASON = 500


class NotUnderstoodError(ValueError):
    """The message does not say anything we understand."""


class MessageReader:
    """Parses messages for handlers, and quarantines those that do not parse."""

    def __init__(self, broker: RabbitBroker, topology: Topology, timeout: float = 5.0) -> None:
        self._broker = broker
        self._exchange = quarantine_exchange(topology)
        self._timeout = timeout
        self._quarantined = counter(metrics.MESSAGES_QUARANTINED)

    async def parse(self, message: RabbitMessage, model: type[ModelT]) -> ModelT | None:
        """Parse a message, and return None when it was quarantined: then the handler has nothing to do."""
        try:
            return parse_body(message.body, model)
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
            "x-reason": reason[:_LONGEST_REASON],
            "x-original-exchange": raw.exchange or "",
            "x-original-routing-key": raw.routing_key or "",
        }
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


def parse_body(body: bytes, model: type[ModelT]) -> ModelT:
    """Parse a message body strictly.

    Raises NotUnderstoodError with the reason: too long, not JSON, a number JSON does not have, a field named
    twice, nested too deeply, or not what the model says. The reason does not repeat the body's values.
    """
    if len(body) > MAX_BODY_BYTES:
        raise NotUnderstoodError(f"the body has {len(body)} bytes, more than {MAX_BODY_BYTES}")
    _check_json(body)
    try:
        return model.model_validate_json(body, strict=True)
    except ValidationError as error:
        details = error.errors(include_input=False, include_url=False, include_context=False)
        reasons = [
            f"{'.'.join(map(str, detail['loc'])) or 'body'}: {detail['msg']}" for detail in details[:5]
        ]
        raise NotUnderstoodError("; ".join(reasons)) from None


def _check_json(body: bytes) -> None:
    try:
        json.loads(
            body, parse_constant=_refuse_constant, parse_float=_finite, object_pairs_hook=_refuse_doubles
        )
    except NotUnderstoodError:
        raise
    except RecursionError:
        raise NotUnderstoodError("the body is nested too deeply") from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise NotUnderstoodError(f"the body is not JSON: {error.msg} at {place}") from None
    except UnicodeDecodeError:
        raise NotUnderstoodError("the body is not JSON: it is not text in UTF-8") from None
    except ValueError:
        raise NotUnderstoodError("the body is not JSON: a number has too many digits") from None


def _refuse_doubles(fields: list[tuple[str, Any]]) -> None:
    """Refuse what one reader would take for the first value, and another for the last."""
    names = set()
    for name, _ in fields:
        if name in names:
            raise NotUnderstoodError(f"the body names {name!r} twice")
        names.add(name)


def _refuse_constant(name: str) -> Any:
    raise NotUnderstoodError(f"the body contains {name}, which is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise NotUnderstoodError("the body contains a number that is too large for a 64-bit float")
    return number
