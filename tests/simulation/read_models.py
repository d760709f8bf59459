"""The read models in memory, which a projector reaches over the network: each call acts at one instant."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from tests.simulation.network import Network

from azure_storage.read_models.documents import (
    KnownLock,
    LockRun,
    StaleError,
    Summary,
    TrailEntry,
    Watermark,
)

AnswerT = TypeVar("AnswerT")


class SimulatedModels:
    """Implements `audit_projector.projection.Writes`."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._versions = 0
        #: Called with every summary that is written.
        self.when_summarised: Callable[[Summary, Watermark], object] = lambda summary, mark: None
        self.trail: dict[str, TrailEntry] = {}
        self.recent: dict[str, TrailEntry] = {}
        self.lock_runs: dict[tuple[str, int], LockRun] = {}
        self.locks: dict[str, KnownLock] = {}
        self.summaries: dict[str, tuple[Summary, Watermark]] = {}

    def projected(self, job_id: str) -> int:
        """Return the number of the last event of a job that is here."""
        return self.summaries[job_id][1].seq if job_id in self.summaries else 0

    async def watermark(self, job_id: str, submitted_at: datetime) -> Watermark:
        """Return how far a job is projected."""
        return await self._call("watermark", lambda: self.summaries.get(job_id, (None, Watermark()))[1])

    async def record_trail(self, entries: Sequence[TrailEntry]) -> None:
        """Write events into the audit trail."""
        await self._call("trail", lambda: self.trail.update({e.event.event_id: e for e in entries}))

    async def record_recent(self, entries: Sequence[TrailEntry]) -> None:
        """Write events among the recent ones."""
        await self._call("recent", lambda: self.recent.update({e.event.event_id: e for e in entries}))

    async def record_lock_runs(self, partition: str, lock_runs: Sequence[LockRun]) -> None:
        """Merge what is known of runs into their rows."""

        def action() -> None:
            for lock_run in lock_runs:
                known = self.lock_runs.get(
                    (partition, lock_run.fence), LockRun(lock_run.lock, lock_run.fence)
                )
                told = {name: value for name, value in vars(lock_run).items() if value is not None}
                run = {f"{lock_run.job_id}/{lock_run.attempt}"} if lock_run.job_id else set()
                told |= {"runs": known.runs | run, "etag": self._version()}
                self.lock_runs[partition, lock_run.fence] = replace(known, **told)

        await self._call("lock_runs", action)

    async def lock_runs_around(self, partition: str, fence: int) -> list[LockRun]:
        """Return the run with this fence and two on either side."""
        near = [(partition, other) for other in range(fence - 2, fence + 3)]
        return await self._call("around", lambda: [self.lock_runs[k] for k in near if k in self.lock_runs])

    async def mark_overlap(self, partition: str, lock_run: LockRun, mark: str) -> None:
        """Mark a run as one that overlapped another."""

        def action() -> bool:
            key = partition, lock_run.fence
            is_fresh = self.lock_runs[key].etag == lock_run.etag
            if is_fresh:
                self.lock_runs[key] = replace(lock_run, overlap=mark, etag=self._version())
            return is_fresh

        if not await self._call("overlap", action):
            raise StaleError

    async def record_lock(self, lock: KnownLock) -> None:
        """Note that a lock was used."""

        def action() -> None:
            known = self.locks.get(lock.partition)
            if known is None or known.last_fence < lock.last_fence:
                self.locks[lock.partition] = lock

        await self._call("lock", action)

    async def record_summary(self, summary: Summary, mark: Watermark, etag: str | None) -> str:
        """Write a job's summary and watermark, if what is here has this version."""

        def action() -> str:
            known = self.summaries.get(summary.job_id)
            if (None if known is None else known[1].etag) != etag:
                return ""
            version = self._version()
            self.when_summarised(summary, mark)
            self.summaries[summary.job_id] = summary, replace(mark, etag=version)
            return version

        version = await self._call("summary", action)
        if not version:
            raise StaleError
        return version

    def _version(self) -> str:
        self._versions += 1
        return f"v{self._versions}"

    async def _call(self, name: str, action: Callable[[], AnswerT]) -> AnswerT:
        # They are tables, as the journal is, and go away with it.
        return await self._network.carry_out(f"journal.{name}", action)
