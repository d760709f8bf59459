"""The fences of a slot that are accounted for: of runs in the journal, and of runs that were removed."""

from collections.abc import Iterator
from dataclasses import dataclass

from contracts.statuses import EventStatus
from verification.scratch_database import ScratchDatabase

#: Of one first fence, removed ones come first.
_KNOWN = (
    "SELECT fence, fence, (outcome = ? AND NOT died), began_at, ended_at, job_id, 1 FROM runs"
    " WHERE partition = ? AND slot = ?"
    " UNION ALL SELECT fence, fence, may_skip, NULL, NULL, job_id, 0 FROM removed_runs"
    " WHERE partition = ? AND slot = ?"
    " UNION ALL SELECT first, last, may_skip, NULL, NULL, NULL, 2 FROM forgotten_runs"
    " WHERE partition = ? AND slot = ?"
    " ORDER BY 1, 7"
)


@dataclass(frozen=True, slots=True)
class KnownFences:
    """One run, or the runs of jobs that are forgotten."""

    first: int
    last: int
    #: Whether a take-over that started no job may have used the fence behind it.
    may_skip: bool
    #: When the run began and ended; None where it was removed.
    began_at: str | None
    ended_at: str | None
    #: None where the job is forgotten.
    job_id: str | None

    @property
    def is_removed(self) -> bool:
        """Whether the journal does not have the run any more."""
        return self.began_at is None

    @property
    def is_forgotten(self) -> bool:
        """Whether no row tells of what job it was."""
        return self.job_id is None


def known_fences(scratch: ScratchDatabase, partition: str, slot: int = 0) -> Iterator[KnownFences]:
    """Go through what is known of the fences of a slot, in their order."""
    place = partition, slot
    for first, last, skips, began, ended, job_id, _ in scratch.query(
        _KNOWN, EventStatus.INTERRUPTED.value, *place, *place, *place
    ):
        yield KnownFences(first, last, bool(skips), began, ended, job_id)


def is_removed(scratch: ScratchDatabase, partition: str, slot: int, fence: int) -> bool:
    """Return whether a run with this fence was removed, or may have been."""
    return has_removed(scratch, partition, slot, fence, fence)


def has_removed(scratch: ScratchDatabase, partition: str, slot: int, first: int, last: int) -> bool:
    """Return whether any run was removed whose fence lies between two, or is one of them."""
    if first > last:
        return False
    found = scratch.one(
        "SELECT 1 FROM removed_runs WHERE partition = ? AND slot = ? AND fence BETWEEN ? AND ?"
        " UNION ALL"
        " SELECT 1 FROM forgotten_runs WHERE partition = ? AND slot = ? AND first <= ? AND last >= ?",
        *(partition, slot, first, last),
        *(partition, slot, last, first),
    )
    return found is not None


def forgotten_jobs(scratch: ScratchDatabase, partition: str | None = None) -> int:
    """Return how many jobs of a lock, or of all that were read, are forgotten."""
    if partition is None:
        return scratch.count("SELECT sum(jobs) FROM forgotten_jobs")
    return scratch.count("SELECT sum(jobs) FROM forgotten_jobs WHERE partition = ?", partition)
