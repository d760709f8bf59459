"""Retrying by hand a job that did not complete."""

import json
from dataclasses import dataclass

from contracts.actions import Retry
from contracts.identifiers import new_id
from contracts.jobs import Submission
from coordination.clients.job_writer import Recorded
from coordination.clients.retrying import OldJob, Retrier
from coordination.clients.submission import RetryOf
from coordination.ports import Registration
from submission.kinds import KnownKinds
from submission.service import new_job


@dataclass(frozen=True)
class RetryService:
    """Retries jobs."""

    retrier: Retrier
    kinds: KnownKinds

    async def look(self, old: Registration, asked: Retry) -> Submission:
        """Return the submission that a retry of this job is.

        Raises CannotRetryError, NoSuchJobError, JobRemovedError or UnknownOutcomeError.
        """
        return _submission(await self.retrier.look(old), asked)

    async def accept(
        self, old: Registration, asked: Retry, wanted: Submission, actor: str, traceparent: str
    ) -> Recorded:
        """Check the parameters against the kind and put the retry in line, at the end; return the new job.

        `wanted` is what `look` returned. The same request again, under any id, returns the same job. Raises
        what `look` raises, InvalidSubmissionError for wrong parameters, RetriedAlreadyError,
        HistoryRemovedError, JobExistsError, and InvalidTransactionError for what could never be stored.
        """
        policy = await self.kinds.check(wanted.kind, wanted.parameters)
        new = new_job(wanted, wanted.job_id or new_id(), new_id(), actor, traceparent, policy)
        return await self.retrier.retry(old, new, RetryOf(old.job_id, asked.reason, asked.fresh))


def _submission(old: OldJob, asked: Retry) -> Submission:
    job = old.job
    return Submission(
        kind=job.kind,
        lock=job.lock_name,
        parameters=json.loads(old.parameters) | asked.parameters,
        name=job.name,
        description=job.description,
        priority=job.priority,
        job_id=asked.job_id,
        properties=json.loads(job.properties),
        timeout=job.timeout,
        cancel_grace=job.cancel_grace,
    )
