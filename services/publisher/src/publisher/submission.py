"""Use case: accept a job, from whatever side it comes."""

from dataclasses import dataclass

from contracts.identifiers import new_id
from contracts.jobs import Submission
from coordination.clients.submission import NewJob, Submitter
from coordination.journal.rows import JobRow
from coordination.ports import CoordinationError, UnknownOutcomeError
from publisher.kinds import KnownKinds
from publisher.strict_json import canonical


class NotConfirmedError(CoordinationError):
    """The storage did not say whether it has the job."""

    def __init__(self, job_id: str) -> None:
        super().__init__()
        #: Repeating the submission with this id cannot run the job twice.
        self.job_id = job_id


@dataclass(frozen=True)
class SubmissionService:
    """Accepts jobs."""

    submitter: Submitter
    kinds: KnownKinds

    async def accept(self, asked: Submission, actor: str, traceparent: str) -> JobRow:
        """Check a submission against its kind and put it in line.

        Raises InvalidFieldsError for an unknown kind or wrong parameters, JobExistsError, NotConfirmedError,
        and InvalidTransactionError for what could never be stored.
        """
        job_id = asked.job_id or new_id()
        try:
            await self.kinds.check(asked.kind, asked.parameters)
            return await self.submitter.submit(_new_job(asked, job_id, actor, traceparent))
        except UnknownOutcomeError as error:
            raise NotConfirmedError(job_id) from error


def _new_job(asked: Submission, job_id: str, actor: str, traceparent: str) -> NewJob:
    return NewJob(
        job_id=job_id,
        order=new_id(),
        kind=asked.kind,
        lock_name=asked.lock,
        parameters=canonical(asked.parameters),
        actor=actor,
        name=asked.name,
        description=asked.description,
        priority=asked.priority,
        properties=canonical(asked.properties),
        traceparent=traceparent,
    )
