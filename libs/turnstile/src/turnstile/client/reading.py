"""Reading answers: what they contain, or which error they stand for."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import httpx
from httpx_sse import SSEError
from pydantic import BaseModel, TypeAdapter, ValidationError

from contracts.field_words import in_words
from turnstile.client.errors import UnavailableError, UnexpectedAnswerError, WrongResultError, error_of

T = TypeVar("T")
ModelT = TypeVar("ModelT", bound=BaseModel)


def checked(response: httpx.Response) -> httpx.Response:
    """Return an answer that is a success. Raises ClientError for any other."""
    if response.is_success:
        return response
    problem = _json(response)
    if not isinstance(problem, dict) or "detail" not in problem:
        raise _unexpected(response)
    raise error_of(response.status_code, problem, retry_after(response))


def document(response: httpx.Response) -> Any:
    """Return the JSON of an answer. Raises UnexpectedAnswerError when it is none."""
    found = _json(response)
    if found is None:
        raise _unexpected(response)
    return found


def read(model: type[ModelT], found: Any) -> ModelT:
    """Return what an answer contains. Raises UnexpectedAnswerError when it is something else."""
    try:
        return model.model_validate(found)
    except ValidationError as error:
        wrong = error.errors()[0]
        place = ".".join(map(str, wrong["loc"])) or "the answer"
        raise UnexpectedAnswerError(_not_ours(f"{place} {in_words(wrong)}")) from error


def part(found: Any, name: str) -> Any:
    """Return a field of an answer. Raises UnexpectedAnswerError when there is none."""
    if not isinstance(found, Mapping) or name not in found:
        raise UnexpectedAnswerError(_not_ours(f"it has no {name}"))
    return found[name]


def items_of(model: type[ModelT], page: Any) -> list[ModelT]:
    """Return the items of a page, or of a batch. Raises UnexpectedAnswerError."""
    items = part(page, "items")
    if not isinstance(items, list):
        raise UnexpectedAnswerError(_not_ours("items must be a list"))
    return [read(model, item) for item in items]


def result_of(job_id: str, shape: TypeAdapter[T], result: Any) -> T:
    """Return a result as a type. Raises WrongResultError."""
    try:
        return shape.validate_python(result)
    except ValidationError as error:
        wrong = error.errors()[0]
        place = ".".join(["result", *map(str, wrong["loc"])])
        message = f"Job {job_id} has completed, but its result is not as as_ says: {place} {in_words(wrong)}."
        raise WrongResultError(message, result) from error


def retry_after(response: httpx.Response, otherwise: float = 0) -> float:
    """Return the seconds after which it is worth asking again, as the answer says, or `otherwise`."""
    text = response.headers.get("Retry-After", "").strip()
    try:
        return max(0.0, float(text) if text else otherwise)
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return otherwise


def no_answer(failure: httpx.RequestError) -> UnavailableError:
    """Return the error that stands for a request without an answer."""
    url = failure.request.url
    error: UnavailableError
    if not isinstance(failure, httpx.TransportError):
        error = UnexpectedAnswerError(f"The answer of {url} cannot be read: {failure}.")
    elif isinstance(failure, httpx.TimeoutException):
        error = UnavailableError(f"{url} did not answer in time.")
    else:
        error = UnavailableError(f"No answer from {url}: {failure or type(failure).__name__}.")
    error.__cause__ = failure
    return error


@contextmanager
def clear_errors() -> Iterator[None]:
    """Raise UnavailableError for whatever breaks a stream."""
    try:
        yield
    except httpx.RequestError as failure:
        raise no_answer(failure) from failure
    except SSEError as failure:
        message = "This address sends no stream of Turnstile; check the address of the publisher."
        raise UnexpectedAnswerError(message) from failure


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None


def _not_ours(why: str) -> str:
    return (
        f"The answer is not one of Turnstile, or of a later release: {why}; check the address of the "
        "publisher, and whether turnstile[client] is older than it."
    )


def _unexpected(response: httpx.Response) -> UnexpectedAnswerError:
    message = (
        f"{response.url} answered {response.status_code}, but not like Turnstile; "
        "check the address of the publisher."
    )
    return UnexpectedAnswerError(message, status=response.status_code, retry_after=retry_after(response))
