"""Projectors: the projection's own code, fed by a queue that hands over again what a dead one had."""

import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from faststream.exceptions import NackMessage
from tests.simulation.members import Member

from audit_projector.announced import Announced
from audit_projector.announcement_reader import announced
from audit_projector.event_search import EventSearch
from audit_projector.handling import EventHandler
from audit_projector.observations import EventsProjected, Observation
from audit_projector.projection import Projection
from contracts.messages import EventGroup
from coordination.clients.followers import Followers
from coordination.clients.job_writer import JobWriter
from coordination.ports import Announcement
from service_defaults.broker.announcing import group

if TYPE_CHECKING:
    from tests.simulation.world import World

#: Seconds until a message whose projector has died, or gave it back, is handed over again.
_AGAIN = 1.0


class Projector(Member):
    """A projector: brings the read models up to what the journal says, message by message."""

    def begin(self) -> None:
        ports = self.world.ports
        writer = JobWriter(ports.journal, ports.notifier, ports.clock, new_id=ports.new_id)
        followers = Followers(self.world.register, writer, "audit-projector")
        projection = Projection(
            self.world.journal,
            self.world.register,
            self.world.models,
            self._observe,
            self.world.new_id,
            followers=followers,
        )
        self._handler = EventHandler(projection, _Reader(), self.world.clock, _Telemetry())  # type: ignore[arg-type]
        clock = self.own_clock()
        watch = self.watch_broker(clock)
        search = EventSearch(
            self.world.journal,
            self.world.register,
            self.world.projected_seqs,
            clock,
            self._project,
            lambda: not watch.is_answering,
            followers=followers,
        )
        self.process.spawn(search.keep_searching(), name="search")

    async def handle(self, announcements: Sequence[Announcement]) -> None:
        """Handle the message of one transaction."""
        await self._handler.on_events(announcements)  # type: ignore[arg-type]

    async def _project(self, found: Sequence[Announcement]) -> None:
        self.world.observed["found without a message"] += len(found)
        await self._handler.project(found)

    def _observe(self, observation: Observation) -> None:
        if not isinstance(observation, EventsProjected):
            self.world.alarms.append(observation)


class EventQueue:
    """The queue of the projectors."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def put(self, announcements: Sequence[Announcement]) -> None:
        """Hand a message to a projector, now or as soon as there is one."""
        world = self._world
        alive = [projector for projector in world.projectors if not projector.process.is_dead]
        if not alive:
            self._put_again(announcements)
            return
        projector = world.randomness.choice(alive)
        task = projector.process.spawn(projector.handle(announcements))
        task.add_done_callback(lambda done: self._settle(done, announcements), context=world.context)

    def _settle(self, done: Any, announcements: Sequence[Announcement]) -> None:
        if done.cancelled() or isinstance(done.exception(), NackMessage):
            self._put_again(announcements)
        elif done.exception() is not None:
            self._world.history.violate("read-models", f"projecting failed: {done.exception()!r}")

    def _put_again(self, announcements: Sequence[Announcement]) -> None:
        self._world.loop.call_later(_AGAIN, self.put, announcements, context=self._world.context)


class _Reader:
    """Takes announcements as they travel. Some come without a seal, as if nobody had the key."""

    async def read(self, announcements: Any) -> list[Announced]:
        body, count = group(announcements)
        assert count == len(announcements)
        items = EventGroup.model_validate_json(body, strict=True).items
        # Not by chance: what a seed lives through must not depend on what is believed.
        is_sealed = zlib.crc32(body) % 4 > 0
        return [announced(item, is_sealed=is_sealed) for item in items]


class _Telemetry:
    @contextmanager
    def projecting(self, lock: str, job_id: str, traceparent: str | None) -> Iterator[Callable[[int], None]]:
        yield lambda events: None
