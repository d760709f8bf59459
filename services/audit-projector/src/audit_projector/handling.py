"""Handling messages about events: project the job they name, and wait while the storage is away."""

import asyncio
import logging
from collections import defaultdict

from faststream.exceptions import NackMessage
from faststream.rabbit import Channel, RabbitBroker
from faststream.rabbit.annotations import RabbitMessage

from audit_projector.projection import Projection
from audit_projector.telemetry import ProjectionTelemetry
from contracts import identifiers, lock_names
from contracts.messages import JobEvents
from contracts.telemetry import attributes as at
from contracts.topology import Topology
from coordination.ports import Clock, UnknownOutcomeError
from service_defaults.broker import MessageReader, events_exchange, projector_queue
from service_defaults.logging import log_context

logger = logging.getLogger(__name__)

#: Messages worked on at the same time.
_AT_ONCE = 16

#: Seconds between two tries while the storage is away.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 15.0

#: Seconds after which a message is returned to its queue, long before the broker's consumer timeout. Each
#: return counts towards the delivery limit; a message that reaches it goes to quarantine, and the sweeper
#: publishes its events again.
_PATIENCE = 600.0


class EventHandler:
    """Projects the jobs that messages name, each job by one task at a time."""

    def __init__(
        self,
        projection: Projection,
        reader: MessageReader,
        clock: Clock,
        telemetry: ProjectionTelemetry,
        patience_seconds: float = _PATIENCE,
    ) -> None:
        self._projection = projection
        self._reader = reader
        self._clock = clock
        self._telemetry = telemetry
        self._patience_seconds = patience_seconds
        self._turns: defaultdict[str, _Turn] = defaultdict(_Turn)
        #: When the messages in hand came, in boot time.
        self._in_hand: dict[object, float] = {}

    def oldest_seconds(self) -> float:
        """Return how long the oldest message in hand waits for its projection; 0 without one."""
        return self._clock.boot() - min(self._in_hand.values(), default=self._clock.boot())

    async def on_events(self, message: RabbitMessage) -> None:
        """Project the job that the message names."""
        body = await self._reader.parse(message, JobEvents)
        if body is None:
            return
        try:
            lock = lock_names.normalise(body.lock)
            job_id = identifiers.normalise_job_id(body.job_id)
        except ValueError as error:
            await self._reader.quarantine(message, str(error))
            return
        with log_context({at.JOB_ID: job_id, at.LOCK_NAME: lock}):
            await self._project(lock, job_id, body.first, body.last)

    async def _project(self, lock: str, job_id: str, first: int, last: int) -> None:
        turn, message = self._turns[job_id], object()
        turn.waiting += 1
        self._in_hand[message] = self._clock.boot()
        try:
            async with turn.lock:
                await self._project_patiently(lock, job_id, first, last)
        finally:
            del self._in_hand[message]
            turn.waiting -= 1
            if not turn.waiting:
                self._turns.pop(job_id, None)

    async def _project_patiently(self, lock: str, job_id: str, first: int, last: int) -> None:
        until = self._clock.boot() + self._patience_seconds
        pause = _FIRST_PAUSE
        while True:
            try:
                with self._telemetry.projecting(lock, job_id) as tell:
                    written = await self._projection.project(lock, job_id, last, first=first)
                    tell(written)
            except UnknownOutcomeError as error:
                logger.warning("projection failed, retrying", extra={at.ERROR_MESSAGE: str(error)})
                if self._clock.boot() >= until:
                    raise NackMessage from error
                await self._clock.sleep(self._clock.jitter(pause / 2, pause))
                pause = min(pause * 2, _LONGEST_PAUSE)
            else:
                logger.debug("projected", extra={at.JOB_EVENT_COUNT: written})
                return


class _Turn:
    """Who projects a job now, and how many want to."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.waiting = 0


def subscribe(broker: RabbitBroker, topology: Topology, handler: EventHandler) -> None:
    """Consume recorded events."""
    subscriber = broker.subscriber(
        projector_queue(topology),
        events_exchange(topology),
        channel=Channel(prefetch_count=_AT_ONCE),
        # An answer would go wherever the message says.
        no_reply=True,
        title="JobEvents",
        description=JobEvents.__doc__,
    )
    subscriber(handler.on_events)
