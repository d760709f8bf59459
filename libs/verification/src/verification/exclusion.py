"""The runs of each slot of a lock, side by side: whether any began before the one below it had ended.

Order is taken from what no clock of a worker can get wrong: the transactions' own times in the storage, and
one transaction that ended the one run and started the other. Only where the store does not show when it
committed are the writers' timestamps compared; a difference below the tolerance is taken for their clocks'.
"""

from collections.abc import Iterator, Mapping

from contracts.statuses import EventStatus
from verification.findings import Invariant, Violation
from verification.neighbours import Neighbours, seconds_between
from verification.removed_fences import has_removed
from verification.scope import Scope
from verification.scratch_database import Run, ScratchDatabase

#: Seconds; times of two transactions that are nearer may stand in either order: Azurite counts milliseconds,
#: and fills the digits below with noise, which is less than this.
_COMMIT_RESOLUTION = 0.001

#: Seconds by which the times of one transaction's rows may differ, where each is given one of its own.
_TRANSACTION_SPREAD = 1.0

#: Names of what is measured on the way; `take_over.` is followed by its cause.
IN_LINE, HAND_OVER, TAKE_OVER = "in_line", "hand_over", "take_over."


class RunCheck:
    """Checks neighbours, by their fences, and measures the time between them."""

    def __init__(
        self, scratch: ScratchDatabase, scope: Scope, tolerance_seconds: float, limits: Mapping[str, float]
    ) -> None:
        self._scratch = scratch
        self._scope = scope
        self._tolerance = tolerance_seconds
        self._limits = limits
        #: Most seconds by which, by the writers' clocks, a run began before the one below it ended.
        self.worst_clocks = 0.0

    def check(self, partition: str) -> Iterator[Violation]:
        """Check the runs of a lock that are in the scratch database."""
        neighbours = Neighbours()
        for slot in self._scratch.slots(partition):
            earlier: Run | None = None
            for later in self._scratch.runs(partition, slot):
                is_in_scope = self._scope.holds(later.began_at, later.ended_at)
                if is_in_scope:
                    self._measure_line(later)
                if earlier is not None and (
                    is_in_scope or self._scope.holds(earlier.began_at, earlier.ended_at)
                ):
                    yield from self._compare(earlier, later, neighbours)
                earlier = later
        neighbours.keep(self._scratch, partition)

    def _compare(self, earlier: Run, later: Run, neighbours: Neighbours) -> Iterator[Violation]:
        trouble = self._overlap(earlier, later)
        between = earlier.fence + 1, later.fence - 1
        if not trouble and has_removed(self._scratch, later.partition, later.slot, *between):
            # They are no neighbours: what ran between them was removed.
            return
        neighbours.note(earlier, later, is_overlap=bool(trouble))
        if trouble:
            what = (
                f"the run of job {earlier.job_id} with fence {earlier.fence} {trouble} "
                f"the run of job {later.job_id} with fence {later.fence} had begun"
            )
            yield Violation(Invariant.EXCLUSION, what, later.lock, earlier.job_id, earlier.fence)
        yield from self._measure(earlier, later)

    def _overlap(self, earlier: Run, later: Run) -> str:
        if earlier.fence == later.fence:
            same = "has the same fence and " if earlier.job_id == later.job_id else ""
            return f"{same}was still open when"
        if not earlier.ended_at:
            return "had not ended when"
        is_chained = earlier.ended_in == later.begun_in
        began = later.began_commit
        if began is not None and earlier.last_commit is not None and earlier.ended_commit is not None:
            late, ended = earlier.last_commit - began, earlier.ended_commit - began
            allowed = _TRANSACTION_SPREAD if is_chained else _COMMIT_RESOLUTION
            is_late = late > _COMMIT_RESOLUTION or ended > allowed
            return f"wrote {max(late, ended):.3f} s after" if is_late else ""
        seconds = seconds_between(later.began_at, earlier.ended_at)
        return f"ended {seconds:.1f} s after" if seconds > self._tolerance and not is_chained else ""

    # --- times ------------------------------------------------------------------

    def _measure_line(self, run: Run) -> None:
        if run.queued_at:
            self._sample(run, IN_LINE, seconds_between(run.queued_at, run.began_at))

    def _measure(self, earlier: Run, later: Run) -> Iterator[Violation]:
        if not earlier.ended_at:
            return
        since, cause = earlier.ended_at, ""
        if earlier.outcome == EventStatus.INTERRUPTED:
            cause = cause_of(earlier, later)
            # Nothing records when a lost worker died: its last own event is the latest sign of life.
            since = earlier.last_at if cause == "worker_lost" else since
        seconds = seconds_between(since, later.began_at)
        self.worst_clocks = max(self.worst_clocks, -seconds)
        if later.queued_at > earlier.ended_at and not (cause and self._waits(earlier, later.queued_at)):
            return  # it came to an empty line
        if not cause:
            self._sample(later, HAND_OVER, seconds)
            return
        self._sample(later, f"{TAKE_OVER}{cause}", seconds)
        limit = self._limits.get(cause)
        if limit is not None and seconds > limit:
            what = f"{seconds:.1f} s passed until another run took over ({cause}); the limit is {limit:g} s"
            yield Violation(Invariant.TAKE_OVER_TIMES, what, earlier.lock, earlier.job_id, earlier.fence)

    def _waits(self, cut_off: Run, moment: str) -> bool:
        """Return whether the job of a run that was cut off was in line at a moment before its next run."""
        job = self._scratch.job(cut_off.partition, cut_off.job_id)
        return job is not None and (not job.ended_at or job.ended_at >= moment)

    def _sample(self, run: Run, measure: str, seconds: float) -> None:
        self._scratch.add("samples", (run.partition, measure, max(0.0, seconds)))


def cause_of(run: Run, following: Run) -> str:
    """Return why a run that was interrupted had to be taken over by the run that follows.

    A worker that ends its own run starts no other in the same transaction: one that took over from itself
    had lost its lease.
    """
    if run.died:
        return "runner_died"
    is_own = run.ended_by == run.worker and run.ended_in != following.begun_in
    return "worker_stopped" if is_own else "worker_lost"
