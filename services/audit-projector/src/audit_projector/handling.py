"""Handling messages about events: project the jobs they name, and wait while the storage is away."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Sequence

from faststream.exceptions import NackMessage
from faststream.rabbit import Channel, RabbitBroker
from faststream.rabbit.annotations import RabbitMessage

from audit_projector.announced import Announced, merged
from audit_projector.announcement_reader import AnnouncementReader
from audit_projector.departures import INTERVAL, Departures
from audit_projector.projection import Projection
from audit_projector.room import Room
from audit_projector.telemetry import ProjectionTelemetry
from contracts.messages import EventGroup
from contracts.telemetry import attributes as at
from contracts.topology import Topology
from contracts.traceparent import trace_id_of
from coordination.ports import Announcement, Clock, UnknownOutcomeError
from service_defaults.broker import events_exchange, projector_queue
from service_defaults.logging import log_context

logger = logging.getLogger(__name__)

#: Messages in hand at the same time, each with up to `MOST_ANNOUNCED` announcements.
_AT_ONCE = 64

#: Seconds between two tries while the storage is away.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 15.0

#: Seconds from its arrival after which a message is returned to its queue, long before the broker's consumer
#: timeout of 30 minutes; waiting for other messages about the same job counts. Each return counts towards the
#: delivery limit; a message that reaches it goes to quarantine, and the sweeper publishes its events again.
_PATIENCE = 600.0

#: The same for jobs that no message told of.
_FOUND_PATIENCE = 5.0


#: Lock and job id.
_Key = tuple[str, str]


class EventHandler:
    """Projects the jobs that messages name, each job by one task at a time."""

    def __init__(
        self,
        projection: Projection,
        reader: AnnouncementReader,
        clock: Clock,
        telemetry: ProjectionTelemetry,
        patience_seconds: float = _PATIENCE,
        gather_seconds: float = INTERVAL,
    ) -> None:
        self._projection = projection
        self._reader = reader
        self._clock = clock
        self._telemetry = telemetry
        self._patience_seconds = patience_seconds
        self._turns: defaultdict[_Key, _Turn] = defaultdict(_Turn)
        self._room = Room(clock)
        self._departures = Departures(clock, gather_seconds)
        #: When the messages in hand came, in boot time.
        self._in_hand: dict[object, float] = {}

    def oldest_seconds(self) -> float:
        """Return how long the oldest message in hand waits for its projection; 0 without one."""
        return self._clock.boot() - min(self._in_hand.values(), default=self._clock.boot())

    async def on_events(self, message: RabbitMessage) -> None:
        """Project the jobs that the message names."""
        jobs: defaultdict[_Key, list[Announced]] = defaultdict(list)
        for item in await self._reader.read(message):
            jobs[item.lock, item.job_id].append(item)
        came = object()
        arrived = self._in_hand[came] = self._clock.boot()
        until = arrived + self._patience_seconds
        try:
            hearings = (self._hear(key, merged(items), until) for key, items in jobs.items())
            # All to their ends: what is given back is heard again, and must not meet itself.
            for failure in filter(None, await asyncio.gather(*hearings, return_exceptions=True)):
                raise failure
        finally:
            del self._in_hand[came]

    async def project(self, found: Sequence[Announcement]) -> None:
        """Project jobs that no message told of; who found them looks again for those that take too long."""
        until = self._clock.boot() + _FOUND_PATIENCE
        hearings = (
            self._hear(
                (item.lock_name, item.job_id),
                Announced(item.lock_name, item.job_id, item.first, item.last, item.traceparent),
                until,
            )
            for item in found
        )
        for failure in await asyncio.gather(*hearings, return_exceptions=True):
            if failure is not None and not isinstance(failure, NackMessage):
                raise failure

    async def _hear(self, key: _Key, item: Announced, until: float) -> None:
        """Project a job, or wait until it is projected together with what else was announced of it.

        Raises NackMessage when the storage is away until then; waiting for the job's turn counts.
        """
        turn, came = self._turns[key], object()
        turn.waiting[came] = item
        turn.callers += 1
        try:
            async with turn.lock:
                if came in turn.waiting:
                    await self._project_patiently(turn, until)
        finally:
            turn.waiting.pop(came, None)
            turn.callers -= 1
            if not turn.callers:
                self._turns.pop(key, None)

    async def _project_patiently(self, turn: "_Turn", until: float) -> None:
        """Project what waits of a job, and what is added before the next try. Raises NackMessage."""
        if self._clock.boot() > until:
            raise NackMessage
        pause = _FIRST_PAUSE
        while True:
            try:
                await self._departures.wait()
                async with self._room.place():
                    heard = dict(turn.waiting)
                    await self._project(merged(list(heard.values())))
            except UnknownOutcomeError as error:
                logger.warning("projection failed, retrying", extra={at.ERROR_MESSAGE: str(error)})
                if self._clock.boot() >= until:
                    raise NackMessage from error
                await self._clock.sleep(self._clock.jitter(pause / 2, pause))
                pause = min(pause * 2, _LONGEST_PAUSE)
            else:
                for came in heard:
                    turn.waiting.pop(came, None)
                return

    async def _project(self, item: Announced) -> None:
        with (
            log_context(_about(item)),
            self._telemetry.projecting(item.lock, item.job_id, item.traceparent) as tell,
        ):
            written = await self._projection.project(
                item.lock, item.job_id, item.last, first=item.first, news=item.news
            )
            tell(written)
            logger.debug("projected", extra={at.JOB_EVENT_COUNT: written})


def _about(item: Announced) -> dict[str, str]:
    about: dict[str, str] = {at.JOB_ID: item.job_id, at.LOCK_NAME: item.lock}
    trace_id = trace_id_of(item.traceparent)
    return about if trace_id is None else about | {at.TRACE_ID: trace_id}


class _Turn:
    """What is to be projected of a job, and who does it now."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.callers = 0
        #: What was announced and is not projected, by its caller.
        self.waiting: dict[object, Announced] = {}


def subscribe(broker: RabbitBroker, topology: Topology, handler: EventHandler) -> None:
    """Consume recorded events."""
    subscriber = broker.subscriber(
        projector_queue(topology),
        events_exchange(topology),
        channel=Channel(prefetch_count=_AT_ONCE),
        # An answer would go wherever the message says.
        no_reply=True,
        title="EventGroup",
        description=EventGroup.__doc__,
    )
    subscriber(handler.on_events)
