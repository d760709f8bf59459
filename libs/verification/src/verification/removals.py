"""What was removed of a lock's history, and whether anything is missing that was not.

Fences count up by one with each take-over. So each fence up to the lock row's must be that of a run in the
journal, of a run of a removed job, or of a take-over that found a run cut off and started no job. Of removed
jobs that are forgotten, only the mark knows the fences.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from contracts.policies import MOST_SLOTS
from coordination.journal.fences import FenceRanges, read_fences
from coordination.journal.removal import RemovalMark, RemovedJob, follow
from coordination.journal.rows import JobRow, job_key
from coordination.ports import Values
from verification.evidence import Evidence, TrailEvent
from verification.findings import Invariant, Violation
from verification.removed_fences import KnownFences, known_fences
from verification.scope import Scope
from verification.scratch_database import ScratchDatabase

#: Missing fences that are named, of each gap.
_MOST_NAMED = 3


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
    #: Of the jobs, those whose ids are free again.
    forgotten: int = 0

    def document(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return dict(vars(self))


class RemovalCheck:
    """Takes what stays of the removed jobs of one lock, and its mark."""

    def __init__(self, partition: str, scratch: ScratchDatabase, scope: Scope) -> None:
        self.mark: Values | None = None
        self._read_mark: RemovalMark | None = None
        self._ranges = FenceRanges()
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
        trail = removed.has_trail, False
        self._scratch.add("removed_jobs", (self._partition, job_id, *kept, removed.fences, *trail))
        for used in fences:
            place = self._partition, used.slot, used.fence
            self._scratch.add("removed_runs", (*place, used.may_skip, job_id))
        if has_events:
            self._with_events.append(job_id)
            self._scratch.forget_job(self._partition, job_id)
        return has_events

    def take_mark(self, values: Values) -> None:
        """Keep the mark of the lock, which comes behind all of its jobs."""
        self.mark = values
        try:
            mark = RemovalMark.from_values(values)
            self._ranges = mark.ranges
        except (TypeError, ValueError) as error:
            self._trouble.append(("", f"the mark of what was removed cannot be read: {error}"))
            return
        self._read_mark = mark
        self._scratch.add("forgotten_jobs", (self._partition, mark.forgotten_jobs))
        for slot in range(MOST_SLOTS):
            for first, last, may_skip in self._ranges.of_slot(slot):
                self._scratch.add("forgotten_runs", (self._partition, slot, first, last, may_skip))

    def removal(self, lock: str) -> Removal | None:
        """Return what was removed; None when nothing was."""
        mark = self._read_mark
        if mark is None:
            return None if self.mark is None else Removal(lock, 0, 0, 0, 0, "", "")
        counts = mark.jobs, mark.runs, mark.events
        return Removal(lock, *counts, self._reached(), mark.removed_at, mark.actor, mark.forgotten_jobs)

    def check(self, lock: str, fence: int) -> Iterator[Violation]:
        """Judge what was taken; `fence` is that of the lock's row."""

        def violation(what: str, job_id: str | None = None, of: int | None = None) -> Violation:
            return Violation(Invariant.REMOVALS, what, lock or None, job_id, of)

        for job_id, what in self._trouble:
            yield violation(what, job_id or None)
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
        """Count, chain and add the rows of the removed jobs again, and compare."""
        mark = self._read_mark
        rows = list(self._rows())
        if mark is None:
            if self.mark is None and rows:
                yield f"{len(rows)} jobs are removed, but the lock has no mark of a removal"
            return
        counted, digest = RemovalMark(""), ""
        for job in rows:
            if job.number <= mark.last_chained:
                digest = follow(digest, job)
            counted = counted.count(job, sum(1 for _ in read_fences(job.fences)))
        chained = [job for job in rows if job.number <= mark.last_chained]
        expected = {
            "jobs": (mark.jobs, counted.jobs + mark.forgotten_jobs),
            "runs": (mark.runs, counted.runs + mark.forgotten_runs),
            "events": (mark.events, counted.events + mark.forgotten_events),
            "fence": (mark.fence, min(self._reached(), mark.fence) if mark.is_apart else self._reached()),
            "last_end": (mark.last_end, max(mark.last_end, counted.last_end)),
        }
        if not mark.forgotten_jobs:
            expected["last_end"] = (mark.last_end, counted.last_end)
        differs = False
        for name, (said, due) in expected.items():
            if said != due:
                differs = True
                yield f"the mark of what was removed says {name} {said!r}, its rows {due!r}"
        total = sum(job.fingerprint for job in rows if job.number > mark.last_chained) % 2**256
        fits = (digest, len(chained), total) == (mark.digest, mark.last_chained, _number(mark.sum))
        if not differs and not fits:
            yield "the mark of what was removed does not fit the rows of the removed jobs"
        yield from self._check_forgotten(mark)

    def _rows(self) -> Iterator[RemovedJob]:
        for job_id, number, outcome, seq, event_hash, finished_at, fences in self._scratch.query(
            "SELECT job_id, number, outcome, seq, event_hash, finished_at, fences FROM removed_jobs"
            " WHERE partition = ? ORDER BY number, job_id",
            self._partition,
        ):
            yield RemovedJob(job_id, "", number, outcome, seq, event_hash, finished_at, "", fences)

    def _check_forgotten(self, mark: RemovalMark) -> Iterator[str]:
        """See that the ranges of forgotten fences are as long as the mark says."""
        count = self._ranges.count
        if count != mark.forgotten_runs + mark.forgotten_skips:
            yield (
                f"the mark of what was removed has {count} forgotten fences, but says that they are of "
                f"{mark.forgotten_runs} runs, and {mark.forgotten_skips} of none"
            )
        again = self._scratch.count(
            "SELECT count(*) FROM (SELECT partition, slot, fence FROM runs UNION ALL"
            " SELECT partition, slot, fence FROM removed_runs) AS known JOIN forgotten_runs AS gone"
            " ON known.partition = gone.partition AND known.slot = gone.slot"
            " AND fence BETWEEN first AND last WHERE known.partition = ?",
            self._partition,
        )
        if again > mark.forgotten_skips:
            yield f"{again} runs have fences of runs that are forgotten"

    def _reached(self) -> int:
        """Return the fence up to which all runs are removed."""
        reached, may_skip = 0, False
        for known in known_fences(self._scratch, self._partition):
            if not known.is_removed:
                continue
            if known.first - reached > 1 + may_skip:
                break
            if known.last > reached:
                reached, may_skip = known.last, known.may_skip
        return reached

    # --- fences ---------------------------------------------------------------------

    def _check_fences(self, highest: int) -> Iterator[tuple[str, int]]:
        last, may_skip, was_inside = 0, False, not self._scope.has_period
        removed_to, latest_removed = -1, -1
        for known in known_fences(self._scratch, self._partition):
            is_inside = self._is_inside(known)
            if known.first == removed_to and not known.is_removed:
                what = f"a removed run had the fence {known.first}, which job {known.job_id} has, too"
                yield what, known.first
            if is_inside or was_inside:
                yield from _missing(last, known.first, may_skip=may_skip)
            if known.last >= last:
                last, may_skip = known.last, known.may_skip
            was_inside = is_inside
            if known.is_removed:
                latest_removed = max(latest_removed, known.last)
                removed_to = removed_to if known.is_forgotten else known.first
        if was_inside:
            yield from _missing(last, highest + 1, may_skip=may_skip)
        if highest < latest_removed:
            what = f"the lock's row has fence {highest}, although a removed run had fence {latest_removed}"
            yield what, highest

    def _is_inside(self, known: KnownFences) -> bool:
        if known.began_at is None:
            return not self._scope.has_period
        return self._scope.holds(known.began_at, known.ended_at or "")


