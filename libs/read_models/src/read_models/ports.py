"""The ports of the read models: reading them, and writing what the projector derives from the journal.

Every call raises UnknownOutcomeError when the storage does not answer.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from contracts.jobs import Event, JobPage, JobSummary, Page
from read_models.documents import KnownLock, LockRun, Overlap, TrailEntry, Watermark
from read_models.filters import JobFilter

#: Returns which of some jobs, by id, have left the journal, while their audit trails stay.
Archived = Callable[[Collection[str]], Awaitable[Collection[str]]]


class ReadModels(Protocol):
    """Lists, continued by cursors.

    They raise CursorError, a ValueError, for one that no earlier answer gave, and ForeignCursorError for one
    of another list, or of the same list with other filters; the times of submission may differ.
    """

    async def jobs(self, wanted: JobFilter, limit: int, cursor: str | None = None) -> JobPage:
        """Return jobs, the last submitted first.

        A page may be short, or empty, although more jobs follow (then it has `next`): one page never looks
        through all of a long history, and says how far it looked. Jobs in rare states are looked for among
        those alone.
        """

    async def events(self, limit: int, cursor: str | None = None) -> Page[Event]:
        """Return events of all jobs, newest first."""

    async def audit_trail(self, job_id: str) -> list[Event]:
        """Return all events of a job that are projected, in order."""

    async def trail_entries(self, job_id: str, after: int = 0) -> list[TrailEntry]:
        """Return the events of a job behind a number, in order, with their hashes."""

    async def lock_runs(self, lock: str, limit: int, cursor: str | None = None) -> Page[LockRun]:
        """Return who held a lock, the latest fence first. A page may be short although more follow."""

    async def lock_runs_between(self, lock: str, first: int, last: int, slot: int = 0) -> list[LockRun]:
        """Return who held a slot of a lock with the fences from the first to the last, by fence."""

    async def locks(self, limit: int, cursor: str | None = None, prefix: str = "") -> Page[KnownLock]:
        """Return the locks that were ever used, in the order of their partitions.

        Only those whose names start with the prefix, in upper or lower case; then a page may be short
        although more follow.
        """

    async def overlaps(self, limit: int) -> list[Overlap]:
        """Return lock runs that were found to overlap others, of all locks, by lock and fence."""

    async def projected_seqs(self, jobs: Mapping[str, datetime]) -> dict[str, int]:
        """Return the number of the last projected event of each job that has one, by job id.

        The jobs are given with the times at which they were submitted.
        """


class ReadModelWriter(Protocol):
    """What the projector writes. Each write may be repeated, in any order, by several at once."""

    async def watermark(self, job_id: str, submitted_at: datetime) -> Watermark:
        """Return how far a job is projected."""

    async def record_trail(self, entries: Sequence[TrailEntry]) -> None:
        """Write events into the audit trail."""

    async def record_recent(self, entries: Sequence[TrailEntry]) -> None:
        """Write events among the recent ones."""

    async def record_lock_runs(self, partition: str, lock_runs: Sequence[LockRun]) -> None:
        """Write what is known of lock runs, each fence once; what is stored of them already stays."""

    async def lock_runs_around(self, partition: str, fence: int) -> list[LockRun]:
        """Return the stored lock runs with this fence and the two on either side, by fence."""

    async def mark_overlap(self, partition: str, lock_run: LockRun, mark: str) -> None:
        """Mark a lock run as one that overlapped, and list it among the overlaps.

        Raises StaleError when it changed since it was read.
        """

    async def record_lock(self, lock: KnownLock) -> None:
        """Note that a lock was used; its last fence never falls."""

    async def record_summary(self, summary: JobSummary, mark: Watermark, etag: str | None) -> str:
        """Write a job's summary and watermark, and return their new version.

        Raises StaleError when what is there is not the version given.
        """

    async def wipe(self, archived: Archived | None = None) -> dict[str, int]:
        """Delete everything derived from the journal, and return the number of rows by table.

        The audit trails of archived jobs stay, as nothing else is left of those.
        """
