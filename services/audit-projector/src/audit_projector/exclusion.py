"""Looking for runs of one lock that overlapped: what must never be, checked from what was written of it.

Two runs overlap when one begins before the run with the fence below it has ended. The jobs of a lock are
projected independently, in any order, and times are those of the writers' clocks. So order is taken from what
no clock can get wrong, wherever there is such a thing:

- A holder wrote for a run that was over, or was not its job's run at all. Seen in the order of the job's own
  events (`Chain.foreign_events`).
- Two runs have the same fence. Seen in the tenure's row, which collects the runs it was written for.
- A run had not ended although the next had begun. Asked of the journal once the next one's start is known
  to be there: the end of a run is committed before, or together with, the next start.
- One transaction ended the one and started the other: then all is well, whatever the times say.

Only where both ends are known, and were written by different transactions, is the earlier's end compared with
the later's start by the clock. Below `CLOCK_TOLERANCE` that is taken for a difference between hosts' clocks.
So an overlap goes unnoticed only if it was shorter than that *and* was over before the later run's start was
projected *and* nothing was written for the earlier run after it had been ended by somebody else.

Every pair is checked when the first and when the second of the two is written, after the write; so whoever
comes last sees both, also where two projectors write at once. Who finds a violation first marks the tenure's
row, on condition that it is unmarked, and tells; a mark stays, so projecting again tells nothing new.
A tenure is told once, whatever else is wrong with it. Rows are only read around those that were written: one
range query for each, and one row of the journal where an end is missing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Protocol

from audit_projector.observations import ExclusionViolated, Observe
from azure_storage.read_models.documents import StaleError, Tenure
from contracts.statuses import EventStatus, JobStatus
from coordination.journal import rows
from coordination.journal.rows import EventRow, JobRow
from coordination.ports import Journal, NewId, random_id

#: Clocks of hosts that agree better than this never raise a false alarm. Time services keep them to
#: milliseconds; a host whose time is not kept at all is off by more, and is worth finding.
CLOCK_TOLERANCE = timedelta(seconds=5)


class Tenures(Protocol):
    """The tenures' rows. Every call raises UnknownOutcomeError."""

    async def tenures_around(self, partition: str, fence: int) -> Sequence[Tenure]:
        """Return the stored tenures with this fence and the two on either side, by fence."""

    async def mark_overlap(self, partition: str, tenure: Tenure, mark: str) -> None:
        """Mark a tenure as one that overlapped. Raises StaleError when it changed since it was read."""


@dataclass(frozen=True)
class _Finding:
    """A tenure to be marked, and what to tell of it."""

    marked: int
    told: ExclusionViolated


class ExclusionCheck:
    """Checks tenures, and tells of each violation once."""

    def __init__(
        self, journal: Journal, tenures: Tenures, observe: Observe, new_id: NewId = random_id
    ) -> None:
        self._journal = journal
        self._tenures = tenures
        self._observe = observe
        #: What this check marks rows with: an answer that was lost leaves its own mark, still to be told of.
        self._mark = new_id().hex
        self._told: set[tuple[str, int]] = set()

    async def check(
        self, partition: str, written: Iterable[Tenure], foreign_events: Sequence[EventRow] = ()
    ) -> None:
        """Check the tenures just written, and events that a holder had no right to write.

        Raises UnknownOutcomeError; the same check may be repeated.
        """
        for fence in sorted({tenure.fence for tenure in written}):
            around = await self._tenures.tenures_around(partition, fence)
            for finding in await self._look(partition, fence, around):
                await self._tell(partition, finding)
        for event in foreign_events:
            await self._tell(partition, await self._intrusion(partition, event))

    async def _look(self, partition: str, fence: int, around: Sequence[Tenure]) -> list[_Finding]:
        found = []
        for tenure in around:
            if tenure.fence == fence and len(tenure.runs) > 1:
                told = _violation(tenure, tenure, f"{len(tenure.runs)} runs have this fence")
                found.append(_Finding(fence, told))
        for earlier, later in pairwise(around):
            if fence in {earlier.fence, later.fence}:
                reason = await self._overlap(partition, earlier, later)
                if reason is not None:
                    found.append(_Finding(later.fence, _violation(earlier, later, reason)))
        return found

    async def _overlap(self, partition: str, earlier: Tenure, later: Tenure) -> str | None:
        """Say why two runs overlapped; None when they did not, as far as can be told now."""
        if later.began_at is None:
            return None
        if earlier.ended_at is None:
            if await self._goes_on(partition, earlier):
                return "it had not ended when the other had begun"
            return None  # its end is in the journal, and is compared when it is projected
        overlap = earlier.ended_at - later.began_at
        if earlier.ended_in == later.begun_in or overlap <= CLOCK_TOLERANCE:
            return None
        return f"it ended {overlap.total_seconds():.1f} s after the other had begun"

    async def _goes_on(self, partition: str, tenure: Tenure) -> bool:
        if tenure.job_id is None:
            return False
        row = await self._journal.read(partition, rows.job_key(tenure.job_id))
        if row is None:
            return False
        job = JobRow.from_row(row)
        return job.status == JobStatus.RUNNING and job.fence == tenure.fence

    async def _intrusion(self, partition: str, event: EventRow) -> _Finding:
        fence = event.fence or 0
        later = [
            found for found in await self._tenures.tenures_around(partition, fence) if found.fence > fence
        ]
        other = later[0] if later else Tenure(event.lock_name, 0)
        reason = f"{event.worker} wrote {event.status} as event {event.seq} for a run that was over"
        if event.status == EventStatus.STARTED:
            reason = f"{event.worker} started it while an earlier run of the same job went on"
        told = ExclusionViolated(
            event.lock_name,
            fence,
            event.job_id,
            other.fence or None,
            other.job_id,
            reason,
        )
        return _Finding(fence, told)

    async def _tell(self, partition: str, finding: _Finding) -> None:
        key = partition, finding.marked
        while key not in self._told:
            around = await self._tenures.tenures_around(partition, finding.marked)
            tenure = next((found for found in around if found.fence == finding.marked), None)
            if tenure is not None and tenure.overlap not in {None, self._mark}:
                return
            try:
                if tenure is not None and tenure.overlap is None:
                    await self._tenures.mark_overlap(partition, tenure, self._mark)
            except StaleError:
                continue
            if key not in self._told:
                self._told.add(key)
                self._observe(finding.told)


def _violation(run: Tenure, other: Tenure, reason: str) -> ExclusionViolated:
    return ExclusionViolated(run.lock, run.fence, run.job_id, other.fence, other.job_id, reason)
