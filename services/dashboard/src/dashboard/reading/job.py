"""What the page of a job reads: four requests to open it, one for each refresh until it is over.

| what                  | when                                              | requests                |
| --------------------- | ------------------------------------------------- | ----------------------- |
| where the job lives   | once                                              | 1                       |
| its row               | at every refresh; every 60 s when the job is over | 1                       |
| parameters and so on  | once, when it is over, every 10 s if they changed | 1, 2 with a traceback   |
| its audit trail       | once, then behind the last event when there is one | 1 for each 1,000 events |
| its journal's events  | while the trail does not have them yet            | 1                       |
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import datetime

from contracts.identifiers import JobIdError, normalise_job_id
from contracts.statuses import JobStatus
from coordination.clients.job_writer import JobRemovedError, NoSuchJobError, existing_job
from coordination.journal import rows
from coordination.journal.rows import EventRow, JobRow
from coordination.ports import Clock, JobRegister, Journal, Registration
from dashboard.chain import ChainCheck
from dashboard.reading.kept_data import KeptData, read_kept_data
from read_models import ReadModels, TrailEntry
from read_models.archived import read_archived
from read_models.documents import event_document

#: Seconds for which all viewers get the same answer.
_FRESH_SECONDS = 1.0

#: The same for a job that is over: only people still change it, by a retry or by finalizing it.
_FINAL_SECONDS = 60.0

#: Seconds between two looks at what a running job keeps.
_KEPT_SECONDS = 10.0

#: Jobs of which the last answer is remembered.
_MOST_REMEMBERED = 50


@dataclass(frozen=True)
class JobView:
    """Everything that the page of a job shows of it."""

    registration: Registration
    job: JobRow
    kept: KeptData
    #: The audit trail; then the events of the journal that it does not have yet.
    entries: tuple[TrailEntry, ...]
    #: Number of the last event that is in the audit trail.
    projected: int
    #: Of the events of the audit trail.
    chain: ChainCheck
    read_at: datetime
    #: When `kept` was read, and how many events there were.
    kept_at: float = 0.0
    kept_seq: int = 0
    #: When the job left the journal, so that its audit trail is all there is of it; empty while it is there.
    archived_at: str = ""

    @property
    def status(self) -> JobStatus:
        """The job's status."""
        return JobStatus(self.job.status)

    @property
    def is_final(self) -> bool:
        """Whether nothing that is shown can change any more."""
        return self.job.is_terminal and self.projected >= self.job.seq

    @property
    def chain_broken_at(self) -> int | None:
        """Number of the first event of the trail that does not fit, also of the last one to the job's row."""
        if self.chain.broken_at is None and self.projected == self.job.seq:
            return None if self.chain.last_hash == self.job.event_hash else self.projected
        return self.chain.broken_at

    @property
    def behind_since(self) -> datetime | None:
        """When the first event happened that the audit trail does not have yet; None when it has all."""
        waiting = (entry.event for entry in self.entries if entry.event.seq > self.projected)
        return next((event.timestamp_utc for event in waiting), None)


