"""What the page of a lock reads: three requests to open it, then only what is new.

| what                   | when                                                 | requests                 |
| ---------------------- | ---------------------------------------------------- | ------------------------ |
| lock row and line      | every 10 s while the board does not know the lock    | 1 for each 500 that wait |
| the job that runs      | with them                                            | 1                        |
| the newest runs        | once                                                 | 1                        |
| runs above those known | when the fence moved or a run ended, until projected | 1                        |
| older runs             | once, as far back as the period goes                 | 1 for each 1,000 of them |
| the first run          | once, when it is not among those                     | 1                        |
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from contracts import lock_names
from coordination.ports import Clock, Journal
from dashboard.board.lines import read_lock
from dashboard.board.snapshot import LockState, moment
from read_models import ReadModels
from read_models.documents import LockRun

#: Runs read at once, and the most kept of a lock.
PAGE, MOST_RUNS = 1_000, 5_000

#: Seconds between two looks at a lock that the board does not know.
_LINE_SECONDS = 10.0

#: Seconds after a change for which runs that are not projected yet are looked for at every refresh, and
#: seconds between two looks from then on.
_EAGER_SECONDS, _SELDOM_SECONDS = 60.0, 30.0

#: Newest runs that may still change: an end may be projected after the next start.
_OPEN_RUNS = 50

#: Locks that are remembered.
_MOST_REMEMBERED = 20


@dataclass(frozen=True)
class LockView:
    """Everything that the page of a lock shows of it."""

    state: LockState
    #: By fence, without gaps in what was read: the newest ones, and those of the period before them.
    runs: Sequence[LockRun]
    #: When the oldest of them began, if there are older ones that were not read.
    read_from: datetime | None
    #: When the first run of all began; None when that is not known.
    first_used: datetime | None
    #: Changes with the runs.
    version: int

    @property
    def is_used(self) -> bool:
        """Whether the lock ever had a run or a job in line."""
        return bool(self.state.row.fence or self.state.waiting)

    @property
    def running_fence(self) -> int | None:
        """Fence of the run in progress."""
        return self.state.row.fence if self.state.is_busy else None


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
            await self._read_runs(name, known, state, since)
            return known.view(state)

    async def _state(self, name: str, known: "_KnownLock") -> LockState:
        now = self._clock.boot()
        if known.state is None or now >= known.state_until:
            running = known.state.running if known.state is not None else None
            known.state = await read_lock(self._journal, name, running)
            known.state_until = now + _LINE_SECONDS
        return known.state

    async def _read_runs(self, name: str, known: "_KnownLock", state: LockState, since: datetime) -> None:
        now = self._clock.boot()
        row = state.row
        known.note(row.fence, row.job_id, now)
        if not known.highest <= row.fence <= known.highest + PAGE:
            known.forget_runs()
        if row.fence and not known.has_started:
            first = max(1, row.fence - PAGE + 1)
            known.take(await self._models.lock_runs_between(name, first, row.fence))
            known.lowest, known.has_started = first, True
            known.highest = row.fence
        elif (first := known.first_open(row.fence, state.is_busy)) <= row.fence and known.may_look(now):
            known.take(await self._models.lock_runs_between(name, first, row.fence))
            known.highest = row.fence
        while known.lowest > 1 and len(known.runs) < MOST_RUNS and known.began_after(since):
            first = max(1, known.lowest - PAGE)
            known.take(await self._models.lock_runs_between(name, first, known.lowest - 1))
            known.lowest = first
        if row.fence and known.first_used is None and not known.has_looked_for_first:
            if known.lowest > 1:
                found = await self._models.lock_runs_between(name, 1, 1)
                known.first_used = found[0].began_at if found else None
            known.has_looked_for_first = True


class _KnownLock:
    """What was read of a lock before."""

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        self.state: LockState | None = None
        self.state_until = 0.0
        self.runs: dict[int, LockRun] = {}
        #: The runs from the one fence to the other were read.
        self.lowest, self.highest = 1, 0
        self.has_started = self.has_looked_for_first = False
        self.first_used: datetime | None = None
        self._version = 0
        self._seen: tuple[int, str] | None = None
        self._changed_at = self._looked_at = 0.0
        self._sorted: list[LockRun] = []

    def forget_runs(self) -> None:
        """Begin again: more happened in the meantime than is read at once, or the tables are others."""
        self.runs.clear()
        self._sorted = []
        self.lowest, self.highest = 1, 0
        self.has_started = False

    def note(self, fence: int, job_id: str, now: float) -> None:
        """Note what the lock's row says."""
        if self._seen != (fence, job_id):
            self._seen, self._changed_at = (fence, job_id), now

    def may_look(self, now: float) -> bool:
        """Return whether to look for runs now that were not projected before."""
        is_due = now - self._changed_at < _EAGER_SECONDS or now - self._looked_at >= _SELDOM_SECONDS
        if is_due:
            self._looked_at = now
        return is_due

    def first_open(self, last_fence: int, is_busy: bool) -> int:
        """Return the first of the newest fences whose run is not known in full; the next one when all are."""
        start = min(last_fence - _OPEN_RUNS, self.highest + 1)
        for fence in range(max(1, self.lowest, start), last_fence + 1):
            run = self.runs.get(fence)
            is_current = is_busy and fence == last_fence
            if run is None or run.began_at is None or (run.ended_at is None and not is_current):
                return fence
        return last_fence + 1

    def take(self, found: Sequence[LockRun]) -> None:
        """Take in runs that were read; the oldest ones of too many are forgotten."""
        changed = [run for run in found if self.runs.get(run.fence) != run]
        if not changed:
            return
        self._version += 1
        self.runs.update({run.fence: run for run in changed})
        for fence in sorted(self.runs)[: -MOST_RUNS - PAGE]:
            del self.runs[fence]
            self.lowest = fence + 1
        self._sorted = [self.runs[fence] for fence in sorted(self.runs)]
        first = self.runs.get(1)
        if first is not None:
            self.first_used = first.began_at

    def began_after(self, since: datetime) -> bool:
        """Return whether the oldest run that is known began after a moment, so that older ones matter."""
        began = next((run.began_at for run in self._sorted if run.began_at is not None), None)
        return began is None or began >= since

    def view(self, state: LockState) -> LockView:
        """Return what is known, with the run in progress even when it is not projected yet."""
        runs = self._sorted
        if state.is_busy and state.row.fence not in self.runs:
            runs = [*runs, _run_in_progress(state)]
        oldest = next((run.began_at for run in runs if run.began_at is not None), None)
        read_from = oldest if self.lowest > 1 else None
        return LockView(state, runs, read_from, self.first_used, self._version)


def _run_in_progress(state: LockState) -> LockRun:
    row, job = state.row, state.running
    return LockRun(
        row.lock_name,
        row.fence,
        row.job_id,
        row.attempt,
        row.worker,
        row.tenure,
        moment(row.started_at),
        kind=job.kind if job is not None else None,
        name=job.name if job is not None else None,
        queued_at=moment(job.queued_at) if job is not None else None,
    )
