"""Finding jobs, as far as they exist for the caller."""

from dataclasses import dataclass
from typing import Protocol

from coordination.ports import JobRegister, Registration
from publisher.access.caller import current_caller


class JobFinder(Protocol):
    """Looks up where jobs live."""

    async def find(self, job_id: str) -> Registration | None:
        """Return where a job lives; None when there is none. Raises UnknownOutcomeError."""


@dataclass(frozen=True)
class CallersJobs:
    """Finds the jobs of the locks that the caller may use. Others do not exist for it.

    Ids are as good as secret, and this tells no one who guesses one that it is in use.
    """

    register: JobRegister

    async def find(self, job_id: str) -> Registration | None:
        """Return where a job lives; None when there is none for the caller. Raises UnknownOutcomeError."""
        found = await self.register.find(job_id)
        return found if found is not None and current_caller.get().may_use(found.lock_name) else None
