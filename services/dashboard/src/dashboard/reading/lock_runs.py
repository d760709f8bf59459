"""The runs of one slot of a lock: read from the read models once, then only what is new."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from coordination.ports import Clock
from dashboard.board.snapshot import SlotState, moment
from read_models import ReadModels
from read_models.documents import LockRun

#: Runs read at once, and the most kept of a slot.
PAGE, MOST_RUNS = 1_000, 5_000

#: Seconds after a change for which runs that are not projected yet are looked for at every refresh, and
#: seconds between two looks from then on.
_EAGER_SECONDS, _SELDOM_SECONDS = 60.0, 30.0

#: Newest runs that may still change: an end may be projected after the next start.
_OPEN_RUNS = 50


@dataclass(frozen=True)
class SlotRuns:
    """The runs of a slot that were read, by fence and without gaps."""

    number: int
    runs: Sequence[LockRun]
    #: The last fence that the slot gave out.
    last_fence: int
    #: Fence of the run in progress.
    running_fence: int | None
    #: When the oldest run began, if there are older ones that were not read.
    read_from: datetime | None


class KnownRuns:
    """What was read of a slot's runs before."""

    def __init__(self) -> None:
        self.runs: dict[int, LockRun] = {}
        #: Changes with the runs.
        self.version = 0
        #: When the first run of all began; None when that is not known.
        self.first_used: datetime | None = None
        #: The runs from the one fence to the other were read.
        self._lowest, self._highest = 1, 0
        self._has_started = self._has_looked_for_first = False
        self._seen: tuple[int, str] | None = None
        self._changed_at = self._looked_at = 0.0
        self._sorted: list[LockRun] = []

    async def read(
        self, models: ReadModels, lock: str, slot: SlotState, since: datetime, clock: Clock
    ) -> None:
        """Read what is new, and as far back as a moment. Raises UnknownOutcomeError."""
        now, row, number = clock.boot(), slot.row, slot.number
        self._note(row.fence, row.job_id, now)
        if not self._highest <= row.fence <= self._highest + PAGE:
            self._forget_runs()
        if row.fence and not self._has_started:
            first = max(1, row.fence - PAGE + 1)
            self._take(await models.lock_runs_between(lock, first, row.fence, number))
            self._lowest, self._has_started = first, True
            self._highest = row.fence
        elif (first := self._first_open(row.fence, slot.is_busy)) <= row.fence and self._may_look(now):
            self._take(await models.lock_runs_between(lock, first, row.fence, number))
            self._highest = row.fence
        while self._lowest > 1 and len(self.runs) < MOST_RUNS and self._began_after(since):
            first = max(1, self._lowest - PAGE)
            self._take(await models.lock_runs_between(lock, first, self._lowest - 1, number))
            self._lowest = first
        if row.fence and self.first_used is None and not self._has_looked_for_first:
            if self._lowest > 1:
                found = await models.lock_runs_between(lock, 1, 1, number)
                self.first_used = found[0].began_at if found else None
            self._has_looked_for_first = True

    def view(self, lock: str, slot: SlotState) -> SlotRuns:
        """Return what is known, with the run in progress even when it is not projected yet."""
        runs = self._sorted
        if slot.is_busy and slot.row.fence not in self.runs:
            runs = [*runs, _run_in_progress(lock, slot)]
        oldest = next((run.began_at for run in runs if run.began_at is not None), None)
        running = slot.row.fence if slot.is_busy else None
        return SlotRuns(slot.number, runs, slot.row.fence, running, oldest if self._lowest > 1 else None)

    def _forget_runs(self) -> None:
        """Begin again: more happened in the meantime than is read at once, or the tables are others."""
        self.runs.clear()
        self._sorted = []
        self._lowest, self._highest = 1, 0
        self._has_started = False

    def _note(self, fence: int, job_id: str, now: float) -> None:
        """Note what the lock's row says."""
        if self._seen != (fence, job_id):
            self._seen, self._changed_at = (fence, job_id), now

    def _may_look(self, now: float) -> bool:
        """Return whether to look for runs now that were not projected before."""
        is_due = now - self._changed_at < _EAGER_SECONDS or now - self._looked_at >= _SELDOM_SECONDS
        if is_due:
            self._looked_at = now
        return is_due

    def _first_open(self, last_fence: int, is_busy: bool) -> int:
        """Return the first of the newest fences whose run is not known in full; the next one when all are."""
        start = min(last_fence - _OPEN_RUNS, self._highest + 1)
        for fence in range(max(1, self._lowest, start), last_fence + 1):
            run = self.runs.get(fence)
            is_current = is_busy and fence == last_fence
            if run is None or run.began_at is None or (run.ended_at is None and not is_current):
                return fence
        return last_fence + 1

    def _take(self, found: Sequence[LockRun]) -> None:
        """Take in runs that were read; the oldest ones of too many are forgotten."""
        changed = [run for run in found if self.runs.get(run.fence) != run]
        if not changed:
            return
        self.version += 1
        self.runs.update({run.fence: run for run in changed})
        for fence in sorted(self.runs)[: -MOST_RUNS - PAGE]:
            del self.runs[fence]
            self._lowest = fence + 1
        self._sorted = [self.runs[fence] for fence in sorted(self.runs)]
        first = self.runs.get(1)
        if first is not None:
            self.first_used = first.began_at

    def _began_after(self, since: datetime) -> bool:
        """Return whether the oldest run that is known began after a moment, so that older ones matter."""
        began = next((run.began_at for run in self._sorted if run.began_at is not None), None)
        return began is None or began >= since


def _run_in_progress(lock: str, slot: SlotState) -> LockRun:
    row, job = slot.row, slot.running
    return LockRun(
        lock,
        row.fence,
        row.job_id,
        row.attempt,
        row.worker,
        row.tenure,
        moment(row.started_at),
        kind=job.kind if job is not None else None,
        name=job.name if job is not None else None,
        queued_at=moment(job.queued_at) if job is not None else None,
        slot=slot.number or None,
    )
