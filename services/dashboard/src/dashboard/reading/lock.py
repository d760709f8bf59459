"""What the page of a lock reads: three requests to open it, then only what is new.

| what                   | when                                                 | requests                 |
| ---------------------- | ---------------------------------------------------- | ------------------------ |
| lock row and line      | every 10 s while the board does not know the lock    | 1 for each 500 that wait |
| the job that runs      | with them                                            | 1                        |
| the newest runs        | once                                                 | 1                        |
| runs above those known | when the fence moved or a run ended, until projected | 1                        |
| older runs             | once, as far back as the period goes                 | 1 for each 1,000 of them |
| the first run          | once, when it is not among those                     | 1                        |

Of a lock that ever had a limit, in addition the rows of its other slots (1), the records of its limits when
there is a new one (1), and of each other slot that was ever used its job and its runs, as above.
"""

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from contracts import lock_names
from coordination.journal.limits import LimitRecord, read_records
from coordination.ports import Clock, Journal
from dashboard.board.lines import read_lock
from dashboard.board.snapshot import LockState
from dashboard.reading.lock_runs import MOST_RUNS, PAGE, KnownRuns, SlotRuns
from read_models import ReadModels
from read_models.documents import LockRun

__all__ = ["MOST_RUNS", "PAGE", "LockReader", "LockView"]

#: Seconds between two looks at a lock that the board does not know.
_LINE_SECONDS = 10.0

#: Locks that are remembered.
_MOST_REMEMBERED = 20


@dataclass(frozen=True)
class LockView:
    """Everything that the page of a lock shows of it."""

    state: LockState
    #: Of each slot that was ever used: the newest ones, and those of the period before them.
    slots: Sequence[SlotRuns]
    #: When the first run of all began; None when that is not known.
    first_used: datetime | None
    #: Who set its limits, the first one first; none where there never was one.
    limits: Sequence[LimitRecord]
    #: Changes with the runs.
    version: int

    @property
    def is_used(self) -> bool:
        """Whether the lock ever had a run, a job in line or a limit."""
        return bool(self.state.last_fence or self.state.waiting or self.limits)

    @property
    def runs(self) -> Sequence[LockRun]:
        """The runs of all slots."""
        return [run for slot in self.slots for run in slot.runs]

    @property
    def read_from(self) -> datetime | None:
        """Since when the runs of all slots are known; None when all were read."""
        return max((slot.read_from for slot in self.slots if slot.read_from is not None), default=None)

    def last_run(self, number: int) -> LockRun | None:
        """Return the latest run of a slot, as far as it is known."""
        return next((slot.runs[-1] for slot in self.slots if slot.number == number and slot.runs), None)


class LockReader:
    """Reads locks for all viewers of a process, on one event loop."""

    def __init__(self, journal: Journal, models: ReadModels, clock: Clock) -> None:
        self._journal = journal
        self._models = models
        self._clock = clock
        self._known: OrderedDict[str, _KnownLock] = OrderedDict()

    async def view(self, name: str, since: datetime, board: LockState | None = None) -> LockView:
        """Return a lock as it is now, with its runs since a moment.

        `board` is what the board knows of it, which is newer than anything that could be read now. Raises
        LockNameError or UnknownOutcomeError.
        """
        name = lock_names.normalise(name)
        known = self._known.setdefault(name, _KnownLock())
        self._known.move_to_end(name)
        while len(self._known) > _MOST_REMEMBERED:
            self._known.popitem(last=False)
        async with known.turn:
            state = board or await self._state(name, known)
            used = [slot for slot in state.slots if slot.row.fence or not slot.number]
            for slot in used:
                await known.slots[slot.number].read(self._models, name, slot, since, self._clock)
            if state.row.limit_number != known.limit_number:
                known.limits = await read_records(self._journal, name)
                known.limit_number = state.row.limit_number
            return known.view(state)

    def forget(self, name: str) -> None:
        """Read the row and the line of a lock again at the next look, as its limit was just set."""
        known = self._known.get(lock_names.normalise(name))
        if known is not None:
            known.state_until = 0.0

    async def _state(self, name: str, known: "_KnownLock") -> LockState:
        now = self._clock.boot()
        if known.state is None or now >= known.state_until:
            known.state = await read_lock(self._journal, name, known.state)
            known.state_until = now + _LINE_SECONDS
        return known.state


class _KnownLock:
    """What was read of a lock before."""

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        self.state: LockState | None = None
        self.state_until = 0.0
        self.slots: defaultdict[int, KnownRuns] = defaultdict(KnownRuns)
        self.limits: Sequence[LimitRecord] = ()
        self.limit_number: int | None = None

    def view(self, state: LockState) -> LockView:
        """Return what is known."""
        slots = [
            self.slots[slot.number].view(state.name, slot)
            for slot in state.slots
            if slot.number in self.slots
        ]
        firsts = [known.first_used for known in self.slots.values() if known.first_used is not None]
        version = sum(known.version for known in self.slots.values())
        return LockView(state, slots, min(firsts, default=None), self.limits, version)
