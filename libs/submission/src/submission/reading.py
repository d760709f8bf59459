"""Reading what callers send as JSON."""

from typing import TypeVar

from pydantic import BaseModel, JsonValue, ValidationError

from contracts import strict_json
from contracts.actions import Cancellation, Finalization, LimitChange, Pinning, Retry, WorkerOrder
from contracts.jobs import Batch, Submission
from submission.errors import InvalidSubmissionError
from submission.fields import field_problems

ModelT = TypeVar("ModelT", bound=BaseModel)


def read_submission(raw: bytes) -> Submission:
    """Return the submission that a JSON document contains.

    Raises StrictJsonError when it is not JSON, and InvalidSubmissionError for wrong fields.
    """
    return read_document(raw, Submission)


def read_batch(raw: bytes) -> list[dict[str, JsonValue]]:
    """Return the submissions that a JSON document contains, for `submission_of` to read one by one.

    Raises StrictJsonError when it is not JSON, and InvalidSubmissionError when it is no batch.
    """
    # Each job may be nested as deeply as one alone, within the object and its list.
    return _validated(strict_json.parse(raw, strict_json.MAX_DEPTH + 2), Batch).jobs


def submission_of(document: dict[str, JsonValue]) -> Submission:
    """Return the submission that one document of a batch is. Raises InvalidSubmissionError."""
    return _validated(document, Submission)


def read_cancellation(raw: bytes) -> Cancellation:
    """Return the cancellation that a JSON document contains; one without a reason for none, and for null.

    Raises StrictJsonError when it is not JSON, and InvalidSubmissionError for wrong fields.
    """
    return read_optional(raw, Cancellation)


def read_finalization(raw: bytes) -> Finalization:
    """Return the finalization that a JSON document contains; one without a reason for none, and for null.

    Raises StrictJsonError when it is not JSON, and InvalidSubmissionError for wrong fields.
    """
    return read_optional(raw, Finalization)


def read_pinning(raw: bytes) -> Pinning:
    """Return what a JSON document says of pinning a job; one without a reason for none, and for null.

    Raises StrictJsonError when it is not JSON, and InvalidSubmissionError for wrong fields.
    """
    return read_optional(raw, Pinning)


def read_worker_order(raw: bytes) -> WorkerOrder:
    """Return the order to a worker that a JSON document contains.

    Raises StrictJsonError when it is not JSON, and InvalidSubmissionError for wrong fields.
    """
    return read_document(raw, WorkerOrder)


def read_limit(raw: bytes) -> LimitChange:
    """Return the limit of a lock that a JSON document contains.

    Raises StrictJsonError when it is not JSON, and InvalidSubmissionError for wrong fields.
    """
    return read_document(raw, LimitChange)


def read_retry(raw: bytes) -> Retry:
    """Return the retry that a JSON document contains; one that changes nothing for none, and for null.

    Raises StrictJsonError when it is not JSON, and InvalidSubmissionError for wrong fields.
    """
    return read_optional(raw, Retry)


def read_optional(raw: bytes, model: type[ModelT]) -> ModelT:
    """Return what a JSON document contains whose fields are all optional; nothing of them for none, and null.

    Raises StrictJsonError when it is not JSON, and InvalidSubmissionError for wrong fields.
    """
    # Some generated clients send null where the caller gave them no body.
    document = strict_json.parse(raw) if raw else None
    return _validated({} if document is None else document, model)


def read_document(raw: bytes, model: type[ModelT]) -> ModelT:
    """Return what a JSON document contains.

    Raises StrictJsonError when it is not JSON, and InvalidSubmissionError for wrong fields.
    """
    return _validated(strict_json.parse(raw), model)


def _validated(document: object, model: type[ModelT]) -> ModelT:
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise InvalidSubmissionError(field_problems(list(error.errors()), model=model)) from None
