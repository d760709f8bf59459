"""The read models in memory, which also say what a real adapter must do."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from contracts import lock_names
from contracts.jobs import Event, JobPage, JobSummary, Page
from coordination.journal.rows import EventRow
from coordination.slot import Slot
from coordination.testing.faults import Calls, Fault
from read_models.cursors import read_cursor, write_cursor
from read_models.documents import KnownLock, LockRun, Overlap, StaleError, TrailEntry, Watermark
from read_models.filters import JobFilter
from read_models.lists import EVENTS, jobs_list, lock_runs_list, locks_list
from read_models.ordering import event_order, job_order
from read_models.ports import Archived
from read_models.rare_states import lists_with, rare_states

ItemT = TypeVar("ItemT")

_LAST_FENCE = 10**18 - 1


class InMemoryReadModels:
    """Implements ReadModels and ReadModelWriter. A test may look at, and change, what is in it."""

    def __init__(self, faults: Fault | Calls | None = None) -> None:
        self.calls = Calls.of(faults)
        #: Jobs that one page looks through, at most.
        self.most_looked_through = 1_000
        #: By event id.
        self.trail: dict[str, TrailEntry] = {}
        self.recent: dict[str, TrailEntry] = {}
        #: By partition and fence.
        self.runs: dict[tuple[str, int], LockRun] = {}
        #: By partition.
        self.known_locks: dict[str, KnownLock] = {}
        #: By job id.
        self.summaries: dict[str, tuple[JobSummary, Watermark]] = {}
        self._versions = 0

    async def jobs(self, wanted: JobFilter, limit: int, cursor: str | None = None) -> JobPage:
        """Return jobs, the last submitted first."""

        def action() -> JobPage:
            lists = set(lists_with(wanted))
            window = JobFilter(
                submitted_from=wanted.submitted_from,
                submitted_before=wanted.submitted_before,
                with_finalized=True,
            )
            listed = {
                job_order(job.submitted_at, job.job_id): job
                for job, _ in self.summaries.values()
                if window.fits(job) and (not lists or lists & set(rare_states(job)))
            }
            looked: list[JobSummary] = []

            def fits(job: JobSummary) -> bool:
                looked.append(job)
                return wanted.fits(job)

            items, following = _page(jobs_list(wanted), listed, limit, cursor, fits, self.most_looked_through)
            return JobPage(
                items=items,
                next=following,
                looked_through=len(looked),
                looked_back_to=looked[-1].submitted_at if looked else None,
            )

        return await self.calls.carry_out("read_models.list_jobs", action)

    async def events(self, limit: int, cursor: str | None = None) -> Page[Event]:
        """Return events of all jobs, newest first; those of one moment by fence and number."""

        def action() -> Page[Event]:
            events = (entry.event for entry in self.recent.values())
            listed = {event_order(e.timestamp_utc, e.fence, e.job_id, e.seq): e for e in events}
            items, following = _page(EVENTS, listed, limit, cursor)
            return Page[Event](items=items, next=following)

        return await self.calls.carry_out("read_models.list_events", action)

    async def audit_trail(self, job_id: str) -> list[Event]:
        """Return all events of a job that are projected, in order."""

        def action() -> list[Event]:
            events = (entry.event for entry in self.trail.values())
            return sorted((event for event in events if event.job_id == job_id), key=lambda event: event.seq)

        return await self.calls.carry_out("read_models.audit_trail", action)

    async def trail_entries(self, job_id: str, after: int = 0) -> list[TrailEntry]:
        """Return the events of a job behind a number, in order, with their hashes."""

        def action() -> list[TrailEntry]:
            of_job = (entry for entry in self.trail.values() if entry.event.job_id == job_id)
            behind = (entry for entry in of_job if entry.event.seq > after)
            return sorted(behind, key=lambda entry: entry.event.seq)

        return await self.calls.carry_out("read_models.trail_entries", action)

    async def lock_runs(self, lock: str, limit: int, cursor: str | None = None) -> Page[LockRun]:
        """Return who held a lock, the latest fence first."""

        def action() -> Page[LockRun]:
            partition = lock_names.partition(lock)
            runs = [run for (other, _), run in self.runs.items() if other == partition]
            listed = {f"{_LAST_FENCE - run.fence:018d}": run for run in runs}
            items, following = _page(lock_runs_list(lock), listed, limit, cursor)
            return Page[LockRun](items=items, next=following)

        return await self.calls.carry_out("read_models.list_lock_runs", action)

    async def lock_runs_between(self, lock: str, first: int, last: int, slot: int = 0) -> list[LockRun]:
        """Return who held a slot of a lock with the fences from the first to the last, by fence."""
        partition = Slot(lock, slot).lease_name

        def action() -> list[LockRun]:
            found = [run for (other, _), run in self.runs.items() if other == partition]
            return sorted((run for run in found if first <= run.fence <= last), key=lambda run: run.fence)

        return await self.calls.carry_out("read_models.list_lock_runs", action)

    async def locks(self, limit: int, cursor: str | None = None, prefix: str = "") -> Page[KnownLock]:
        """Return the locks that were ever used, in the order of their partitions."""

        def fits(lock: KnownLock) -> bool:
            return lock.lock.lower().startswith(prefix.lower())

        def action() -> Page[KnownLock]:
            items, following = _page(locks_list(prefix), self.known_locks, limit, cursor, fits)
            return Page[KnownLock](items=items, next=following)

        return await self.calls.carry_out("read_models.list_locks", action)

    async def overlaps(self, limit: int) -> list[Overlap]:
        """Return lock runs that were found to overlap others, of all locks, by lock and fence."""

        def action() -> list[Overlap]:
            marked = [self.runs[key] for key in sorted(self.runs) if self.runs[key].overlap is not None]
            return [Overlap(run.lock, run.fence, run.job_id) for run in marked[:limit]]

        return await self.calls.carry_out("read_models.overlaps", action)

    async def projected_seqs(self, jobs: Mapping[str, datetime]) -> dict[str, int]:
        """Return the number of the last projected event of each job that has one, by job id."""

        def action() -> dict[str, int]:
            return {job_id: self.summaries[job_id][1].seq for job_id in jobs if job_id in self.summaries}

        return await self.calls.carry_out("read_models.projected_seqs", action)

    async def watermark(self, job_id: str, submitted_at: datetime) -> Watermark:
        """Return how far a job is projected."""
        return await self.calls.carry_out(
            "read_models.watermark", lambda: self.summaries.get(job_id, (None, Watermark()))[1]
        )

    async def record_trail(self, entries: Sequence[TrailEntry]) -> None:
        """Write events into the audit trail."""
        added = {entry.event.event_id: entry for entry in entries}
        await self.calls.carry_out("read_models.trail", lambda: self.trail.update(added))

    async def record_recent(self, entries: Sequence[TrailEntry]) -> None:
        """Write events among the recent ones."""
        added = {entry.event.event_id: entry for entry in entries}
        await self.calls.carry_out("read_models.recent", lambda: self.recent.update(added))

    async def record_lock_runs(self, partition: str, lock_runs: Sequence[LockRun]) -> None:
        """Merge what is known of lock runs into what is stored of them."""

        def action() -> None:
            for lock_run in lock_runs:
                stored = self.runs.get((partition, lock_run.fence), LockRun(lock_run.lock, lock_run.fence))
                known = {name: value for name, value in vars(lock_run).items() if value is not None}
                run = {f"{lock_run.job_id}/{lock_run.attempt}"} if lock_run.job_id else set()
                known |= {"runs": stored.runs | run, "etag": self._version()}
                self.runs[partition, lock_run.fence] = replace(stored, **known)

        await self.calls.carry_out("read_models.lock_runs", action)

    async def lock_runs_around(self, partition: str, fence: int) -> list[LockRun]:
        """Return the stored lock runs with this fence and the two on either side, by fence."""
        near = [(partition, other) for other in range(fence - 2, fence + 3)]
        return await self.calls.carry_out(
            "read_models.around", lambda: [self.runs[key] for key in near if key in self.runs]
        )

    async def mark_overlap(self, partition: str, lock_run: LockRun, mark: str) -> None:
        """Mark a lock run as one that overlapped. Raises StaleError when it changed since it was read."""
        key = partition, lock_run.fence

        def action() -> bool:
            is_fresh = key in self.runs and self.runs[key].etag == lock_run.etag
            if is_fresh:
                self.runs[key] = replace(lock_run, overlap=mark, etag=self._version())
            return is_fresh

        if not await self.calls.carry_out("read_models.overlap", action):
            raise StaleError

    async def record_lock(self, lock: KnownLock) -> None:
        """Note that a lock was used; its last fence never falls."""

        def action() -> None:
            known = self.known_locks.get(lock.partition)
            if known is None or known.last_fence < lock.last_fence:
                self.known_locks[lock.partition] = lock

        await self.calls.carry_out("read_models.lock", action)

    async def record_summary(self, summary: JobSummary, mark: Watermark, etag: str | None) -> str:
        """Write a job's summary and watermark. Raises StaleError for another version than the one given."""

        def action() -> str | None:
            _, known = self.summaries.get(summary.job_id, (None, Watermark()))
            if known.etag != etag:
                return None
            return self._write_summary(summary, mark)

        version = await self.calls.carry_out("read_models.summary", action)
        if version is None:
            raise StaleError
        return version

    async def delete(
        self, partition: str, jobs: Mapping[str, Sequence[EventRow] | None], *, keeps_trail: bool = False
    ) -> int:
        """Delete all rows of jobs of one lock, and return how many there were."""

        def action() -> int:
            gone: list[tuple[dict[Any, Any], Any]] = [
                (table, key)
                for table in ((self.recent,) if keeps_trail else (self.trail, self.recent))
                for key, entry in table.items()
                if entry.event.job_id in jobs
            ]
            gone += [(self.summaries, job_id) for job_id in jobs if job_id in self.summaries]
            gone += [
                (self.runs, key)
                for key, run in self.runs.items()
                if lock_names.partition(run.lock) == partition and run.job_id in jobs
            ]
            in_rare_lists = sum(
                len(rare_states(self.summaries[job_id][0])) for job_id in jobs if job_id in self.summaries
            )
            for table, key in gone:
                del table[key]
            return len(gone) + in_rare_lists

        return await self.calls.carry_out("read_models.delete", action)

    async def delete_trails(self, jobs: Mapping[str, int]) -> int:
        """Delete the audit trails of jobs by the numbers of their last events."""

        def action() -> int:
            gone = [
                key for key, entry in self.trail.items() if entry.event.seq <= jobs.get(entry.event.job_id, 0)
            ]
            for key in gone:
                del self.trail[key]
            return len(gone)

        return await self.calls.carry_out("read_models.delete", action)

    async def trail_hashes(self, job_id: str) -> list[str]:
        """Return the hashes of a job's events in the audit trail, in order."""
        return [entry.hash for entry in await self.trail_entries(job_id)]

    async def wipe(self, archived: Archived | None = None) -> dict[str, int]:
        """Delete everything but the trails of archived jobs, and return the number of rows by table."""
        kept = await archived({entry.event.job_id for entry in self.trail.values()}) if archived else ()

        def action() -> dict[str, int]:
            trails = {key: one for key, one in self.trail.items() if one.event.job_id in kept}
            tables: dict[str, dict[Any, Any]] = {
                "JobSummaries": self.summaries,
                "JobAuditTrail": self.trail,
                "RecentEvents": self.recent,
                "LockRuns": self.runs,
                "Locks": self.known_locks,
            }
            counts = {name: len(table) for name, table in tables.items()}
            counts["JobAuditTrail"] -= len(trails)
            for table in tables.values():
                table.clear()
            self.trail.update(trails)
            return counts

        return await self.calls.carry_out("read_models.wipe", action)

    def _write_summary(self, summary: JobSummary, mark: Watermark) -> str:
        version = self._version()
        self.summaries[summary.job_id] = summary, replace(mark, etag=version)
        return version

    def _version(self) -> str:
        self._versions += 1
        return f"v{self._versions}"


def _page(
    of: str,
    listed: Mapping[str, ItemT],
    limit: int,
    cursor: str | None,
    fits: Callable[[ItemT], bool] = lambda _: True,
    most: int | None = None,
) -> tuple[list[ItemT], str | None]:
    """Return the items that fit, up to a limit, and the cursor behind them; looks at `most` items."""
    after = ""
    if cursor is not None:
        _, after = read_cursor(of, cursor, 2)
    behind = sorted(key for key in listed if key > after)
    found: list[ItemT] = []
    for count, key in enumerate(behind, 1):
        found += [listed[key]] if fits(listed[key]) else []
        if count < len(behind) and (len(found) == limit or count == most):
            return found, write_cursor(of, "behind", key)
    return found, None
