"""Use case: cancel a job."""

from dataclasses import dataclass
from typing import Protocol

from contracts.messages import Hint
from contracts.statuses import JobStatus
from coordination.clients.cancellation import Canceller
from coordination.journal.rows import JobRow
from publisher.use_cases.finding import JobFinder
from publisher.use_cases.jobs import find_job


class Hints(Protocol):
    """Sends hints to workers."""

    async def hint(self, hint: Hint) -> None:
        """Send every worker a hint. Never fails: a lost hint costs time only."""


@dataclass(frozen=True)
class Cancelling:
    """Cancels jobs."""

    register: JobFinder
    canceller: Canceller
    hints: Hints

    async def cancel(self, job_id: str, actor: str, reason: str = "") -> JobRow:
        """End a waiting job, or ask its worker to stop a running one, and return the job as it is now.

        Raises NoSuchJobError, CancelTooLateError or UnknownOutcomeError.
        """
        job = await self.canceller.cancel(await find_job(self.register, job_id), actor, reason)
        if job.status == JobStatus.RUNNING:
            await self.hasten(job)
        return job

    async def hasten(self, job: JobRow) -> None:
        """Hint at the request to cancel a running job, which its worker would find a few seconds later."""
        await self.hints.hint(Hint(what="cancel_requested", lock=job.lock_name, job_id=job.job_id))
