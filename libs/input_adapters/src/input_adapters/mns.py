"""Queues of Alibaba's Simple Message Queue (MNS).

A message is ours for the visibility timeout of its queue. MNS has no dead-letter call: a dead letter is a
message in another queue, with the reason and the old body in it.
"""

import asyncio
import base64
import binascii
import json
import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from input_adapters.mns_client import MnsClient
from input_adapters.mns_source import MnsSource
from inputs.input_types import InputType
from inputs.port import Delivery, DeliveryLostError, InputError, InputUnavailableError, Lag, Refusal

#: Most messages of one request, and most seconds that one may wait.
_MOST_MESSAGES, _LONGEST_WAIT = 16, 30

#: Fewest seconds for which a message can be hidden.
_SHORTEST = 1

#: Bytes of a body.
_LARGEST_BODY = 64 * 1024

#: Seconds of the first pause after an answer that came too soon, and of the longest.
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class _Handle:
    """What a message is settled by. Each extension makes another one of it."""

    receipt: str
    text: str


class MnsInput:
    """One queue of MNS."""

    #: The default of the service, until the queue was asked.
    holds_for: float | None = 30.0

    def __init__(self, source: MnsSource) -> None:
        self._source = source
        self._client = MnsClient(source)
        self._unsettled: dict[int, _Handle] = {}
        self._is_known = False
        self._is_closed = False
        self._pause = _FIRST_PAUSE

    async def pull(self, limit: int, wait: float) -> list[Delivery]:
        """Return messages as soon as there is one, at most 16."""
        self._refuse_when_closed()
        if not self._is_known:
            await self._look()
        seconds = min(_LONGEST_WAIT, max(1, math.ceil(wait)))
        began = time.monotonic()
        found = await self._client.receive(self._source.queue, min(limit, _MOST_MESSAGES), seconds)
        if found:
            self._pause = _FIRST_PAUSE
        elif time.monotonic() - began < seconds / 2:
            # With too many receivers, the service answers at once instead of waiting, and bills each answer.
            await asyncio.sleep(self._pause)
            self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        return [self._delivery(message) for message in found]

    def _delivery(self, message: Mapping[str, str]) -> Delivery:
        text = message.get("MessageBody", "")
        handle = _Handle(message["ReceiptHandle"], text)
        self._unsettled[id(handle)] = handle
        return Delivery(
            body=_decoded(text, self._source.body),
            handle=handle,
            message_id=message["MessageId"],
            deliveries=int(message.get("DequeueCount", "1")),
            enqueued_at=_moment(message),
        )

    async def accept(self, delivery: Delivery) -> None:
        """Delete a message."""
        handle = self._handle(delivery)
        with self._until_lost(handle):
            await self._client.delete(self._source.queue, handle.receipt)
        self._unsettled.pop(id(handle))

    async def refuse(self, delivery: Delivery, refusal: Refusal) -> None:
        """Send the message to the queue for dead letters, then delete it."""
        handle = self._handle(delivery)
        # A receipt that counts no more must not leave a copy; and the copy gets the time that it needs.
        await self.keep(delivery)
        await self._client.send(self._source.dead_letters, _letter(delivery, handle, refusal))
        await self.accept(delivery)

    async def give_back(self, delivery: Delivery) -> None:
        """Let the message be delivered again, a second from now."""
        handle = self._handle(delivery)
        with self._until_lost(handle):
            await self._client.hide(self._source.queue, handle.receipt, _SHORTEST)
        self._unsettled.pop(id(handle))

    async def keep(self, delivery: Delivery) -> None:
        """Hide the message for another visibility timeout."""
        handle = self._handle(delivery)
        seconds = math.ceil(self.holds_for or _SHORTEST)
        with self._until_lost(handle):
            handle.receipt = await self._client.hide(self._source.queue, handle.receipt, seconds)

    async def lag(self) -> Lag:
        """Return about how many messages wait, and the age of the next one."""
        self._refuse_when_closed()
        attributes = await self._look()
        peeked = await self._client.receive(self._source.queue, 1, 0, peek=True)
        received = _moment(peeked[0]) if peeked else None
        age = 0.0 if received is None else (datetime.now(UTC) - received).total_seconds()
        return Lag(int(attributes.get("ActiveMessages", "0")), max(0.0, age))

    async def probe(self) -> None:
        """Ask for the queue."""
        self._refuse_when_closed()
        await self._look()

    async def close(self) -> None:
        """Give back what is not settled, and disconnect."""
        self._is_closed = True
        for handle in self._unsettled.values():
            with suppress(InputError):
                await self._client.hide(self._source.queue, handle.receipt, _SHORTEST)
        self._unsettled.clear()
        await self._client.close()

    async def _look(self) -> Mapping[str, str]:
        attributes = await self._client.attributes(self._source.queue)
        self.holds_for = float(attributes.get("VisibilityTimeout", "30"))
        self._is_known = True
        return attributes

    def _refuse_when_closed(self) -> None:
        if self._is_closed:
            raise InputUnavailableError("the input was closed")

    def _handle(self, delivery: Delivery) -> _Handle:
        handle: _Handle = delivery.handle
        if self._is_closed or id(handle) not in self._unsettled:
            raise DeliveryLostError("the message was settled already, or the input was closed")
        return handle

    @contextmanager
    def _until_lost(self, handle: _Handle) -> Iterator[None]:
        try:
            yield
        except DeliveryLostError:
            self._unsettled.pop(id(handle), None)
            raise


def _moment(message: Mapping[str, str]) -> datetime | None:
    sent = message.get("EnqueueTime", "")
    return _EPOCH + timedelta(milliseconds=int(sent)) if sent.isdecimal() else None


def _decoded(text: str, how: str) -> bytes:
    """Return the body that a text is; the text itself if it is not what it should be."""
    if how == "text" or (how == "auto" and text.lstrip().startswith("{")):
        return text.encode()
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return text.encode()


def _letter(delivery: Delivery, handle: _Handle, refusal: Refusal) -> str:
    """Return the body of a dead letter: why, and the old body as it was sent.

    Where there is no room for both, it is the old body alone, and the log has the reason.
    """
    letter = {
        "reason": str(refusal.reason),
        "explanation": refusal.explanation,
        "message_id": delivery.message_id,
        "body": handle.text,
    }
    text = json.dumps(letter, ensure_ascii=False)
    return text if len(text.encode()) <= _LARGEST_BODY else handle.text


def _open(source: MnsSource, _: int) -> MnsInput:
    return MnsInput(source)


MNS = InputType(MnsSource, _open)
