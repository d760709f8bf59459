"""Reading a submission from JSON."""

from pydantic import ValidationError

from contracts import strict_json
from contracts.jobs import Submission
from submission.errors import InvalidSubmissionError
from submission.fields import field_problems


def read_submission(raw: bytes) -> Submission:
    """Return the submission that a JSON document contains.

    Raises StrictJsonError when it is not JSON, and InvalidSubmissionError for wrong fields.
    """
    document = strict_json.parse(raw)
    try:
        return Submission.model_validate(document)
    except ValidationError as error:
        raise InvalidSubmissionError(field_problems(list(error.errors()))) from None
