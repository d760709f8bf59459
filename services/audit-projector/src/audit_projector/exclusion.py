"""Looking for runs of one slot that overlapped: what must never be, checked from what was written of it.

A lock has one slot, unless a limit gives it more; runs in different slots may overlap. Two runs of a slot
overlap when one begins before the run with the fence below it has ended. The jobs of a lock are
projected independently, in any order, and times are those of the writers' clocks. So order is taken from what
no clock can get wrong, wherever there is such a thing:

- A holder wrote for a run that was over, or was not its job's run at all. Seen in the order of the job's own
  events (`Chain.foreign_events`).
- Two runs have the same fence. Seen in the lock run's row, which collects the runs it was written for.
- A run had not ended although the next had begun. Asked of the journal once the next one's start is known
  to be there: the end of a run is committed before, or together with, the next start.
- One transaction ended the one and started the other: then all is well, even if the times differ.

Only where both ends are known, and were written by different transactions, is the earlier's end compared with
the later's start by the clock. Below `CLOCK_TOLERANCE` that is taken for a difference between hosts' clocks.
So an overlap goes unnoticed only if it was shorter than that *and* was over before the later run's start was
projected *and* nothing was written for the earlier run after another process had ended it.

Every pair is checked when the first and when the second of the two is written, after the write; so the later
of two projectors sees both. The first to find a violation marks the lock run's row, on condition that it is
unmarked, and reports; a mark stays, so projecting again reports nothing new. A lock run is reported once,
even if more is wrong with it. Rows are only read around those that were written: one range query for each,
and one row of the journal where an end is missing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

from audit_projector.observations import ExclusionViolated, Observe
from contracts import lock_names
from contracts.statuses import EventStatus, JobStatus
from coordination.journal import rows
from coordination.journal.events import slot_of
from coordination.journal.rows import EventRow, JobRow
from coordination.ports import Journal, NewId, random_id
from coordination.slot import Slot
from read_models import ReadModelWriter
from read_models.documents import LockRun, StaleError

#: Clocks of hosts that agree better than this never raise a false alarm. Time services keep them to
#: milliseconds; a host whose time is not kept at all is off by more, and is worth finding.
CLOCK_TOLERANCE = timedelta(seconds=5)


@dataclass(frozen=True)
class _Finding:
    """A lock run to be marked, and its violation."""

    marked: int
    violation: ExclusionViolated


class ExclusionCheck:
    """Checks lock runs, and reports each violation once."""

    def __init__(
        self, journal: Journal, lock_runs: ReadModelWriter, observe: Observe, new_id: NewId = random_id
    ) -> None:
        self._journal = journal
        self._lock_runs = lock_runs
        self._observe = observe
        #: What this check marks rows with: an answer that was lost leaves its own mark, still to be reported.
        self._mark = new_id().hex
        self._reported: set[tuple[str, int]] = set()

    async def check(
        self, partition: str, written: Iterable[LockRun], foreign_events: Sequence[EventRow] = ()
    ) -> None:
        """Check the lock runs just written, and events that a holder had no right to write.

        `partition` is that of the slot's lock runs. Raises UnknownOutcomeError; the same check may be
        repeated.
        """
        for fence in sorted({lock_run.fence for lock_run in written}):
            around = await self._lock_runs.lock_runs_around(partition, fence)
            for finding in await self._look(partition, fence, around):
                await self._report(partition, finding)
        for event in foreign_events:
            await self._report(partition, await self._intrusion(partition, event))

    async def _look(self, partition: str, fence: int, around: Sequence[LockRun]) -> list[_Finding]:
        found = []
        for lock_run in around:
            if lock_run.fence == fence and len(lock_run.runs) > 1:
                violation = _violation(lock_run, lock_run, f"{len(lock_run.runs)} runs have this fence")
                found.append(_Finding(fence, violation))
        for earlier, later in pairwise(around):
            if fence in {earlier.fence, later.fence}:
                reason = await self._overlap(earlier, later)
                if reason is not None:
                    found.append(_Finding(later.fence, _violation(earlier, later, reason)))
        return found

    async def _overlap(self, earlier: LockRun, later: LockRun) -> str | None:
        """Return why two runs overlapped; None when they did not, as far as is known now."""
        if later.began_at is None:
            return None
        if earlier.ended_at is None:
            if await self._still_runs(earlier):
                return "it had not ended when the other had begun"
            return None  # its end is in the journal, and is compared when it is projected
        overlap = earlier.ended_at - later.began_at
        if earlier.ended_in == later.begun_in or overlap <= CLOCK_TOLERANCE:
            return None
        return f"it ended {overlap.total_seconds():.1f} s after the other had begun"

    async def _still_runs(self, lock_run: LockRun) -> bool:
        if lock_run.job_id is None:
            return False
        partition = lock_names.partition(lock_run.lock)
        row = await self._journal.read(partition, rows.job_key(lock_run.job_id))
        if row is None:
            return False
        job = JobRow.from_row(row)
        is_same = (job.fence, job.slot) == (lock_run.fence, lock_run.slot or 0)
        return job.status == JobStatus.RUNNING and is_same

    async def _intrusion(self, partition: str, event: EventRow) -> _Finding:
        fence = event.fence or 0
        later = [
            found for found in await self._lock_runs.lock_runs_around(partition, fence) if found.fence > fence
        ]
        other = later[0] if later else LockRun(event.lock_name, 0)
        reason = f"{event.worker} wrote {event.status} as event {event.seq} for a run that was over"
        if event.status == EventStatus.STARTED:
            reason = f"{event.worker} started it while an earlier run of the same job was not over"
        violation = ExclusionViolated(
            event.lock_name,
            fence,
            event.job_id,
            other.fence or None,
            other.job_id,
            reason,
        )
        return _Finding(fence, violation)

    async def _report(self, partition: str, finding: _Finding) -> None:
        key = partition, finding.marked
        while key not in self._reported:
            around = await self._lock_runs.lock_runs_around(partition, finding.marked)
            lock_run = next((found for found in around if found.fence == finding.marked), None)
            if lock_run is not None and lock_run.overlap not in {None, self._mark}:
                return
            try:
                if lock_run is not None and lock_run.overlap is None:
                    await self._lock_runs.mark_overlap(partition, lock_run, self._mark)
            except StaleError:
                continue
            if key not in self._reported:
                self._reported.add(key)
                self._observe(finding.violation)


def partition_of(event: EventRow) -> str:
    """Return where the lock runs of the slot are stored that an event names."""
    return Slot(event.lock_name, slot_of(event)).lease_name


def _violation(run: LockRun, other: LockRun, reason: str) -> ExclusionViolated:
    return ExclusionViolated(run.lock, run.fence, run.job_id, other.fence, other.job_id, reason)
