"""Lists in memory, made of a journal as the projector makes them, and read as the storage gives them."""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

from azure.data.tables import EntityProperty, TableEntity

from audit_projector.chain import Chain
from azure_storage.read_models import keys, lock_rows
from azure_storage.read_models import rows as row_layout
from azure_storage.read_models.writing import LOCKS, OVERLAPS
from contracts.jobs import JobError, JobSummary
from contracts.statuses import JobStatus
from contracts.traceparent import trace_id_of
from coordination.journal import rows
from coordination.journal.rows import EventRow, JobRow
from coordination.ports import Values
from coordination.slot import Slot
from proof import lists
from read_models.documents import KnownLock, LockRun, Watermark
from read_models.rare_states import RareState, rare_states
from verification import ALL_JOBS, ListedRow, Stored

Entity = dict[str, Any]


class ListsInMemory:
    """Rows of lists by list and key, as the storage has them. A test may change or delete them."""

    partitions: dict[str, list[Stored]]
    tracebacks: dict[str, str]
    #: By list, partition and row key.
    jobs: dict[tuple[str, str], Entity]
    runs: dict[tuple[str, str], Entity]
    locks: dict[str, Entity]
    overlapping: list[Entity]

    def derive_lists(self) -> None:
        """Derive all lists from the journal again, as `make rebuild` does."""
        self.jobs, self.runs, self.locks, self.overlapping = {}, {}, {}, []
        for partition, stored in self.partitions.items():
            events: defaultdict[str, list[Values]] = defaultdict(list)
            for row in stored:
                if row.key.startswith("event|"):
                    events[row.key.split("|")[1]].append(row.values)
                elif row.key == rows.job_key(str(row.values.get("job_id"))):
                    # What is forged so far that it cannot be projected is reported of the journal.
                    with suppress(ValueError, TypeError, AttributeError):
                        job = JobRow.from_values(row.values)
                        self._project(partition, job, map(EventRow.from_values, events[job.job_id]))

    def run_row(self, fence: int) -> Entity:
        """Return the row of a run of the only lock, to be changed."""
        return next(row for (_, key), row in self.runs.items() if key == keys.fence_key(fence))

    def job_row(self, job_id: str, place: str = ALL_JOBS) -> Entity:
        """Return the row of a job in a list, to be changed."""
        return self.jobs[self.place_of(job_id, place)]

    def place_of(self, job_id: str, place: str = ALL_JOBS) -> tuple[str, str]:
        """Return the keys of a job's row in a list."""
        start = keys.rare_prefix(RareState(place)) if place else ""
        return next(
            key
            for key in self.jobs
            if key[1].endswith(job_id) and key[0].rpartition("|")[0] == start.rstrip("|")
        )

    def overlap(self, partition: str, fence: int) -> None:
        """Mark and list a run as one that overlapped."""
        row = self.runs[partition, keys.fence_key(fence)]
        row["Overlap"] = "mark"
        run = LockRun(row["Lock"], fence, row["JobId"])
        self.overlapping.append(lock_rows.overlap_row(OVERLAPS, partition, run))

    # --- what the checker reads ----------------------------------------------------

    async def listed_jobs(self) -> AsyncIterator[Sequence[ListedRow]]:
        yield [lists._listed_job(_read(row)) for row in self.jobs.values()]

    async def listed_job(self, job_id: str, submitted_at: str, place: str) -> ListedRow | None:
        partition, key = keys.summary_key(job_id, datetime.fromisoformat(submitted_at))
        start = keys.rare_prefix(RareState(place)) if place else ""
        row = self.jobs.get((f"{start}{partition}", key))
        return None if row is None else lists._listed_job(_read(row))

    async def listed_runs(self, partition: str | None) -> AsyncIterator[Sequence[ListedRow]]:
        yield [lists._listed_run(_read(row)) for (of, _), row in self.runs.items() if partition in {None, of}]

    async def listed_run(self, partition: str, fence: int) -> ListedRow | None:
        row = self.runs.get((partition, keys.fence_key(fence)))
        return None if row is None else lists._listed_run(_read(row))

    async def listed_lock(self, partition: str) -> ListedRow | None:
        row = self.locks.get(partition)
        return None if row is None else ListedRow(partition, "", lists._columns(_read(row)))

    async def overlaps(self) -> AsyncIterator[Sequence[ListedRow]]:
        yield [lists._listed_overlap(_read(row)) for row in self.overlapping]

    async def traceback(self, partition: str, job_id: str) -> str | None:
        return self.tracebacks.get(job_id)

    # --- projecting ---------------------------------------------------------------

    def _project(self, partition: str, job: JobRow, events: Iterable[EventRow]) -> None:
        chain = Chain(Watermark())
        for event in events:
            chain.append(event)
        summary = _summary(job)
        all_jobs = row_layout.summary_row(summary, chain.mark)
        rare = [row_layout.rare_row(state, summary, job.seq) for state in rare_states(summary)]
        self.jobs |= {(row["PartitionKey"], row["RowKey"]): row for row in (all_jobs, *rare)}
        for run in chain.lock_runs():
            shelf = Slot(job.lock_name, run.slot).lease_name if run.slot else partition
            row = lock_rows.lock_run_row(shelf, replace(run, kind=summary.kind, name=summary.name))
            key = shelf, row["RowKey"]
            self.runs[key] = self.runs.get(key, {}) | row
        last = KnownLock(summary.lock, partition, *chain.last_start)
        known = self.locks.get(partition)
        if known is None or known["LastFence"].value < last.last_fence:
            self.locks[partition] = lock_rows.lock_row(LOCKS, last)


def _summary(job: JobRow) -> JobSummary:
    return JobSummary(
        job_id=job.job_id,
        kind=job.kind,
        name=job.name,
        lock=job.lock_name,
        status=JobStatus(job.status),
        priority=job.priority,
        properties={},
        attempt=job.attempt,
        interruptions=job.interruptions,
        fence=job.fence or None,
        worker=job.worker or None,
        actor=job.actor,
        cancel_requested=job.cancel_requested,
        finalized=job.finalized_at is not None,
        error=JobError(type=job.error_type, message=job.error_message) if job.error_type else None,
        trace_id=trace_id_of(job.traceparent),
        submitted_at=datetime.fromisoformat(job.submitted_at),
        queued_at=datetime.fromisoformat(job.queued_at),
        started_at=_moment(job.started_at),
        finished_at=_moment(job.finished_at),
    )


def _moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _read(row: Entity) -> TableEntity:
    """Return a row as the SDK reads it back."""
    return TableEntity(
        {name: value.value if isinstance(value, EntityProperty) else value for name, value in row.items()}
    )
