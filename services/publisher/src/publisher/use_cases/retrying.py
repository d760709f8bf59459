"""Use case: retry a job."""

from collections.abc import Callable
from dataclasses import dataclass

from contracts.actions import Retry
from contracts.jobs import Submission
from coordination.clients.job_writer import Recorded
from coordination.ports import JobRegister
from publisher.use_cases.jobs import find_job
from submission import RetryService


@dataclass(frozen=True)
class Retrying:
    """Retries jobs."""

    register: JobRegister
    retries: RetryService

    async def retry(
        self, job_id: str, asked: Retry, actor: str, traceparent: str, asks: Callable[[Submission], None]
    ) -> Recorded:
        """Submit a job again that did not complete, and return the new job as it is now.

        `asks` is given the new submission once it is known. Raises what `RetryService.accept` raises.
        """
        old = await find_job(self.register, job_id)
        wanted = await self.retries.look(old, asked)
        asks(wanted)
        return await self.retries.accept(old, asked, wanted, actor, traceparent)
