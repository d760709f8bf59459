"""Use case: bring the read models up to what the journal says of a job.

What is projected is in the journal: it is read there or, where a sealed message contains it and it continues
what is projected, taken from the message (`announcement_reader`). So a late, repeated or forged message can
put nothing into the audit trail. Projecting a job again, in any order, by any number of projectors at once,
leads to the same rows.
"""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from audit_projector.announced import News
from audit_projector.chain import Chain
from audit_projector.convoy import Convoy
from audit_projector.exclusion import ExclusionCheck, partition_of
from audit_projector.observations import EventsProjected, Observe, TrailBroken
from audit_projector.projection_cache import CachedJob, ProjectionCache
from audit_projector.retirements import Retires
from contracts import lock_names
from contracts.jobs import JobError, JobSummary
from contracts.statuses import EventStatus, JobStatus
from contracts.traceparent import trace_id_of
from coordination.journal import rows
from coordination.journal.rows import EventRow, JobRow
from coordination.ports import Journal, NewId, UnknownOutcomeError, random_id
from coordination.retention_times import RetentionTimes
from read_models import ReadModelWriter
from read_models.documents import KnownLock, StaleError, TrailEntry, Watermark, event_document

_FOR_GOOD = RetentionTimes()

#: Times a projector lets another go first before it leaves the job to a later message.
_MOST_TRIES = 10


