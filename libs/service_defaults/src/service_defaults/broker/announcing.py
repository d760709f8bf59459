"""Announcing recorded events: many announcements travel in one message, which one confirmation covers."""

import asyncio
import json
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from faststream.rabbit import RabbitBroker

from contracts import topology as names
from contracts.jobs import MAX_BODY_BYTES
from contracts.messages import MOST_ANNOUNCED
from contracts.telemetry import attributes as at
from contracts.telemetry import metrics
from contracts.topology import Topology
from coordination.ports import Announcement
from service_defaults.broker.connection import NotConfirmedError, publish_confirmed
from service_defaults.broker.seal import HEADER, Seal
from service_defaults.broker.topology import events_exchange
from service_defaults.broker.tracing import without_span
from service_defaults.measures import counter

logger = logging.getLogger(__name__)

#: Seconds from one message to the next: what is announced in between travels together.
_INTERVAL = 0.1

#: Bytes of one message; and of one announcement, above which only its numbers are sent.
_MOST_BYTES, _LARGEST = MAX_BODY_BYTES // 2, MAX_BODY_BYTES // 4

_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0

#: Values of an event that its announcement says already, and those of a job that its summary shows,
#: or that say when it may go.
_SAID_OF_EVENT = frozenset({"job_id", "lock_name", "seq"})
_SHOWN_OF_JOB = frozenset(
    {
        "kind",
        "status",
        "priority",
        "name",
        "properties",
        "actor",
        "traceparent",
        "fence",
        "worker",
        "attempt",
        "interruptions",
        "cancel_requested",
        "error_type",
        "error_message",
        "submitted_at",
        "queued_at",
        "started_at",
        "finished_at",
        "finalized_at",
        "due_at",
        "keep",
        "pinned_at",
    }
)


class Announcer:
    """Publishes announcements in the background until they are confirmed, oldest first.

    When more than `capacity` wait, the oldest are dropped and counted, as the sweeper announces them again.
    """

    def __init__(
        self,
        broker: RabbitBroker,
        topology: Topology,
        seal: Seal,
        timeout: float,
        capacity: int,
        confirmed: Callable[[], None] = lambda: None,
    ) -> None:
        self._broker = broker
        self._exchange = events_exchange(topology)
        self._seal = seal
        self._timeout = timeout
        self._capacity = capacity
        self._confirmed = confirmed
        self._waiting: deque[Announcement] = deque()
        #: How many of them are on their way.
        self._sent = 0
        self._arrived = asyncio.Event()
        self._drained = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._is_closed = False
        self._unconfirmed = counter(metrics.MESSAGES_UNCONFIRMED)
        self._dropped = counter(metrics.ANNOUNCEMENTS_DROPPED)

    @property
    def waiting(self) -> int:
        """How many announcements are not confirmed yet."""
        return len(self._waiting)

    def add(self, announcements: Sequence[Announcement]) -> None:
        """Take over announcements. Never waits and never fails."""
        if self._is_closed:
            self._dropped.add(len(announcements))
            return
        self._waiting.extend(announcements)
        while len(self._waiting) > self._capacity:
            self._waiting.popleft()
            self._sent = max(self._sent - 1, 0)
            self._dropped.add(1)
        if self._task is None:
            # Messages about many jobs belong to the trace of none.
            with without_span():
                self._task = asyncio.get_running_loop().create_task(self._publish_all())
        self._drained.clear()
        self._arrived.set()

    async def aclose(self, timeout: float) -> None:
        """Publish what still waits, for at most `timeout` seconds, then nothing more."""
        self._is_closed = True
        if self._task is None:
            return
        self._arrived.set()
        try:
            async with asyncio.timeout(timeout):
                await self._drained.wait()
        except TimeoutError:
            self._dropped.add(len(self._waiting))
            logger.warning(
                "unpublished events left to the sweeper", extra={at.MESSAGE_COUNT: len(self._waiting)}
            )
        self._task.cancel()
        await asyncio.wait([self._task])
        self._task = None

    async def _publish_all(self) -> None:
        pause = _FIRST_PAUSE
        while True:
            self._arrived.clear()
            if not self._waiting:
                self._drained.set()
                await self._arrived.wait()
                continue
            began = time.monotonic()
            body, self._sent = group(self._waiting)
            if await self._is_published(body):
                self._confirmed()
                for _ in range(self._sent):
                    self._waiting.popleft()
                self._sent, pause = 0, _FIRST_PAUSE
                await self._rest(began + _INTERVAL - time.monotonic())
                continue
            self._unconfirmed.add(1, {at.MESSAGE_TYPE: "events"})
            logger.warning("events not confirmed, retrying", extra={at.MESSAGE_COUNT: self._sent})
            self._sent = 0
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _rest(self, seconds: float) -> None:
        """Let announcements gather, unless a whole message of them waits or nothing more will come."""
        if seconds > 0 and len(self._waiting) < MOST_ANNOUNCED and not self._is_closed:
            await asyncio.sleep(seconds)

    async def _is_published(self, body: bytes) -> bool:
        seal = self._seal.of(body)
        try:
            await publish_confirmed(
                self._broker,
                body,
                exchange=self._exchange,
                routing_key=names.EVENTS,
                timeout=self._timeout,
                headers={HEADER: seal} if seal else None,
            )
        except NotConfirmedError:
            return False
        return True


def group(waiting: Sequence[Announcement]) -> tuple[bytes, int]:
    """Return the body of a message with the first that wait, as far as they fit, and how many those are."""
    items: list[str] = []
    size = 0
    for announcement in waiting:
        if len(items) == MOST_ANNOUNCED:
            break
        item = _item(announcement)
        if items and size + len(item) > _MOST_BYTES:
            break
        items.append(item)
        size += len(item)
    return f'{{"version":1,"items":[{",".join(items)}]}}'.encode("ascii"), len(items)


def _item(announcement: Announcement) -> str:
    numbers: dict[str, Any] = {
        "lock": announcement.lock_name,
        "job_id": announcement.job_id,
        "first": announcement.first,
        "last": announcement.last,
    }
    if announcement.traceparent is not None:
        numbers["traceparent"] = announcement.traceparent
    if announcement.recorded is not None:
        events = [
            {name: value for name, value in event.items() if value is not None and name not in _SAID_OF_EVENT}
            for event in announcement.recorded.events
        ]
        about = announcement.recorded.job
        job = {
            name: value for name, value in about.items() if value not in {None, ""} and name in _SHOWN_OF_JOB
        }
        item = json.dumps(numbers | {"events": events, "job": job}, separators=(",", ":"))
        if len(item) <= _LARGEST:
            return item
    return json.dumps(numbers, separators=(",", ":"))
