"""Accepting a job."""

from dataclasses import dataclass

from contracts.identifiers import new_id
from contracts.jobs import Submission
from contracts.policies import JobPolicy
from contracts.strict_json import canonical
from coordination.clients.submission import NewJob, Submitter
from coordination.journal.rows import JobRow
from coordination.ports import UnknownOutcomeError
from submission.actors import ActorError, usable_actor
from submission.errors import InvalidSubmissionError, SubmissionUnknownError
from submission.fields import FieldProblem
from submission.kinds import KnownKinds


@dataclass(frozen=True)
class SubmissionService:
    """Accepts jobs."""

    submitter: Submitter
    kinds: KnownKinds

    async def accept(
        self, asked: Submission, actor: str, traceparent: str, order: str | None = None
    ) -> JobRow:
        """Check a submission against its kind and put it in line, at a place by `order` or at the end.

        Raises InvalidSubmissionError for an unusable actor, an unknown kind or wrong parameters,
        JobExistsError, SubmissionUnknownError, and InvalidTransactionError for what could never be stored.
        """
        try:
            actor = usable_actor(actor)
        except ActorError as error:
            raise InvalidSubmissionError([FieldProblem(field="actor", message=str(error))]) from None
        job_id = asked.job_id or new_id()
        try:
            policy = await self.kinds.check(asked.kind, asked.parameters)
            return await self.submitter.submit(
                _new_job(asked, job_id, order or new_id(), actor, traceparent, policy)
            )
        except UnknownOutcomeError as error:
            raise SubmissionUnknownError(job_id) from error


def _new_job(
    asked: Submission, job_id: str, order: str, actor: str, traceparent: str, policy: JobPolicy
) -> NewJob:
    return NewJob(
        job_id=job_id,
        order=order,
        kind=asked.kind,
        lock_name=asked.lock,
        parameters=canonical(asked.parameters),
        actor=actor,
        name=asked.name,
        description=asked.description,
        priority=asked.priority,
        properties=canonical(asked.properties),
        traceparent=traceparent,
        policy=policy,
    )
