"""Use case: stream what happens to a job, as server-sent events."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from fastapi.sse import format_sse_event

from contracts.following import ProgressReport
from contracts.jobs import Event
from contracts.statuses import JobStatus
from coordination.journal.rows import JobRow
from coordination.ports import Clock, Journal, Registration, UnknownOutcomeError
from publisher.access.caller import current_caller
from publisher.access.errors import TooManyOwnFollowersError
from publisher.use_cases.documents import progress
from publisher.use_cases.finding import JobFinder
from publisher.use_cases.job_looks import JobLooks
from publisher.use_cases.jobs import Place, find_job, read_job


class TooManyFollowersError(Exception):
    """As many clients follow jobs, or wait for their ends, here as are allowed."""


@dataclass(frozen=True)
class JobStream:
    """Follows jobs by looking at the journal now and then."""

    journal: Journal
    register: JobFinder
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
    #: Most followers of all jobs in this process, with those who wait for an end.
    most_followers: int = 1000
    #: Most followers of each client with an API key.
    most_of_client: int = 1000
    _looks: dict[str, JobLooks] = field(default_factory=dict, init=False, repr=False)
    #: The followers of each client.
    _of_clients: Counter[str] = field(default_factory=Counter, init=False, repr=False)

    async def open(self, job_id: str, after: int) -> AsyncIterator[bytes] | None:
        """Return what `follow` yields, or None when the job has ended and `after` names its last event.

        Raises TooManyFollowersError, TooManyOwnFollowersError, NoSuchJobError or UnknownOutcomeError.
        """
        self.check_room()
        registration = await find_job(self.register, job_id)
        job = await read_job(self.journal, registration)
        return None if job.is_terminal and after >= job.seq else self.follow(registration, after)

    async def follow(self, registration: Registration, after: int = 0) -> AsyncIterator[bytes]:
        """Yield every event behind a number, and changes of progress, until the job has ended."""
        with self.followed(registration) as looks:
            async for piece in self._follow(_Follower(looks, after)):
                yield piece

    @contextmanager
    def followed(self, registration: Registration) -> Iterator[JobLooks]:
        """Count a follower of a job, who sees the job through what all of its followers share."""
        looks = self._looks.setdefault(registration.job_id, self._make_looks(registration))
        looks.followers += 1
        client = current_caller.get().client
        if client is not None:
            self._of_clients[client.name] += 1
        try:
            yield looks
        finally:
            if client is not None:
                self._of_clients[client.name] -= 1
            looks.followers -= 1
            if not looks.followers:
                self._looks.pop(registration.job_id, None)

    def check_room(self) -> None:
        """Raise TooManyFollowersError or TooManyOwnFollowersError when no further follower can be served."""
        if self.followers >= self.most_followers:
            raise TooManyFollowersError
        client = current_caller.get().client
        if client is not None and self._of_clients[client.name] >= self.most_of_client:
            raise TooManyOwnFollowersError(client.name, self.most_of_client)

    @property
    def followers(self) -> int:
        """How many follow a job here, or wait for its end."""
        return sum(looks.followers for looks in self._looks.values())

    def _make_looks(self, registration: Registration) -> JobLooks:
        # A follower alone never looks earlier than after `quick`: it always sees what is new.
        return JobLooks(self.journal, self.clock, registration, self.quick * 0.8, self.line_every)

    async def _follow(self, follower: "_Follower") -> AsyncIterator[bytes]:
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

    looks: JobLooks
    #: Number of the last event that was sent.
    after: int
    has_seen_the_end: bool = False
    _report: ProgressReport | None = None

    async def look(self) -> list[bytes]:
        """Return what is new since the last look. Raises UnknownOutcomeError; then nothing counts as sent."""
        seen = await self.looks.look(self.after)
        report = _report(seen.job, seen.place)
        sent = [] if report == self._report else [_progress(report)]
        sent += [_event(event) for event in seen.events]
        self._report = report
        self.after = max([self.after, *(event.seq for event in seen.events)])
        self.has_seen_the_end = seen.job.is_terminal and self.after >= seen.job.seq
        return sent


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
