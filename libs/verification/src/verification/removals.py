"""What was removed of a lock's history, and whether anything is missing that was not.

Fences count up by one with each take-over. So each fence up to the lock row's must be that of a run in the
journal, of a run of a removed job, or of a take-over that found a run cut off and started no job.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from contracts.statuses import EventStatus
from coordination.journal.removal import RemovalMark, RemovedJob, read_fences
from coordination.journal.rows import JobRow, job_key
from coordination.ports import Values
from verification.evidence import Evidence, TrailEvent
from verification.findings import Invariant, Violation
from verification.scope import Scope
from verification.scratch_database import ScratchDatabase

#: Missing fences that are named, of each gap.
_MOST_NAMED = 3

#: Removed runs and those in the journal by their fences; of one fence, removed ones first.
_USED = (
    "SELECT fence, (outcome = ? AND NOT died), began_at, ended_at, job_id, 1 FROM runs"
    " WHERE partition = ? AND slot = 0"
    " UNION ALL SELECT fence, may_skip, NULL, NULL, job_id, 0 FROM removed_runs WHERE partition = ?"
    " ORDER BY 1, 6"
)


@dataclass(frozen=True)
class Removal:
    """What was removed of a lock, by its mark."""

    lock: str
    jobs: int
    runs: int
    events: int
    #: All runs up to this fence.
    fence: int
    #: When the last of it was removed, and by whom.
    removed_at: str
    actor: str

    def document(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return dict(vars(self))


class RemovalCheck:
    """Takes what stays of the removed jobs of one lock, and its mark."""

    def __init__(self, partition: str, scratch: ScratchDatabase, scope: Scope) -> None:
        self.mark: Values | None = None
        self._partition = partition
        self._scratch = scratch
        self._scope = scope
        #: Removed jobs whose events are there.
        self._with_events: list[str] = []
        self._trouble: list[tuple[str, str]] = []

    def take(self, job_id: str, values: Values, *, has_events: bool) -> bool:
        """Keep the row of a removed job; return whether the job's events were read before it."""
        try:
            removed = RemovedJob.from_values(values)
            fences = list(read_fences(removed.fences))
        except ValueError as error:
            self._trouble.append((job_id, f"the row of the removed job cannot be read: {error}"))
            return False
        if removed.job_id != job_id:
            self._trouble.append((job_id, f"its row is that of the removed job {removed.job_id}"))
        kept = (removed.number, removed.outcome, removed.seq, removed.event_hash, removed.finished_at)
        self._scratch.add("removed_jobs", (self._partition, job_id, *kept, removed.fences))
        for used in fences:
            self._scratch.add("removed_runs", (self._partition, used.fence, used.may_skip, job_id))
        if has_events:
            self._with_events.append(job_id)
            self._scratch.forget_job(self._partition, job_id)
        return has_events

    def check(self, lock: str, fence: int) -> Iterator[Violation]:
        """Judge what was taken; `fence` is that of the lock's row."""

        def violation(what: str, job_id: str | None = None, of: int | None = None) -> Violation:
            return Violation(Invariant.REMOVALS, what, lock or None, job_id, of)

        for job_id, what in self._trouble:
            yield violation(what, job_id)
        for what in self._check_mark():
            yield violation(what)
        unfinished = _unfinished(self.mark)
        for job_id in self._with_events:
            if job_id not in unfinished:
                yield violation("it was removed, but has events", job_id)
        for what, of in self._check_fences(fence):
            yield violation(what, None, of)

    # --- the mark -----------------------------------------------------------------

    def _check_mark(self) -> Iterator[str]:
        """Count and chain the removed jobs again, and compare."""
        counted, reached = RemovalMark(""), 0
        may_skip = False
        for job_id, number, outcome, seq, event_hash, finished_at, fences in self._scratch.query(
            "SELECT job_id, number, outcome, seq, event_hash, finished_at, fences FROM removed_jobs"
            " WHERE partition = ? ORDER BY number, job_id",
            self._partition,
        ):
            job = RemovedJob(job_id, "", number, outcome, seq, event_hash, finished_at, "", fences)
            counted = counted.count(job, sum(1 for _ in read_fences(fences)))
        for fence, skips in self._scratch.query(
            "SELECT fence, may_skip FROM removed_runs WHERE partition = ? ORDER BY fence", self._partition
        ):
            if fence - reached > 1 + may_skip:
                break
            reached, may_skip = fence, bool(skips)
        if self.mark is None:
            if counted.jobs:
                yield f"{counted.jobs} jobs are removed, but the lock has no mark of a removal"
            return
        expected: dict[str, object] = {
            "jobs": counted.jobs,
            "runs": counted.runs,
            "events": counted.events,
            "fence": reached,
            "last_end": counted.last_end,
        }
        differs = False
        for name, due in expected.items():
            if self.mark.get(name) != due:
                differs = True
                yield f"the mark of what was removed says {name} {self.mark.get(name)!r}, its rows {due!r}"
        if not differs and self.mark.get("digest") != counted.digest:
            yield "the mark of what was removed does not fit the rows of the removed jobs"

    # --- fences ---------------------------------------------------------------------

    def _check_fences(self, highest: int) -> Iterator[tuple[str, int]]:
        last, may_skip, was_inside = 0, False, not self._scope.has_period
        removed_to = -1
        for fence, skips, began, ended, job_id, _ in self._scratch.query(
            _USED, EventStatus.INTERRUPTED.value, self._partition, self._partition
        ):
            is_inside = self._is_inside(began, ended)
            if fence == removed_to and began is not None:
                yield f"a removed run had the fence {fence}, which job {job_id} has, too", fence
            if is_inside or was_inside:
                yield from _missing(last, fence, may_skip=may_skip)
            last, may_skip, was_inside = max(last, fence), bool(skips), is_inside
            removed_to = fence if began is None else removed_to
        if was_inside:
            yield from _missing(last, highest + 1, may_skip=may_skip)
        if highest < removed_to:
            what = f"the lock's row has fence {highest}, although a removed run had fence {removed_to}"
            yield what, highest

    def _is_inside(self, began: str | None, ended: str | None) -> bool:
        if began is None:
            return not self._scope.has_period
        return self._scope.holds(began, ended)


