"""The protocol's notifier on RabbitMQ: wake-ups, deferred wake-ups, announcements of events, hints."""

import asyncio
import itertools
import logging
import secrets
from collections import deque
from collections.abc import Sequence

from faststream.rabbit import RabbitBroker

from contracts import topology as names
from contracts.messages import Hint, JobEvents, RunJob
from contracts.telemetry import attributes as at
from contracts.telemetry import metrics
from contracts.topology import Topology
from coordination.ports import Announcement, WakeUp
from service_defaults.broker.connection import NotConfirmedError, publish_confirmed
from service_defaults.broker.topology import control_exchange, events_exchange, jobs_exchange
from service_defaults.measures import counter

logger = logging.getLogger(__name__)

_AT_ONCE = 16
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0


class RabbitNotifier:
    """Implements `coordination.ports.Notifier`.

    Announcements wait in memory for a background task that publishes them with confirmation; when more than
    `capacity` wait, the oldest are dropped and counted, as the sweeper announces them again.
    """

    def __init__(
        self,
        broker: RabbitBroker,
        topology: Topology,
        deferral_milliseconds: int,
        *,
        timeout: float = 5.0,
        capacity: int = 10_000,
    ) -> None:
        self._broker = broker
        self._jobs = jobs_exchange(topology)
        self._events = events_exchange(topology)
        self._control = control_exchange(topology)
        self._delay_key = names.delay_key(deferral_milliseconds)
        self._timeout = timeout
        self._capacity = capacity
        self._waiting: deque[Announcement] = deque()
        self._arrived = asyncio.Event()
        self._drained = asyncio.Event()
        self._announcer: asyncio.Task[None] | None = None
        self._is_closed = False
        self._notified = counter(metrics.WAKE_UPS_SENT)
        self._unconfirmed = counter(metrics.MESSAGES_UNCONFIRMED)
        self._dropped = counter(metrics.ANNOUNCEMENTS_DROPPED)

    async def notify(self, wake_up: WakeUp) -> None:
        """Notify the workers that a lock has work. A failure is counted: the sweeper notifies again."""
        try:
            await self._publish_wake_up(wake_up, names.RUN, wake_up.reason)
        except NotConfirmedError as error:
            self._unconfirmed.add(1, {at.MESSAGE_TYPE: "wake_up"})
            logger.warning(
                "wake-up not confirmed", extra={at.LOCK_NAME: wake_up.lock_name, at.ERROR_MESSAGE: str(error)}
            )

    async def defer(self, wake_up: WakeUp) -> None:
        """Notify once the deferral time is over. Raises NotConfirmedError, an UnknownOutcomeError."""
        try:
            await self._publish_wake_up(wake_up, self._delay_key, "deferred")
        except NotConfirmedError:
            self._unconfirmed.add(1, {at.MESSAGE_TYPE: "deferred_wake_up"})
            raise

    async def hint(self, hint: Hint) -> None:
        """Send every worker a hint. Failure is counted and logged."""
        body = hint.model_dump_json().encode()
        try:
            await publish_confirmed(
                self._broker, body, exchange=self._control, routing_key="", timeout=self._timeout, hint=True
            )
        except NotConfirmedError as error:
            self._unconfirmed.add(1, {at.MESSAGE_TYPE: "hint"})
            logger.warning(
                "hint not confirmed", extra={at.LOCK_NAME: hint.lock, at.ERROR_MESSAGE: str(error)}
            )

    def announce(self, announcements: Sequence[Announcement]) -> None:
        """Hand over announcements for publishing. Never waits and never fails."""
        if self._is_closed:
            self._dropped.add(len(announcements))
            return
        self._waiting.extend(announcements)
        while len(self._waiting) > self._capacity:
            self._waiting.popleft()
            self._dropped.add(1)
        if self._announcer is None:
            self._announcer = asyncio.get_running_loop().create_task(self._publish_announcements())
        self._drained.clear()
        self._arrived.set()

    @property
    def waiting(self) -> int:
        """How many announcements are not confirmed yet."""
        return len(self._waiting)

    async def aclose(self, timeout: float = 5.0) -> None:
        """Publish what still waits, for at most `timeout` seconds, then announce nothing more.

        The sweeper does the rest.
        """
        self._is_closed = True
        if self._announcer is None:
            return
        try:
            async with asyncio.timeout(timeout):
                await self._drained.wait()
        except TimeoutError:
            self._dropped.add(len(self._waiting))
            logger.warning(
                "unpublished events left to the sweeper", extra={at.MESSAGE_COUNT: len(self._waiting)}
            )
        self._announcer.cancel()
        await asyncio.wait([self._announcer])
        self._announcer = None

    async def _publish_wake_up(self, wake_up: WakeUp, routing_key: str, reason: str) -> None:
        message = RunJob(
            lock=wake_up.lock_name,
            job_id=wake_up.job_id,
            is_deferred_copy=wake_up.is_deferred_copy,
            released=wake_up.released,
        )
        await publish_confirmed(
            self._broker,
            message.model_dump_json().encode(),
            exchange=self._jobs,
            routing_key=routing_key,
            timeout=self._timeout,
            traceparent=_untraced() if wake_up.is_deferred_copy else wake_up.traceparent,
        )
        self._notified.add(1, {at.WAKE_UP_REASON: reason})

    async def _publish_announcements(self) -> None:
        pause = _FIRST_PAUSE
        while True:
            self._arrived.clear()
            batch = list(itertools.islice(self._waiting, _AT_ONCE))
            if not batch:
                self._drained.set()
                await self._arrived.wait()
                continue
            confirmed = await asyncio.gather(*map(self._is_published, batch))
            done = {id(announcement) for announcement, ok in zip(batch, confirmed, strict=True) if ok}
            self._waiting = deque(waiting for waiting in self._waiting if id(waiting) not in done)
            if all(confirmed):
                pause = _FIRST_PAUSE
                continue
            self._unconfirmed.add(len(batch) - len(done), {at.MESSAGE_TYPE: "events"})
            logger.warning("events not confirmed, retrying", extra={at.MESSAGE_COUNT: len(batch) - len(done)})
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _is_published(self, announcement: Announcement) -> bool:
        body = JobEvents(
            lock=announcement.lock_name,
            job_id=announcement.job_id,
            first=announcement.first,
            last=announcement.last,
        )
        try:
            await publish_confirmed(
                self._broker,
                body.model_dump_json().encode(),
                exchange=self._events,
                routing_key=names.EVENTS,
                timeout=self._timeout,
                traceparent=announcement.traceparent,
            )
        except NotConfirmedError:
            return False
        return True


def _untraced() -> str:
    """Return the context of a trace that is not recorded: a copy is deferred while the lock is held."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-00"
