"""Why a submission is not accepted."""

from coordination.clients.submission import JobExistsError
from submission.fields import FieldProblem, summary


class SubmissionError(Exception):
    """A submission is not accepted."""


class InvalidSubmissionError(SubmissionError):
    """Fields of the submission are wrong: it can never be accepted."""

    def __init__(self, fields: list[FieldProblem], known_kinds: list[str] | None = None) -> None:
        super().__init__(summary(fields))
        self.fields = fields
        #: The kinds that workers know, when the submission names another one.
        self.known_kinds = known_kinds


class IdempotencyKeyError(SubmissionError):
    """The idempotency key cannot be used for this submission."""

    def __init__(self, key: str, exists: JobExistsError) -> None:
        job_id = exists.existing.job_id
        reason = (
            f"names job {job_id}, which has ended and was removed; it does not run again"
            if exists.is_removed and exists.same_request
            else "belongs to a request that never arrived and was closed"
            if exists.is_closed
            else f"was used for another request, that of job {job_id}"
        )
        #: Why, without the key.
        self.reason = f"{reason}; use a new key for a new request"
        super().__init__(f"idempotency key {key!r} {self.reason}")
        self.key = key
        self.exists = exists


class SubmissionUnknownError(SubmissionError):
    """The storage did not answer: the job is submitted or not."""

    def __init__(self, job_id: str, idempotency_key: str | None = None) -> None:
        super().__init__("the storage does not answer")
        #: Repeating the submission with this id cannot run the job twice.
        self.job_id = job_id
        #: Nor can it with this key, where the submission has one.
        self.idempotency_key = idempotency_key
