"""Use case: return what a job's handler returned, and wait for it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from contracts.following import JobResult
from contracts.jobs import Accepted
from contracts.statuses import JobStatus
from coordination.journal.rows import JobRow
from coordination.ports import Clock, JobRegister, Journal, Registration
from publisher.use_cases.documents import accepted, moment
from publisher.use_cases.jobs import find_job, read_job, read_result
from publisher.use_cases.stream import JobStream

#: Tells whether the caller no longer waits for the answer.
IsGone = Callable[[], Awaitable[bool]]


class NoResultError(Exception):
    """The job ended without a result."""

    def __init__(self, job: JobRow) -> None:
        super().__init__(f"job {job.job_id} ended without a result: {job.status}")
        self.job = job


async def _never() -> bool:
    return False


@dataclass(frozen=True)
class JobResults:
    """Returns results. Those who wait for one job share what they see of it with its followers."""

    journal: Journal
    register: JobRegister
    clock: Clock
    stream: JobStream

    async def get(self, job_id: str, wait: float = 0, is_gone: IsGone = _never) -> JobResult | Accepted:
        """Return the result; or the job, if it has not ended after `wait` seconds.

        The wait also ends when the server stops, or the caller has gone. Raises NoResultError,
        TooManyFollowersError, NoSuchJobError or UnknownOutcomeError.
        """
        registration = await find_job(self.register, job_id)
        if wait:
            job = await self._wait(registration, wait, is_gone)
        else:
            job = await read_job(self.journal, registration)
        finished_at = moment(job.finished_at)
        if not job.is_terminal or finished_at is None:
            return accepted(job, is_new=False)
        if job.status != JobStatus.COMPLETED:
            raise NoResultError(job)
        result = await read_result(self.journal, registration.partition, job)
        return JobResult(
            job_id=job.job_id, status=JobStatus(job.status), result=result, finished_at=finished_at
        )

    async def _wait(self, registration: Registration, seconds: float, is_gone: IsGone) -> JobRow:
        """Look at a job until it has ended, at most for some seconds, and return it as it was last seen."""
        self.stream.check_room()
        until = self.clock.boot() + seconds
        pause = self.stream.quick
        with self.stream.followed(registration) as looks:
            while True:
                job = await looks.see()
                left = until - self.clock.boot()
                if job.is_terminal or left <= 0 or self.stream.is_stopping() or await is_gone():
                    return job
                await self.clock.sleep(min(pause, left))
                pause = min(pause * 1.2, self.stream.slow)
