"""The protocol's notifier on RabbitMQ: wake-ups, deferred wake-ups, announcements of events, hints."""

import logging
import secrets
from collections.abc import Sequence

from faststream.rabbit import RabbitBroker

from contracts import topology as names
from contracts.messages import Hint, RunJob
from contracts.telemetry import attributes as at
from contracts.telemetry import metrics
from contracts.topology import Topology
from coordination.ports import Announcement, WakeUp
from service_defaults.broker.announcing import Announcer
from service_defaults.broker.connection import NotConfirmedError, publish_confirmed
from service_defaults.broker.seal import Seal
from service_defaults.broker.topology import control_exchange, jobs_exchange
from service_defaults.broker.wake_ups import SharedWakeUps
from service_defaults.measures import counter

logger = logging.getLogger(__name__)


class RabbitNotifier:
    """Implements `coordination.ports.Notifier`.

    Announcements wait in memory, at most `capacity`, for a background task that publishes them with
    confirmation (`Announcer`), sealed as soon as `seal` has a key.
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
        self._announcer = Announcer(broker, topology, seal or Seal(), timeout, capacity)
        self._wake_ups = SharedWakeUps(self._notify, timeout)
        self._notified = counter(metrics.WAKE_UPS_SENT)
        self._unconfirmed = counter(metrics.MESSAGES_UNCONFIRMED)

    async def notify(self, wake_up: WakeUp) -> None:
        """Notify the workers that a lock has work, by a message that is sent after this call began.

        It may be that of another caller. A failure is counted: the sweeper notifies again.
        """
        await self._wake_ups.send(wake_up)

    async def _notify(self, wake_up: WakeUp) -> None:
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
        self._announcer.add(announcements)

    @property
    def waiting(self) -> int:
        """How many announcements are not confirmed yet."""
        return self._announcer.waiting

    async def aclose(self, timeout: float = 5.0) -> None:
        """Publish what still waits, for at most `timeout` seconds, then announce nothing more.

        The sweeper does the rest.
        """
        await self._announcer.aclose(timeout)

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


def _untraced() -> str:
    """Return the context of a trace that is not recorded: a copy is deferred while the lock is held."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-00"