def _missing(last: int, following: int, *, may_skip: bool) -> Iterator[tuple[str, int]]:
    """Return the fences between two runs that no run has."""
    first = last + 1
    if may_skip and following - first == 1:
        return
    for fence in islice(range(first, following), _MOST_NAMED):
        yield f"no run has the fence {fence}, and no removal explains that", fence


def _unfinished(mark: Values | None) -> list[str]:
    try:
        return [] if mark is None else RemovalMark("", removing=str(mark.get("removing"))).unfinished
    except (ValueError, TypeError):
        return []


def removal_of(lock: str, mark: Values) -> Removal:
    """Return what a mark says."""

    def number(name: str) -> int:
        value = mark.get(name)
        return value if isinstance(value, int) else 0

    counts = number("jobs"), number("runs"), number("events"), number("fence")
    return Removal(lock, *counts, str(mark.get("removed_at")), str(mark.get("actor")))


async def read_removed(evidence: Evidence, partition: str, job_id: str) -> RemovedJob | None:
    """Read what stays of a removed job as it is now; None when it is not removed."""
    for stored in await evidence.job(partition, job_id):
        if stored.key == job_key(job_id) and stored.values.get("status") == JobRow.REMOVED:
            try:
                return RemovedJob.from_values(stored.values)
            except ValueError:
                return None
    return None


def known_removed(scratch: ScratchDatabase, job_id: str) -> tuple[int, str] | None:
    """Return number and hash of the last event of a removed job; None when none of this id was read."""
    found = scratch.one("SELECT seq, event_hash FROM removed_jobs WHERE job_id = ?", job_id)
    return None if found is None else (int(found[0]), str(found[1]))


def contradicts(last: TrailEvent, removed: tuple[int, str]) -> bool:
    """Return whether a trail does not end as the removed job did; it may be shorter while it is deleted."""
    seq, event_hash = removed
    return last.event.seq > seq or (last.event.seq == seq and last.event.hash != event_hash)
