"""Reading what callers send as JSON."""

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from contracts import strict_json
from contracts.jobs import Cancellation, Submission
from submission.errors import InvalidSubmissionError
from submission.fields import field_problems

ModelT = TypeVar("ModelT", bound=BaseModel)


def read_submission(raw: bytes) -> Submission:
    """Return the submission that a JSON document contains.

    Raises StrictJsonError when it is not JSON, and InvalidSubmissionError for wrong fields.
    """
    return _read(raw, Submission)


def read_cancellation(raw: bytes) -> Cancellation:
    """Return the cancellation that a JSON document contains; one without a reason for an empty document.

    Raises StrictJsonError when it is not JSON, and InvalidSubmissionError for wrong fields.
    """
    return _read(raw, Cancellation) if raw else Cancellation()


def _read(raw: bytes, model: type[ModelT]) -> ModelT:
    document = strict_json.parse(raw)
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise InvalidSubmissionError(field_problems(list(error.errors()))) from None
