"""The doorkeeper: answers doorbells, decides which locks this worker serves, and never leaves work behind."""

import asyncio
from collections.abc import Callable

from coordination.door import Answer
from coordination.house import House, Ports, Rules
from coordination.observations import BellDeferred, Observe
from coordination.outcomes import StopReason
from coordination.ports import CoordinationError, Ring, UnknownOutcomeError
from coordination.rows import JobRow
from coordination.runs import Executor
from coordination.serving import Service
from coordination.unknown_kinds import UnknownKinds
from coordination.watches import Watches


class NoRoomError(CoordinationError):
    """This worker serves as many locks as it can."""


class Doorkeeper:
    """Serves locks when their bell rings.

    The rules on a held lock are: the first bell starts a watch and sends one marked copy of itself round by
    the delay queue; further bells are dropped while the watch lives; a marked copy goes round again.

    `places` tells how many jobs can be run at the same time now, when that may be fewer than the house holds;
    whoever changes it calls `room_changed`.
    """

    def __init__(
        self,
        ports: Ports,
        rules: Rules,
        house: House,
        executor: Executor,
        knows: Callable[[str], bool],
        observe: Observe,
        places: Callable[[], int] | None = None,
    ) -> None:
        self._ports = ports
        self._rules = rules
        self._house = house
        self._executor = executor
        self._knows = knows
        self._observe = observe
        self._places = places or (lambda: house.capacity)
        self._unknown_kinds = UnknownKinds(ports.clock, house.patience_for_kinds)
        self._services: dict[str, Service] = {}
        self._watches = Watches(ports, rules, house.watches, self)
        self._copies: dict[str, float] = {}
        self._is_stopping = False
        self._room_changed = asyncio.Event()

    @property
    def is_stopping(self) -> bool:
        """Whether this worker takes nothing new any more."""
        return self._is_stopping

    @property
    def has_room(self) -> bool:
        """Whether another lock can be served."""
        places = min(self._house.capacity, self._places())
        return not self.is_stopping and len(self._services) < places

    @property
    def has_too_many(self) -> bool:
        """Whether more locks are served than jobs can be run: then what waits is left to others."""
        return len(self._services) > self._places()

    def room_changed(self) -> None:
        """Have `until_room` look again."""
        self._room_changed.set()

    async def until_room(self, *, is_free: bool) -> None:
        """Wait until another lock can be served, or until none can."""
        while self.has_room is not is_free:
            self._room_changed.clear()
            await self._room_changed.wait()

    @property
    def running(self) -> dict[str, str]:
        """The locks held here, each with the id of the job that runs."""
        tenures = {name: service.tenure for name, service in self._services.items()}
        return {name: tenure.running for name, tenure in tenures.items() if tenure and tenure.running}

    async def answer(self, ring: Ring) -> Answer:
        """Deal with a doorbell; when this returns, it may be settled.

        Raises NoRoomError when it is for somebody else to answer, and UnknownOutcomeError when it could
        neither be acted on nor passed on: then let it come again.
        """
        name = ring.lock_name
        if self.is_stopping:
            await self._ports.bell.ring(ring)
            return Answer.PASSED_ON
        # Rule R12 (spec/turnstile.pml).
        if name in self._services:
            self._services[name].hint()
            if ring.marked:
                await self._send_copy(name)
            return Answer.KNOWN
        if name in self._watches and not ring.marked:
            self._watches.hear(ring)
            return Answer.KNOWN
        if not self.has_room:
            raise NoRoomError
        answer = await self.try_for(name)
        # Rules R13 and R15 (spec/turnstile.pml).
        if answer in {Answer.HELD, Answer.UNKNOWN}:
            if name not in self._watches or ring.marked:
                await self._send_copy(name)
            self._watches.begin(name)
        return answer

    async def look(self, lock_name: str, job_id: str) -> None:
        """Look at a running job because someone hinted that it changed."""
        service = self._services.get(lock_name)
        if service is not None:
            await service.look(job_id)

    async def stop(self, grace: float) -> None:
        """Take nothing new, let runs finish for `grace` seconds, then interrupt them, and pass all on."""
        # Rule R17 (spec/turnstile.pml).
        self._is_stopping = True
        self._room_changed.set()
        watched = self._watches.end()
        tasks = {service.task for service in self._services.values() if service.task is not None}
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=max(grace, 0.001))
            for service in self._services.values():
                if service.tenure is not None:
                    service.tenure.request_stop(StopReason.SHUTDOWN)
            if late:
                await asyncio.wait(late)
        # At once: each may take as long as a ring may wait for a broker that does not answer.
        await asyncio.gather(*(self._ports.bell.ring(Ring(name)) for name in watched))

    async def _send_copy(self, name: str) -> None:
        """Send a marked copy round, unless one of ours is on its way already."""
        now = self._ports.clock.boot()
        if now - self._copies.get(name, float("-inf")) < self._house.deferral * 0.8:
            return
        self._copies = {
            lock: sent for lock, sent in self._copies.items() if now - sent < self._house.deferral
        }
        self._copies[name] = now
        self._observe(BellDeferred(name))
        try:
            await self._ports.bell.defer(Ring(name, marked=True))
        except UnknownOutcomeError:
            self._copies.pop(name, None)
            raise

    # --- the door, for services and watches ---------------------------------

    def accepts(self, job: JobRow) -> bool:
        """Tell whether to run a job here: its kind is known, or has waited long enough to fail for it."""
        if self.is_stopping or self.has_too_many:
            return False
        if self._knows(job.kind):
            return True
        return self._unknown_kinds.waited_enough(job)

    def is_serving(self, lock_name: str) -> bool:
        """Tell whether a lock is served here, or tried for."""
        return lock_name in self._services

    async def try_for(self, lock_name: str) -> Answer:
        """Try to serve a lock that is not served yet; gives what came of it."""
        service = Service(
            lock_name,
            self._ports,
            self._rules,
            self._house,
            self._executor,
            self._observe,
            self,
            self._watches,
        )
        self._services[lock_name] = service
        self._room_changed.set()
        service.task = asyncio.create_task(self._serve(lock_name, service), name=f"serve {lock_name}")
        return await asyncio.shield(service.answered)

    async def _serve(self, name: str, service: Service) -> None:
        try:
            await service.run()
        finally:
            del self._services[name]
            self._room_changed.set()
