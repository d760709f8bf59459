"""Accepting a job."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue

from contracts.identifiers import id_of_key, new_id
from contracts.jobs import Submission
from contracts.policies import JobPolicy
from contracts.strict_json import canonical
from coordination.clients.conflicts import AlreadyThereError
from coordination.clients.submission import JobExistsError, NewJob, Submitter
from coordination.journal.rows import JobRow
from coordination.ports import UnknownOutcomeError
from submission.actors import ActorError, usable_actor
from submission.errors import IdempotencyKeyError, InvalidSubmissionError, SubmissionUnknownError
from submission.fields import FieldProblem
from submission.kinds import KnownKinds


@dataclass(frozen=True)
class Acceptance:
    """The job of an accepted submission."""

    job: JobRow
    #: Whether this submission added it, an earlier one did that had the same idempotency key, or the lock had
    #: this other job already and the submission was to be skipped then.
    outcome: Literal["accepted", "repeated", "skipped"] = "accepted"

    @property
    def is_new(self) -> bool:
        """Whether this submission added it."""
        return self.outcome == "accepted"


@dataclass(frozen=True)
class SubmissionService:
    """Accepts jobs."""

    submitter: Submitter
    kinds: KnownKinds
    #: Hastens the request to stop that a running job was given.
    hasten: Callable[[JobRow], Awaitable[None]] | None = None

    async def accept(
        self, asked: Submission, actor: str, traceparent: str, order: str | None = None
    ) -> Acceptance:
        """Check a submission against its kind and put it in line, at a place by `order` or at the end.

        Raises InvalidSubmissionError for an unusable actor, an unknown kind, wrong parameters, parameters of
        which its kind cannot make the lock that it does not name, or an id and a key together. Raises
        JobExistsError, IdempotencyKeyError, SubmissionUnknownError, and InvalidTransactionError for what
        could never be stored. Where the submission, or its kind, says so, raises LockBusyError or
        TooManyWaitingError.
        """
        try:
            actor = usable_actor(actor)
        except ActorError as error:
            raise InvalidSubmissionError([FieldProblem(field="actor", message=str(error))]) from None
        key = asked.idempotency_key
        if key is not None and asked.job_id is not None:
            message = "cannot be used together with job_id; leave one of them out"
            raise InvalidSubmissionError([FieldProblem(field="idempotency_key", message=message)])
        # The id of the key is the key's only record: no further request finds its job.
        job_id = asked.job_id or (new_id() if key is None else id_of_key(actor, key))
        try:
            policy = await self.kinds.check(asked.kind, asked.parameters)
            if "lock" not in asked.model_fields_set:
                asked = asked.model_copy(update={"lock": self.kinds.lock_of(asked.kind, asked.parameters)})
            submitted = await self.submitter.submit(
                new_job(asked, job_id, order or new_id(), actor, traceparent, policy)
            )
        except UnknownOutcomeError as error:
            raise SubmissionUnknownError(job_id, key) from error
        except JobExistsError as error:
            if key is None:
                raise
            if error.job is None or not error.same_request:
                raise IdempotencyKeyError(key, error) from error
            return Acceptance(error.job, "repeated")
        except AlreadyThereError as error:
            return Acceptance(error.job, "skipped")
        if submitted.stopping is not None and self.hasten is not None:
            await self.hasten(submitted.stopping)
        return Acceptance(submitted.job)


def new_job(
    asked: Submission, job_id: str, order: str, actor: str, traceparent: str, policy: JobPolicy
) -> NewJob:
    """Return what a submission asks for as the protocol takes it."""
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
        expires_in=policy.expires_in if asked.expires_in is None else asked.expires_in,
        timeout=asked.timeout,
        cancel_grace=asked.cancel_grace,
        on_conflict=asked.on_conflict or policy.on_conflict,
        has_new_id=asked.job_id is None and asked.idempotency_key is None,
        options=canonical(_options(asked)),
    )


def _options(asked: Submission) -> dict[str, JsonValue]:
    """Return what a submission asks for beyond what every submission does."""
    options: dict[str, JsonValue] = {
        "expires_in": asked.expires_in,
        "on_conflict": asked.on_conflict,
        "timeout": asked.timeout,
        "cancel_grace": asked.cancel_grace,
    }
    return {name: value for name, value in options.items() if value is not None}
