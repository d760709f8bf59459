"""The header Idempotency-Key: a caller's own name for a request, so that it can be repeated."""

from typing import Annotated

from fastapi import Header

from contracts.jobs import IdempotencyKeyText, Submission
from publisher.http.problems import KEY_HEADER, invalid_fields
from submission import FieldProblem

IdempotencyKey = Annotated[
    IdempotencyKeyText | None,
    Header(
        alias=KEY_HEADER,
        description="Your own name for this request: 1 to 200 visible ASCII characters. The same request "
        "with the same key is answered with the same job, and status 200; another request with it is refused "
        "with 422. A key counts for as long as its job is known, and each `X-Actor` has its own keys.",
    ),
]


def with_key(asked: Submission, key: str | None) -> Submission:
    """Return a submission with the key of its header. Raises ProblemError when its body has another."""
    if key is None:
        return asked
    return asked.model_copy(update={"idempotency_key": the_key(asked.idempotency_key, key)})


def the_key(in_body: str | None, in_header: str | None) -> str | None:
    """Return the key that a request has in its body or its header. Raises ProblemError when they differ."""
    if in_body is not None and in_header not in {None, in_body}:
        message = "differs from idempotency_key in the body; send one of them"
        raise invalid_fields([FieldProblem(field=KEY_HEADER, message=message)])
    return in_header if in_body is None else in_body
