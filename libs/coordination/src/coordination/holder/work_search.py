"""Looking in the register for work, while wake-ups do not arrive: the broker is away, silent or full.

As long as the broker confirms messages, a search sends no request to the storage. While nothing is active, it
reads only the marks of the processes that submit jobs (`clients.submission_marks`), with one request.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress

from coordination.clients.submission_marks import FRESH_SECONDS
from coordination.holder.dispatcher import LockDispatcher
from coordination.holder.policy import Ports
from coordination.journal.events import timestamp
from coordination.journal.line import WrongLockError, read_line
from coordination.maintenance.free_leases import FreeLeases
from coordination.maintenance.pauses import Pauses
from coordination.maintenance.side_by_side import for_each
from coordination.ports import JobRegister, UnknownOutcomeError
from coordination.slot import Slot

#: Seconds between two searches; by chance, so that workers do not search at the same moment.
_SHORTEST, _LONGEST = 1.0, 3.0

#: A search takes at most this part of a worker's time, however long the list of active jobs is, unless it
#: takes so long that the pause would be longer than this, in seconds: a job waits for both.
_SHARE = 0.25
_LONGEST_SHARE_PAUSE = 4.0

#: First and longest pause between two looks at a lock without work for this worker, as long as no job of the
#: lock comes or goes. Jobs that ended stay in the list until the broker brings their events to the projector.
_FIRST_PAUSE, _LONGEST_PAUSE = 2.0, 300.0

#: Seconds after which all jobs are read even though no process seems to have submitted any.
_LONGEST_REST = 30.0

#: Seconds from when a mark was seen until a search finds all that was registered under it.
_SETTLED_AFTER = 2 * FRESH_SECONDS

#: Seconds that the storage may take for one answer about leases.
_CALL_SECONDS = 2.0


class WorkSearch:
    """Finds locks that have work and a free lease, and has the dispatcher try for them.

    `is_needed` returns whether wake-ups may not arrive now.
    """

    def __init__(
        self, register: JobRegister, ports: Ports, dispatcher: LockDispatcher, is_needed: Callable[[], bool]
    ) -> None:
        self._register = register
        self._ports = ports
        self._clock = ports.clock
        self._dispatcher = dispatcher
        self._is_needed = is_needed
        self._pauses = Pauses(self._clock)
        self._marks: Mapping[str, str] = {}
        self._marked_at = 0.0
        #: When the latest search that found nothing active began; None when the latest found something.
        self._nothing_at: float | None = None

    async def keep_searching(self) -> None:
        """Search again and again while it is needed, until cancelled. Silent storage ends one search."""
        pause = 0.0
        while True:
            await self._clock.sleep(max(pause, self._clock.jitter(_SHORTEST, _LONGEST)))
            if not self._is_needed():
                self._nothing_at = None
                continue
            began = self._clock.boot()
            with suppress(UnknownOutcomeError):
                await self.search()
            pause = min((self._clock.boot() - began) * (1 / _SHARE - 1), _LONGEST_SHARE_PAUSE)

    async def search(self) -> None:
        """Search once, if another lock can be served. Raises UnknownOutcomeError."""
        # Rule R25 (spec/turnstile.pml): without wake-ups, a worker tries for locks with work and no holder.
        if not self._dispatcher.has_capacity or await self._is_settled():
            return
        began = self._clock.boot()
        self._nothing_at = None
        found: dict[str, set[str]] = {}
        async for job in self._register.active(self._clock.now()):
            found.setdefault(job.lock_name, set()).add(job.job_id)
        if not found:
            self._nothing_at = began
            return
        self._pauses.forget_all_but(found)
        states = {name: hash(frozenset(jobs)) for name, jobs in found.items()}
        due = [name for name in sorted(found) if self._pauses.is_over(name, states[name])]
        lease_names = [Slot(name).lease_name for name in due]
        free = await FreeLeases.among(self._ports.leases, lease_names, _CALL_SECONDS)

        async def look(name: str) -> None:
            if await free.has(Slot(name).lease_name) and not await self._is_served(name):
                self._pauses.begin(name, states[name], _FIRST_PAUSE, _LONGEST_PAUSE)

        await for_each(look, due)

    async def _is_settled(self) -> bool:
        """Return whether nothing was active, and no job can have been registered since."""
        if self._nothing_at is None:
            return False
        marks = await self._register.marks()
        now = self._clock.boot()
        if marks != self._marks:
            self._marks, self._marked_at = marks, now
        is_rested = now - self._nothing_at >= _LONGEST_REST
        return not is_rested and self._marked_at + _SETTLED_AFTER <= self._nothing_at

    async def _is_served(self, name: str) -> bool:
        """Try for a lock if it has work; return whether it need not be left alone for a while."""
        if not self._dispatcher.has_capacity:
            return True
        try:
            line = (await read_line(self._ports.journal, Slot(name))).at(timestamp(self._clock.now()))
        except WrongLockError:
            return False
        return line.has_work and await self._dispatcher.take_up(name)
