"""Use case: tell of a job while it happens, as server-sent events."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from fastapi.sse import format_sse_event
from pydantic import BaseModel

from contracts.jobs import Event, Progress
from contracts.statuses import JobStatus
from coordination.ports import Clock, Journal, Registration, UnknownOutcomeError
from coordination.rows import JobRow
from publisher.documents import progress
from publisher.job_events import read_events
from publisher.job_state import read_job


class ProgressReport(BaseModel):
    """How far a job is."""

    job_id: str
    status: JobStatus
    attempt: int
    worker: str | None
    step: str | None
    progress: Progress | None


@dataclass(frozen=True)
class JobStream:
    """Follows jobs by looking at the journal now and then."""

    journal: Journal
    clock: Clock
    #: Whether the server is being stopped: then streams end, and clients come back to another one.
    is_stopping: Callable[[], bool]
    #: Seconds between two looks while things happen, and while nothing does.
    quick: float = 0.5
    slow: float = 1.0
    #: Seconds of silence after which a comment shows that the connection lives.
    heartbeat: float = 10.0
    #: Seconds without an answer from the storage after which the stream ends.
    patience: float = 30.0

    async def follow(self, registration: Registration, after: int = 0) -> AsyncIterator[bytes]:
        """Give every event behind a number, and changes of progress, until the job has ended."""
        report: ProgressReport | None = None
        pause = self.quick
        spoke_at = answered_at = self.clock.boot()
        yield format_sse_event(retry=1000)
        while not self.is_stopping():
            try:
                job = await read_job(self.journal, registration)
                events = await read_events(self.journal, registration, after=after) if job.seq > after else []
                answered_at = self.clock.boot()
            except UnknownOutcomeError:
                if self.clock.boot() - answered_at > self.patience:
                    return
                await self.clock.sleep(self.slow)
                continue
            told: list[bytes] = []
            if _report(job) != report:
                report = _report(job)
                told.append(_progress(report))
            for event in events:
                told.append(_event(event))
                after = event.seq
            if told or self.clock.boot() - spoke_at > self.heartbeat:
                spoke_at = self.clock.boot()
                yield b"".join(told) or format_sse_event(comment="still here")
            if job.is_terminal and after >= job.seq:
                return
            pause = self.quick if told else min(pause * 1.2, self.slow)
            await self.clock.sleep(pause)


def _report(job: JobRow) -> ProgressReport:
    return ProgressReport(
        job_id=job.job_id,
        status=JobStatus(job.status),
        attempt=job.attempt,
        worker=job.worker or None,
        step=job.step or None,
        progress=progress(job),
    )


def _event(event: Event) -> bytes:
    return format_sse_event(event="job_event", id=str(event.seq), data_str=event.model_dump_json())


def _progress(report: ProgressReport) -> bytes:
    return format_sse_event(event="progress", data_str=report.model_dump_json())