class Projection:
    """Projects jobs."""

    def __init__(
        self,
        journal: Journal,
        register: Retires,
        models: ReadModelWriter,
        observe: Observe,
        new_id: NewId = random_id,
        times: RetentionTimes = _FOR_GOOD,
    ) -> None:
        self._journal = journal
        self._register = register
        self._models = models
        self._observe = observe
        self._exclusion = ExclusionCheck(journal, models, observe, new_id)
        self._times = times
        self._cache = ProjectionCache()
        #: Summaries of jobs that are projected at the same time are written together.
        self._convoy = Convoy()
        #: Told of already, as the same try may be repeated for minutes.
        self._known_breaks: set[tuple[str, int]] = set()

    async def project(
        self,
        lock_name: str,
        job_id: str,
        up_to: int,
        *,
        first: int = 0,
        news: News | None = None,
        afresh: bool = False,
    ) -> int:
        """Project a job at least up to an event's number, and return how many events were written.

        Does nothing when the read models have that event already, or when there is no such job. `first` is
        the number of the first event that a message names: one that follows on from the message before is
        answered from memory as far as possible, and so is any about a job that is wholly projected. `news`
        are the events from `first` to `up_to`, if they are known to be in the journal; it is read where they
        do not fit. With `afresh`, everything is written again. After its last event a job is no longer
        active. Raises UnknownOutcomeError; then nothing is lost, and the same call may be repeated.
        """
        if not afresh and self._cache.has_ended(job_id, up_to):
            return 0
        partition = lock_names.partition(lock_name)
        # Whoever hears of a job's first event first finds nothing of it: the read would be for nothing.
        is_new = self._cache.meets(job_id) and first == 1
        for _ in range(_MOST_TRIES):
            try:
                return await self._try(partition, job_id, first, up_to, news, afresh=afresh, is_new=is_new)
            except StaleError:
                is_new = False
        raise UnknownOutcomeError(f"other projectors keep changing the read models of job {job_id}")

    async def _try(
        self,
        partition: str,
        job_id: str,
        first: int,
        up_to: int,
        news: News | None,
        *,
        afresh: bool,
        is_new: bool,
    ) -> int:
        remembered = self._cache.take(job_id, first)
        known = remembered or await self._look_up(partition, job_id, news, is_new=is_new)
        if known is None:
            return 0
        if known.mark.seq >= up_to and not afresh:
            if remembered is None and known.is_whole:
                # The projector of the last event may have died before the job was taken off the active ones.
                await self._retire(job_id, known, known.mark.seq)
            self._cache.keep(job_id, replace(known, heard=up_to))
            return 0
        chain = Chain(Watermark() if afresh else known.mark)
        events = news.after(chain.seq, chain.hash) if news else ()
        if not events:
            events = await self._read_events(partition, job_id, chain.seq)
        if not events:
            return 0
        known = await self._brought_up_to(known, partition, events, news)
        with self._convoy.under_way():
            await self._record_events(partition, chain, events, known.summary)
        await self._convoy.wait()
        # Last, so that what is marked as projected is there.
        mark = replace(chain.mark, as_of=known.as_of)
        etag = await self._models.record_summary(known.summary, mark, known.mark.etag)
        self._observe(EventsProjected(events, afresh))
        if EventStatus(events[-1].status).is_last:
            await self._retire(job_id, known, mark.seq)
        if not afresh:
            mark = replace(mark, etag=etag)
            self._cache.keep(job_id, replace(known, mark=mark, heard=up_to))
        return len(events)

    async def _retire(self, job_id: str, known: CachedJob, seq: int) -> None:
        await self._register.retire(job_id, removal=known.removal)
        self._cache.end(job_id, seq)

    async def _look_up(
        self, partition: str, job_id: str, news: News | None, *, is_new: bool
    ) -> CachedJob | None:
        """Read what is known of a job. One that is new has no watermark; else its summary is refused."""
        job = news.job if news else await self._read_job(partition, job_id)
        if job is None:
            return None
        submitted_at = datetime.fromisoformat(job.submitted_at)
        mark = Watermark() if is_new else await self._models.watermark(job_id, submitted_at)
        return CachedJob(mark, self._summary(job), job.seq, removal=self._times.removal_of(job))

    async def _read_events(self, partition: str, job_id: str, after: int) -> Sequence[EventRow]:
        stored = await self._journal.read_range(
            partition, rows.event_prefix(job_id), after=rows.event_key(job_id, after)
        )
        return [EventRow.from_row(row) for row in stored]

    async def _brought_up_to(
        self, known: CachedJob, partition: str, events: Sequence[EventRow], news: News | None
    ) -> CachedJob:
        """Return what is known of a job with a summary that is not older than these events."""
        last = events[-1].seq
        if last <= known.as_of:
            return known
        if not any(EventStatus(event.status).changes_summary for event in events if event.seq > known.as_of):
            return replace(known, as_of=last)
        is_told = news is not None and news.job.seq == last
        job = news.job if news and is_told else await self._read_job(partition, events[-1].job_id)
        if job is None:
            return known
        removal = self._times.removal_of(job)
        return replace(known, summary=self._summary(job), as_of=job.seq, removal=removal)

    async def _record_events(
        self, partition: str, chain: Chain, events: Sequence[EventRow], summary: JobSummary
    ) -> None:
        entries = [self._entry(chain, event) for event in events]
        await asyncio.gather(
            self._models.record_trail(entries),
            self._models.record_recent(entries),
            self._record_lock_runs(partition, chain, summary),
            # Fence and time of one start: the job's latest fence may be of a start that is not among these.
            self._models.record_lock(KnownLock(summary.lock, partition, *chain.last_start)),
        )

    async def _record_lock_runs(self, partition: str, chain: Chain, summary: JobSummary) -> None:
        lock_runs = [replace(run, kind=summary.kind, name=summary.name) for run in chain.lock_runs()]
        # One after the other: most jobs run in one slot only, and those of locks without a limit in slot 0.
        for slot in sorted({partition, *(run.partition for run in lock_runs)}):
            runs = [run for run in lock_runs if run.partition == slot]
            await self._models.record_lock_runs(slot, runs)
            foreign = [event for event in chain.foreign_events if partition_of(event) == slot]
            await self._exclusion.check(slot, runs, foreign)

    async def _read_job(self, partition: str, job_id: str) -> JobRow | None:
        return JobRow.existing(await self._journal.read(partition, rows.job_key(job_id)))

    def _entry(self, chain: Chain, event: EventRow) -> TrailEntry:
        is_broken = not chain.append(event)
        if is_broken and (event.job_id, event.seq) not in self._known_breaks:
            self._known_breaks.add((event.job_id, event.seq))
            self._observe(TrailBroken(event))
        return TrailEntry(event_document(event), event.hash, event.previous_hash, is_broken)

    def _summary(self, job: JobRow) -> JobSummary:
        return JobSummary(
            job_id=job.job_id,
            kind=job.kind,
            name=job.name,
            lock=job.lock_name,
            status=JobStatus(job.status),
            priority=job.priority,
            properties=json.loads(job.properties),
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
            queued_at=_moment(job.queued_at),
            started_at=_moment(job.started_at),
            finished_at=_moment(job.finished_at),
            next_attempt_at=_moment(job.due_at or "") if job.status == JobStatus.QUEUED else None,
        )


def _moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
