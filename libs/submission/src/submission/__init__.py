"""Accepts jobs, whether they come over HTTP, in a message or from another queue.

`SubmissionService` checks a submission against its kind and puts the job in its lock's line. `RetryService`
submits a job again that did not complete. `read_submission` reads a submission from JSON, and
`read_cancellation`, `read_finalization`, `read_limit`, `read_pinning` and `read_retry` read the bodies of
those requests, `read_document` and `read_optional` those of others. `Patience`
repeats a submission while the storage does not answer, for callers that can wait.
"""

from submission.actors import ActorError, caller
from submission.errors import IdempotencyKeyError, InvalidSubmissionError, SubmissionUnknownError
from submission.fields import FieldProblem
from submission.kinds import KnownKinds
from submission.patience import Patience
from submission.reading import (
    read_batch,
    read_cancellation,
    read_document,
    read_finalization,
    read_limit,
    read_optional,
    read_pinning,
    read_retry,
    read_submission,
    read_worker_order,
    submission_of,
)
from submission.retrying import RetryService
from submission.service import Acceptance, SubmissionService

__all__ = [
    "Acceptance",
    "ActorError",
    "FieldProblem",
    "IdempotencyKeyError",
    "InvalidSubmissionError",
    "KnownKinds",
    "Patience",
    "RetryService",
    "SubmissionService",
    "SubmissionUnknownError",
    "caller",
    "read_batch",
    "read_cancellation",
    "read_document",
    "read_finalization",
    "read_limit",
    "read_optional",
    "read_pinning",
    "read_retry",
    "read_submission",
    "read_worker_order",
    "submission_of",
]
