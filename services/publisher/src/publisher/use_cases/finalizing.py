"""Use case: finalize a job."""

from dataclasses import dataclass

from coordination.clients.finalizing import Finalizer
from coordination.clients.job_writer import Recorded
from coordination.ports import JobRegister
from publisher.use_cases.jobs import find_job


@dataclass(frozen=True)
class Finalizing:
    """Finalizes jobs."""

    register: JobRegister
    finalizer: Finalizer

    async def finalize(self, job_id: str, actor: str, reason: str = "") -> Recorded:
        """Record that a job needs no attention, and return the job as it is now.

        Raises NoSuchJobError, JobRemovedError, CannotFinalizeError or UnknownOutcomeError.
        """
        return await self.finalizer.finalize(await find_job(self.register, job_id), actor, reason)