def _missing(last: int, following: int, *, may_skip: bool) -> Iterator[tuple[str, int]]:
    """Return the fences between two runs that no run has."""
    first = last + 1
    if may_skip and following - first == 1:
        return
    for fence in islice(range(first, following), _MOST_NAMED):
        yield f"no run has the fence {fence}, and no removal explains that", fence


def _number(text: str) -> int:
    """Return a sum; a number that is none where it cannot be read."""
    try:
        return int(text or "0", 16)
    except ValueError:
        return -1


def _unfinished(mark: Values | None) -> list[str]:
    try:
        return [] if mark is None else RemovalMark("", removing=str(mark.get("removing"))).unfinished
    except (ValueError, TypeError):
        return []


async def read_removed(evidence: Evidence, partition: str, job_id: str) -> RemovedJob | None:
    """Read what stays of a removed job as it is now; None when it is not removed."""
    for stored in await evidence.job(partition, job_id):
        if stored.key == job_key(job_id) and stored.values.get("status") == JobRow.REMOVED:
            try:
                return RemovedJob.from_values(stored.values)
            except ValueError:
                return None
    return None


@dataclass(frozen=True)
class RemovedEnd:
    """How a removed job ended."""

    #: Number and hash of its last event.
    seq: int
    event_hash: str
    #: Whether its audit trail stands.
    has_trail: bool

    def contradicts(self, last: TrailEvent, *, is_whole: bool) -> bool:
        """Return whether a trail does not end as the job did; it may be shorter while it is deleted.

        A trail that stands must be whole: all of its events chained from the first one.
        """
        event = last.event
        if self.has_trail:
            return not is_whole or (event.seq, event.hash) != (self.seq, self.event_hash)
        return event.seq > self.seq or (event.seq == self.seq and event.hash != self.event_hash)


def known_removed(scratch: ScratchDatabase, job_id: str) -> RemovedEnd | None:
    """Return how a removed job ended; None when none of this id was read."""
    found = scratch.one("SELECT seq, event_hash, has_trail FROM removed_jobs WHERE job_id = ?", job_id)
    return None if found is None else RemovedEnd(int(found[0]), str(found[1]), bool(found[2]))
