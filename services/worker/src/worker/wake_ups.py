"""The messages that a worker consumes: wake-ups, and hints about jobs it runs."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from aio_pika import IncomingMessage
from aio_pika.exceptions import CONNECTION_EXCEPTIONS
from faststream import AckPolicy
from faststream.exceptions import FastStreamException
from faststream.rabbit import Channel, RabbitBroker
from faststream.rabbit.annotations import RabbitMessage

from contracts import lock_names
from contracts.messages import SLOTS_HEADER, Hint, RunJob
from contracts.policies import MOST_SLOTS
from contracts.telemetry import attributes as at
from contracts.topology import Topology
from coordination.holder.dispatcher import LockDispatcher, NoCapacityError
from coordination.ports import Notifier, UnknownOutcomeError, WakeUp
from service_defaults.app import in_background
from service_defaults.broker import (
    MessageReader,
    NotUnderstoodError,
    control_exchange,
    control_queue,
    jobs_exchange,
    jobs_queue,
    lost_connections_as_errors,
    parse_body,
)
from service_defaults.broker.faststream_internals import set_consume

logger = logging.getLogger("turnstile.worker")

#: After a wake-up has come back so often it waits instead; well below the limit that would quarantine it.
_RETURNS = 10

#: Seconds before a wake-up that could not be handled is returned to its queue.
_PAUSE = 1.0

#: Seconds that starting or stopping the consumer may take before it is tried again.
_CHANGE_SECONDS = 10.0

#: Seconds that a stop waits for RabbitMQ: the jobs that run here must be handed over without it.
_STOP_SECONDS = 2.0


class WakeUps:
    """Handles wake-ups, and stops consuming while there is no capacity for another lock.

    A worker without room must not sit on messages that others could answer, so it ends its consumer until
    a place is free.
    """

    def __init__(
        self,
        broker: RabbitBroker,
        topology: Topology,
        reader: MessageReader,
        dispatcher: LockDispatcher,
        notifier: Notifier,
        answered: Callable[[str], None],
    ) -> None:
        self._answered = answered
        self._reader = reader
        self._dispatcher = dispatcher
        self._notifier = notifier
        self._listening: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None
        self._subscriber = broker.subscriber(
            jobs_queue(topology),
            jobs_exchange(topology),
            channel=Channel(prefetch_count=1),
            # Settled by hand: after the take-over, long before the job ends.
            ack_policy=AckPolicy.MANUAL,
            # An answer would go wherever the message says.
            no_reply=True,
            title="RunJob",
            description=RunJob.__doc__,
        )
        self._subscriber(self.on_wake_up)
        # While a consumer ends, the broker delivers another wake-up, and no other worker would get it before
        # this process has ended.
        set_consume(self._subscriber, self._consume)

    async def _consume(self, msg: IncomingMessage) -> None:
        """Deal with a message, also when the consumer is being stopped.

        What a handler did not expect goes to quarantine: unsettled, it would keep all other wake-ups away.
        """
        try:
            if await self._is_known(msg):
                return
            await self._subscriber.process_message(msg)
        except Exception:  # noqa: BLE001 - FastStream has logged it
            if not msg.processed:
                await msg.reject()

    async def _is_known(self, msg: IncomingMessage) -> bool:
        """Answer the wake-up of a lock that is served or watched here, and return whether it was one.

        Each submission sends one, and the way of other messages costs far more than the answer.
        """
        try:
            body = parse_body(msg.body, RunJob)
            name = lock_names.normalise(body.lock)
        except (NotUnderstoodError, lock_names.LockNameError):
            return False
        if body.is_deferred_copy:
            return False
        if not self._dispatcher.is_serving(name) and not self._dispatcher.is_watching(name):
            return False
        slots = slots_in(msg.headers)
        wake_up = WakeUp(name, body.job_id, released=body.released, slots=slots)
        self._answered(await self._dispatcher.answer(wake_up))
        await msg.ack()
        return True

    async def on_wake_up(self, message: RabbitMessage) -> None:
        """Answer one wake-up, then settle it."""
        wake_up = await self._understand(message)
        if wake_up is None:
            return
        try:
            answer = await self._dispatcher.answer(wake_up)
        except NoCapacityError:
            self._answered("no_room")
            await self._give_back(message, wake_up)
        except UnknownOutcomeError:
            self._answered("unknown")
            await _let_come_again(message)
        else:
            self._answered(answer)
            await message.ack()

    async def _understand(self, message: RabbitMessage) -> WakeUp | None:
        body = await self._reader.parse(message, RunJob)
        if body is None:
            return None
        try:
            name = lock_names.normalise(body.lock)
        except lock_names.LockNameError as error:
            await self._reader.quarantine(message, f"lock: {error}")
            return None
        traceparent = message.headers.get("traceparent")
        return WakeUp(
            name,
            body.job_id,
            is_deferred_copy=body.is_deferred_copy,
            released=body.released,
            traceparent=traceparent if isinstance(traceparent, str) else None,
            slots=slots_in(message.headers),
        )

    async def _give_back(self, message: RabbitMessage, wake_up: WakeUp) -> None:
        """Let another worker answer; one that comes back again and again is put off."""
        if _returns(message) < _RETURNS:
            await message.nack(requeue=True)
            return
        try:
            await self._notifier.defer(wake_up)
        except UnknownOutcomeError:
            await _let_come_again(message)
        else:
            await message.ack()

    async def listen_while_there_is_capacity(self) -> None:
        """Start and stop the consumer as places become free and taken, in the background, from now on."""
        self._listening = in_background(self._listen())

    async def _listen(self) -> None:
        while True:
            await self._dispatcher.until_capacity(is_free=False)
            await self._insist(self._subscriber.stop)
            await self._dispatcher.until_capacity(is_free=True)
            await self._insist(self._subscriber.start)

    async def _insist(self, change: Callable[[], Awaitable[None]]) -> None:
        """Start or stop the consumer, as often as it takes while the broker comes and goes."""
        while True:
            try:
                with lost_connections_as_errors():
                    async with asyncio.timeout(_CHANGE_SECONDS):
                        await change()
            except (*CONNECTION_EXCEPTIONS, FastStreamException) as error:
                logger.warning(
                    "consumer start or stop failed, retrying", extra={at.ERROR_MESSAGE: repr(error)}
                )
                await asyncio.sleep(_PAUSE)
            else:
                return

    async def stop(self) -> None:
        """Take no more wake-ups; continue in the background when RabbitMQ does not answer within 2 s."""
        self._ending = asyncio.create_task(self._end())
        done, _ = await asyncio.wait({self._ending}, timeout=_STOP_SECONDS)
        for ending in done:
            ending.result()

    async def _end(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait({self._listening})
        try:
            with lost_connections_as_errors():
                await self._subscriber.stop()
        except (*CONNECTION_EXCEPTIONS, FastStreamException) as error:
            logger.warning("consumer did not stop cleanly", extra={at.ERROR_MESSAGE: repr(error)})


def slots_in(headers: Mapping[str, object]) -> int:
    """Return how many slots of its lock a wake-up says are worth a look; 1 where it says nothing of use."""
    text = str(headers.get(SLOTS_HEADER, ""))
    said = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 1
    return min(max(said, 1), MOST_SLOTS)


def _returns(message: RabbitMessage) -> int:
    """Return how often RabbitMQ has delivered a message before.

    Up to 4.2 every return counts as a delivery; from 4.3 only failures do, and another header counts all.
    """
    counts = [message.headers.get(name) for name in ("x-acquired-count", "x-delivery-count")]
    return max((count for count in counts if isinstance(count, int)), default=0)


async def _let_come_again(message: RabbitMessage) -> None:
    await asyncio.sleep(_PAUSE)
    await message.nack(requeue=True)


def hear_hints(
    broker: RabbitBroker, topology: Topology, reader: MessageReader, dispatcher: LockDispatcher, instance: str
) -> None:
    """Consume the hints that every worker gets."""
    subscriber = broker.subscriber(
        control_queue(topology, instance),
        control_exchange(topology),
        channel=Channel(prefetch_count=10),
        ack_policy=AckPolicy.REJECT_ON_ERROR,
        no_reply=True,
        title="Hint",
        description=Hint.__doc__,
    )

    async def on_hint(message: RabbitMessage) -> None:
        """Look at the job that the hint names, if it runs here."""
        hint = await reader.parse(message, Hint)
        if hint is not None:
            await dispatcher.look(hint.lock, hint.job_id)

    subscriber(on_hint)
