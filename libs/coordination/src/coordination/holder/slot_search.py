"""Finding a slot to serve of a lock that has more than one."""

import asyncio
from contextlib import suppress

from coordination.holder.lock_server import SlotServer, WakeUpOutcome
from coordination.holder.policy import HolderSettings, Ports
from coordination.journal.limits import SlotRow, read_slots
from coordination.journal.line import WrongLockError
from coordination.journal.line_reading import read_line_until
from coordination.journal.persistence import until_known
from coordination.maintenance.pauses import Pauses
from coordination.ports import UnknownOutcomeError, WakeUp
from coordination.slot import Slot

#: Slots with a run whose leases one try asks for: their holders may be lost, and mostly are not.
_MOST_SUSPECTS = 2

#: First and longest pause, in seconds, between two wake-ups for a free slot that nobody takes.
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0


class SlotSearch:
    """Tries for the slots of locks that are known to have several.

    A lock that is served here is looked at again after each start and each wake-up, one look at a time: while
    a job waits and a slot is free, this worker serves that slot or, without a place for it, notifies others.
    """

    def __init__(self, ports: Ports, settings: HolderSettings, server: SlotServer) -> None:
        self._ports = ports
        self._patience = settings.times.journal_deadline
        self._server = server
        self._pauses = Pauses(ports.clock)
        #: The looks under way, by lock.
        self._looks: dict[str, asyncio.Task[None]] = {}
        #: Locks to be looked at again, with the job that the last wake-up named.
        self._due: dict[str, str | None] = {}

    async def try_all(self, lock_name: str, job_id: str | None = None) -> WakeUpOutcome:
        """Try for one slot of a lock after the other until one is taken, and return what came of it.

        First comes the slot whose run is that of `job_id`, then those without a run, then some whose holder
        may be lost.
        """
        first = Slot(lock_name)
        try:
            slots = await self._read(lock_name)
        except UnknownOutcomeError:
            return await self._server.try_slot(first)
        named = [each.slot for each in slots if job_id and each.lock.job_id == job_id]
        idle = [first, *(each.slot for each in slots if each.is_idle)]
        jitter = self._ports.clock.jitter
        running = [each.slot for each in slots if each.lock.job_id and each.slot not in named]
        suspects = sorted(running, key=lambda _: jitter(0, 1))[:_MOST_SUSPECTS]
        answer = await self._try_first(named)
        if answer is not WakeUpOutcome.TAKEN:
            answer = await self._try_first(idle)
        if answer in {WakeUpOutcome.HELD, WakeUpOutcome.EMPTY}:
            found = await self._try_first(suspects)
            answer = found if found is WakeUpOutcome.TAKEN else answer
        return answer

    async def _try_first(self, slots: list[Slot]) -> WakeUpOutcome:
        """Try until a slot is not held by another worker; one that is served here counts as held."""
        for slot in slots:
            if self._server.is_serving_slot(slot) or not self._server.has_capacity:
                continue
            answer = await self._server.try_slot(slot)
            if answer is not WakeUpOutcome.HELD:
                return answer
        return WakeUpOutcome.HELD

    def look_soon(self, lock_name: str, job_id: str | None = None) -> None:
        """Look at a lock that is served here, in the background."""
        self._due[lock_name] = job_id
        if lock_name not in self._looks:
            look = asyncio.create_task(self._look_while_due(lock_name), name=f"slots of {lock_name}")
            self._looks[lock_name] = look

    def end(self) -> None:
        """Look no more."""
        for look in self._looks.values():
            look.cancel()

    async def _look_while_due(self, lock_name: str) -> None:
        try:
            while lock_name in self._due:
                job_id = self._due.pop(lock_name)
                with suppress(UnknownOutcomeError, WrongLockError):
                    await self._look(lock_name, job_id)
        finally:
            self._due.pop(lock_name, None)
            del self._looks[lock_name]

    async def _look(self, lock_name: str, job_id: str | None) -> None:
        first, clock = Slot(lock_name), self._ports.clock
        line = await read_line_until(self._ports.journal, clock, first, clock.boot() + self._patience)
        self._server.learn(lock_name, line.slots)
        if line.slots == 1 and job_id is None:
            return
        slots = await self._read(lock_name)
        named = [each.slot for each in slots if job_id and each.lock.job_id == job_id]
        idle = [each.slot for each in slots if each.is_idle]
        idle += [] if line.lock.job_id else [first]
        idle = [slot for slot in idle if line.has_room_in(slot)]
        free = [slot for slot in [*named, *idle] if not self._is_served(slot)]
        if not free:
            return
        if self._server.has_capacity:
            await self._try_first(free)
            return
        state = hash(tuple(each.lock.fence for each in slots))
        if self._pauses.is_over(lock_name, state):
            self._pauses.begin(lock_name, state, _FIRST_PAUSE, _LONGEST_PAUSE)
            waits = job_id if named else None
            wake_up = WakeUp(lock_name, waits, released=True, slots=line.slots)
            await self._ports.notifier.notify(wake_up)

    def _is_served(self, slot: Slot) -> bool:
        return self._server.is_serving_slot(slot)

    async def _read(self, lock_name: str) -> list[SlotRow]:
        clock = self._ports.clock
        until = clock.boot() + self._patience
        return await until_known(clock, lambda: read_slots(self._ports.journal, lock_name), until)