class JobReader:
    """Reads jobs for all viewers of a process, on one event loop."""

    def __init__(self, journal: Journal, register: JobRegister, models: ReadModels, clock: Clock) -> None:
        self._journal = journal
        self._register = register
        self._models = models
        self._clock = clock
        self._views: OrderedDict[str, JobView] = OrderedDict()
        self._fresh_until: dict[str, float] = {}
        self._reading: dict[str, asyncio.Lock] = {}

    async def view(self, job_id: str) -> JobView:
        """Return a job as it is now. Raises NoSuchJobError or UnknownOutcomeError."""
        try:
            job_id = normalise_job_id(job_id)
        except JobIdError:
            raise NoSuchJobError from None
        async with self._reading.setdefault(job_id, asyncio.Lock()):
            known = self._views.get(job_id)
            if known is not None and self._clock.boot() < self._fresh_until[job_id]:
                self._views.move_to_end(job_id)
                return known
            try:
                view = await (self._open(job_id) if known is None else self._refresh(known))
            except JobRemovedError:
                archived = await self._archived(job_id)
                if archived is None:
                    self._views.pop(job_id, None)
                    raise
                view = archived
            except NoSuchJobError:
                self._views.pop(job_id, None)
                raise
            finally:
                if job_id not in self._views:
                    self._reading.pop(job_id, None)
            self._remember(job_id, view)
            return view

    def forget(self, job_id: str) -> None:
        """Read a job again the next time, as something was just done to it, also one that is over."""
        self._fresh_until[job_id] = 0.0

    async def _open(self, job_id: str) -> JobView:
        registration = await self._register.find(job_id)
        if registration is None:
            raise NoSuchJobError
        job, entries = await asyncio.gather(self._read_job(registration), self._models.trail_entries(job_id))
        kept = await read_kept_data(self._journal, registration.partition, job)
        view = JobView(
            registration, job, kept, tuple(entries), 0, ChainCheck(), self._clock.now(),
            kept_at=self._clock.boot(), kept_seq=job.seq,
        )  # fmt: skip
        return await self._with_trail(view, entries)

    async def _archived(self, job_id: str) -> JobView | None:
        """Return a job that has left the journal; None when its audit trail has gone, too."""
        registration = await self._register.find(job_id)
        found = registration and await read_archived(self._journal, self._models, registration)
        if registration is None or not found:
            return None
        return JobView(
            registration, found.job, KeptData(), tuple(found.entries), len(found.entries),
            ChainCheck().follow(list(found.entries)), self._clock.now(), archived_at=found.archived_at,
        )  # fmt: skip

    async def _refresh(self, known: JobView) -> JobView:
        job = await self._read_job(known.registration)
        view = replace(known, job=job, read_at=self._clock.now())
        if job.seq > known.projected:
            entries = await self._models.trail_entries(job.job_id, known.projected)
            view = await self._with_trail(replace(view, entries=known.entries[: known.projected]), entries)
        if job.seq > known.kept_seq and (
            job.is_terminal or self._clock.boot() - known.kept_at >= _KEPT_SECONDS
        ):
            kept = await read_kept_data(self._journal, known.registration.partition, job)
            view = replace(view, kept=kept, kept_at=self._clock.boot(), kept_seq=job.seq)
        return view

    async def _with_trail(self, view: JobView, entries: list[TrailEntry]) -> JobView:
        """Return the view with these entries behind those that it has, and what the journal has beyond."""
        job_id, partition = view.job.job_id, view.registration.partition
        before = view.entries[: view.projected]
        # Only an unbroken beginning: what is missing in the middle is still on its way.
        entries = _without_gaps(entries, view.projected)
        trail = (*before, *entries)
        chain = view.chain.follow(entries)
        more: list[TrailEntry] = []
        if len(trail) < view.job.seq:
            after = rows.event_key(job_id, len(trail)) if trail else ""
            found = await self._journal.read_range(partition, rows.event_prefix(job_id), after=after)
            more = [_entry(EventRow.from_row(row)) for row in found]
        return replace(view, entries=(*trail, *more), projected=len(trail), chain=chain)

    async def _read_job(self, registration: Registration) -> JobRow:
        row = await self._journal.read(registration.partition, rows.job_key(registration.job_id))
        return existing_job(row)

    def _remember(self, job_id: str, view: JobView) -> None:
        self._views[job_id] = view
        self._views.move_to_end(job_id)
        good_for = _FINAL_SECONDS if view.is_final else _FRESH_SECONDS
        self._fresh_until[job_id] = self._clock.boot() + good_for
        while len(self._views) > _MOST_REMEMBERED:
            oldest, _ = self._views.popitem(last=False)
            self._fresh_until.pop(oldest, None)
            self._reading.pop(oldest, None)


def _without_gaps(entries: list[TrailEntry], after: int) -> list[TrailEntry]:
    expected = range(after + 1, after + 1 + len(entries))
    for place, (entry, seq) in enumerate(zip(entries, expected, strict=True)):
        if entry.event.seq != seq:
            return entries[:place]
    return entries


def _entry(event: EventRow) -> TrailEntry:
    return TrailEntry(event_document(event), event.hash, event.previous_hash)
