"""Looking for locks with work and no holder, while wake-ups do not arrive."""

from collections.abc import Callable, Sequence

from coordination.holder.dispatcher import LockDispatcher
from coordination.holder.policy import Ports
from coordination.journal.line import WrongLockError
from coordination.journal.line_reading import read_line_at
from coordination.maintenance.free_leases import FreeLeases
from coordination.maintenance.pauses import Pauses
from coordination.maintenance.register_search import RegisterSearch
from coordination.maintenance.side_by_side import for_each
from coordination.ports import ActiveJob, JobRegister
from coordination.slot import Slot

#: First and longest pause between two looks at a lock without work for this worker, as long as no job of the
#: lock comes or goes. Jobs that ended stay in the list until a projector has taken them off it.
_FIRST_PAUSE, _LONGEST_PAUSE = 2.0, 300.0

#: Seconds that the storage may take for one answer about leases.
_CALL_SECONDS = 2.0


class WorkSearch:
    """Finds locks that have work and a free lease, and has the dispatcher try for them.

    `is_needed` returns whether wake-ups may not arrive now.
    """

    def __init__(
        self, register: JobRegister, ports: Ports, dispatcher: LockDispatcher, is_needed: Callable[[], bool]
    ) -> None:
        self._ports = ports
        self._dispatcher = dispatcher
        self._pauses = Pauses(ports.clock)
        self._search = RegisterSearch(
            register, ports.clock, lambda: is_needed() and dispatcher.has_capacity, self._look_at
        )

    async def keep_searching(self) -> None:
        """Search again and again while it is needed and another lock can be served, until cancelled."""
        await self._search.keep_searching()

    async def _look_at(self, active: Sequence[ActiveJob]) -> None:
        # Rule R25 (spec/turnstile.pml): without wake-ups, a worker tries for locks with work and no holder.
        found: dict[str, set[str]] = {}
        for job in active:
            found.setdefault(job.lock_name, set()).add(job.job_id)
        self._pauses.forget_all_but(found)
        states = {name: hash(frozenset(jobs)) for name, jobs in found.items()}
        due = [name for name in sorted(found) if self._pauses.is_over(name, states[name])]
        lease_names = [Slot(name).lease_name for name in due]
        free = await FreeLeases.among(self._ports.leases, lease_names, _CALL_SECONDS)

        async def look(name: str) -> None:
            if not (await free.has(Slot(name).lease_name) or self._dispatcher.slots_of(name) > 1):
                return
            pause = await self._pause_after(name)
            if pause is not None:
                self._pauses.begin(name, states[name], _FIRST_PAUSE, pause)

        await for_each(look, due)

    async def _pause_after(self, name: str) -> float | None:
        """Try for a lock if it has work; else return for how many seconds it may be left alone at most."""
        if not self._dispatcher.has_capacity:
            return None
        clock = self._ports.clock
        try:
            line = await read_line_at(self._ports.journal, clock, Slot(name))
        except WrongLockError:
            return _LONGEST_PAUSE
        self._dispatcher.learn(name, line.slots)
        if (line.has_work or line.slots > 1) and await self._dispatcher.take_up(name):
            return None
        return min(max(line.seconds_until_change(clock.now()), _FIRST_PAUSE), _LONGEST_PAUSE)
