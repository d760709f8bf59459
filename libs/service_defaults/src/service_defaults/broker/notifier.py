"""The protocol's notifier on RabbitMQ: wake-ups, deferred wake-ups, announcements of events, hints."""

import logging
import secrets
from collections.abc import Sequence

from aio_pika.exceptions import DeliveryError
from faststream.rabbit import RabbitBroker

from contracts import topology as names
from contracts.messages import SLOTS_HEADER, Hint, RunJob
from contracts.telemetry import attributes as at
from contracts.telemetry import metrics
from contracts.topology import Topology
from coordination.ports import Announcement, WakeUp
from service_defaults.broker.announcing import Announcer
from service_defaults.broker.connection import NotConfirmedError, publish_confirmed
from service_defaults.broker.publishing_watch import watch_publishing
from service_defaults.broker.seal import Seal
from service_defaults.broker.topology import control_exchange, jobs_exchange
from service_defaults.broker.wake_ups import SharedWakeUps
from service_defaults.measures import counter

logger = logging.getLogger(__name__)


class RabbitNotifier:
    """Implements `coordination.ports.Notifier`.

    Announcements wait in memory, at most `capacity`, for a background task that publishes them with
    confirmation (`Announcer`), sealed as soon as `seal` has a key.

    After a message that was not confirmed, other wake-ups and hints are left out, so that no caller waits for
    them, until the broker confirms a probe (`watch`).
    """

    def __init__(
        self,
        broker: RabbitBroker,
        topology: Topology,
        deferral_milliseconds: int,
        *,
        seal: Seal | None = None,
        timeout: float = 5.0,
        capacity: int = 10_000,
    ) -> None:
        self._broker = broker
        self._jobs = jobs_exchange(topology)
        self._control = control_exchange(topology)
        self._delay_key = names.delay_key(deferral_milliseconds)
        self._timeout = timeout
        #: Whether RabbitMQ confirms messages.
        self.watch = watch_publishing(broker, topology, "wake-ups are left to the sweeper")
        self._announcer = Announcer(broker, topology, seal or Seal(), timeout, capacity, self.watch.confirmed)
        self._wake_ups = SharedWakeUps(self._notify, timeout)
        self._notified = counter(metrics.WAKE_UPS_SENT)
        self._unconfirmed = counter(metrics.MESSAGES_UNCONFIRMED)

    async def notify(self, wake_up: WakeUp) -> bool:
        """Notify the workers that a lock has work, by a message that is sent after this call began.

        It may be that of another caller. Return whether the broker confirmed it in time. A failure is
        counted: the sweeper notifies again.
        """
        return await self._wake_ups.send(wake_up)

    async def _notify(self, wake_up: WakeUp) -> bool:
        try:
            await self._publish_wake_up(wake_up, names.RUN, wake_up.reason)
        except NotConfirmedError as error:
            self._failed("wake_up", error)
            _log("wake-up not confirmed", wake_up.lock_name, error)
            return False
        return True

    async def defer(self, wake_up: WakeUp) -> None:
        """Notify once the deferral time is over. Raises NotConfirmedError, an UnknownOutcomeError."""
        try:
            await self._publish_wake_up(wake_up, self._delay_key, "deferred")
        except NotConfirmedError as error:
            self._failed("deferred_wake_up", error)
            raise

    async def hint(self, hint: Hint) -> None:
        """Send every worker a hint. Failure is counted and logged."""
        body = hint.model_dump_json().encode()
        try:
            self._refuse_while_silent()
            await publish_confirmed(
                self._broker, body, exchange=self._control, routing_key="", timeout=self._timeout, hint=True
            )
        except NotConfirmedError as error:
            self._failed("hint", error)
            _log("hint not confirmed", hint.lock, error)

    def announce(self, announcements: Sequence[Announcement]) -> None:
        """Hand over announcements for publishing. Never waits and never fails."""
        self._announcer.add(announcements)

    @property
    def waiting(self) -> int:
        """How many announcements are not confirmed yet."""
        return self._announcer.waiting

    async def aclose(self, timeout: float = 5.0) -> None:
        """Publish what still waits, for at most `timeout` seconds, then announce nothing more.

        The sweeper does the rest.
        """
        await self.watch.aclose()
        await self._announcer.aclose(timeout)

    async def _publish_wake_up(self, wake_up: WakeUp, routing_key: str, reason: str) -> None:
        self._refuse_while_silent()
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
            headers={SLOTS_HEADER: str(wake_up.slots)} if wake_up.slots > 1 else None,
        )
        self._notified.add(1, {at.WAKE_UP_REASON: reason})

    def _refuse_while_silent(self) -> None:
        if not self.watch.is_answering:
            raise _LeftOutError("left out, as RabbitMQ does not confirm messages")

    def _failed(self, what: str, error: NotConfirmedError) -> None:
        self._unconfirmed.add(1, {at.MESSAGE_TYPE: what})
        # A broker that refuses a message answers.
        if not isinstance(error, _LeftOutError) and not isinstance(error.__cause__, DeliveryError):
            self.watch.failed()


class _LeftOutError(NotConfirmedError):
    """The message was not sent: an earlier one is not confirmed."""


def _log(message: str, lock_name: str, error: NotConfirmedError) -> None:
    if not isinstance(error, _LeftOutError):
        logger.warning(message, extra={at.LOCK_NAME: lock_name, at.ERROR_MESSAGE: str(error)})


def _untraced() -> str:
    """Return the context of a trace that is not recorded: a copy is deferred while the lock is held."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-00"
