"""Accepts jobs, whether they come over HTTP, in a message or from another queue.

`SubmissionService` checks a submission against its kind and puts the job in its lock's line.
`read_submission` reads one from JSON, and `read_cancellation` the body of a cancellation. `Patience` repeats
a submission while the storage does not answer, for callers that can wait.
"""

from submission.actors import ActorError, usable_actor
from submission.errors import IdempotencyKeyError, InvalidSubmissionError, SubmissionUnknownError
from submission.fields import FieldProblem
from submission.kinds import KnownKinds
from submission.patience import Patience
from submission.reading import read_batch, read_cancellation, read_submission, submission_of
from submission.service import Acceptance, SubmissionService

__all__ = [
    "Acceptance",
    "ActorError",
    "FieldProblem",
    "IdempotencyKeyError",
    "InvalidSubmissionError",
    "KnownKinds",
    "Patience",
    "SubmissionService",
    "SubmissionUnknownError",
    "read_batch",
    "read_cancellation",
    "read_submission",
    "submission_of",
    "usable_actor",
]
