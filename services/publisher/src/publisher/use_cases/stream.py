"""Use case: stream what happens to a job, as server-sent events."""

import math
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from fastapi.sse import format_sse_event
from pydantic import BaseModel, Field

from contracts import fields
from contracts.jobs import Event, Progress, WaitingFor
from contracts.statuses import JobStatus
from coordination.journal.rows import JobRow
from coordination.ports import Clock, JobRegister, Journal, Registration, UnknownOutcomeError
from publisher.use_cases.documents import progress
from publisher.use_cases.events import read_events
from publisher.use_cases.jobs import Place, find_job, place_in_line, read_job


class ProgressReport(BaseModel):
    """How far a job is."""

    job_id: fields.JobId
    status: fields.Status
    attempt: fields.Attempt
    worker: fields.LatestWorker
    step: str | None = Field(description="The current step; null between steps and while the job waits.")
    progress: Progress | None = Field(description="How far the handler is; null until it has reported it.")
    position: int | None = Field(None, description="Position in line, from 1, while the job is queued.")
    waiting_for: WaitingFor | None = Field(
        None, description="Why the job does not run yet; null unless it is queued."
    )


@dataclass(frozen=True)
class JobStream:
    """Follows jobs by looking at the journal now and then."""

    journal: Journal
    register: JobRegister
    clock: Clock
    #: Whether the server is being stopped: then streams end, and clients come back to another one.
    is_stopping: Callable[[], bool]
    #: Seconds between two looks while things happen, and while nothing does.
    quick: float = 0.5
    slow: float = 1.0
    #: Seconds between two looks at the line while the job waits in it.
    line_every: float = 2.0
    #: Seconds of silence after which a comment shows that the connection lives.
    heartbeat: float = 10.0
    #: Seconds without an answer from the storage after which the stream ends.
    patience: float = 30.0

    async def open(self, job_id: str, after: int) -> AsyncIterator[bytes] | None:
        """Return what `follow` yields, or None when the job has ended and `after` names its last event.

        Raises NoSuchJobError or UnknownOutcomeError.
        """
        registration = await find_job(self.register, job_id)
        job = await read_job(self.journal, registration)
        return None if job.is_terminal and after >= job.seq else self.follow(registration, after)

    async def follow(self, registration: Registration, after: int = 0) -> AsyncIterator[bytes]:
        """Yield every event behind a number, and changes of progress, until the job has ended."""
        follower = _Follower(self, registration, after)
        pause = self.quick
        spoke_at = answered_at = self.clock.boot()
        yield format_sse_event(retry=1000)
        while not self.is_stopping():
            try:
                sent = await follower.look()
                answered_at = self.clock.boot()
            except UnknownOutcomeError:
                if self.clock.boot() - answered_at > self.patience:
                    return
                await self.clock.sleep(self.slow)
                continue
            if sent or self.clock.boot() - spoke_at > self.heartbeat:
                spoke_at = self.clock.boot()
                yield b"".join(sent) or format_sse_event(comment="still here")
            if follower.has_seen_the_end:
                return
            pause = self.quick if sent else min(pause * 1.2, self.slow)
            await self.clock.sleep(pause)


@dataclass
class _Follower:
    """What one client has received of a job."""

    stream: JobStream
    registration: Registration
    #: Number of the last event that was sent.
    after: int
    has_seen_the_end: bool = False
    _report: ProgressReport | None = None
    _place: Place | None = None
    _line_read_at: float = -math.inf

    async def look(self) -> list[bytes]:
        """Read what is new since the last look. Raises UnknownOutcomeError; then nothing counts as sent."""
        journal = self.stream.journal
        job = await read_job(journal, self.registration)
        events = (
            await read_events(journal, self.registration, after=self.after) if job.seq > self.after else []
        )
        report = _report(job, await self._place_of(job))
        sent = [] if report == self._report else [_progress(report)]
        sent += [_event(event) for event in events]
        self._report = report
        self.after = max([self.after, *(event.seq for event in events)])
        self.has_seen_the_end = job.is_terminal and self.after >= job.seq
        return sent

    async def _place_of(self, job: JobRow) -> Place | None:
        if job.status != JobStatus.QUEUED:
            self._place = None
        elif self.stream.clock.boot() - self._line_read_at >= self.stream.line_every:
            self._place = await place_in_line(self.stream.journal, job)
            self._line_read_at = self.stream.clock.boot()
        return self._place


def _report(job: JobRow, place: Place | None) -> ProgressReport:
    return ProgressReport(
        job_id=job.job_id,
        status=JobStatus(job.status),
        attempt=job.attempt,
        worker=job.worker or None,
        step=job.step or None,
        progress=progress(job),
        position=place.position if place is not None else None,
        waiting_for=place.waiting_for if place is not None else None,
    )


def _event(event: Event) -> bytes:
    return format_sse_event(event="job_event", id=str(event.seq), data_str=event.model_dump_json())


def _progress(report: ProgressReport) -> bytes:
    return format_sse_event(event="progress", data_str=report.model_dump_json())
