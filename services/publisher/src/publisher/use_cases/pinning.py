"""Use case: pin a job, or unpin it."""

from dataclasses import dataclass

from coordination.clients.pinning import Pinner
from coordination.journal.rows import JobRow
from coordination.ports import JobRegister
from publisher.use_cases.jobs import find_job


@dataclass(frozen=True)
class Pinning:
    """Pins and unpins jobs. Raises NoSuchJobError, JobRemovedError, CannotPinError or UnknownOutcomeError."""

    register: JobRegister
    pinner: Pinner

    async def pin(self, job_id: str, actor: str, reason: str = "") -> JobRow:
        """Record that a job stays until it is unpinned, and return the job as it is now."""
        return await self.pinner.pin(await find_job(self.register, job_id), actor, reason)

    async def unpin(self, job_id: str, actor: str, reason: str = "") -> JobRow:
        """Record that a job may go when its time is over, and return the job as it is now."""
        return await self.pinner.unpin(await find_job(self.register, job_id), actor, reason)
