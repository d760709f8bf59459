"""Reading answers: what they contain, or which error they stand for."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
from httpx_sse import SSEError

from turnstile.client.errors import UnavailableError, UnexpectedAnswerError, error_of


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


def no_answer(failure: httpx.TransportError) -> UnavailableError:
    """Return the error that stands for a request without an answer."""
    url = failure.request.url
    if isinstance(failure, httpx.TimeoutException):
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
    except httpx.TransportError as failure:
        raise no_answer(failure) from failure
    except SSEError as failure:
        message = "This address sends no stream of Turnstile; check the address of the publisher."
        raise UnexpectedAnswerError(message) from failure


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None


def _unexpected(response: httpx.Response) -> UnexpectedAnswerError:
    message = (
        f"{response.url} answered {response.status_code}, but not like Turnstile; "
        "check the address of the publisher."
    )
    return UnexpectedAnswerError(message, status=response.status_code, retry_after=retry_after(response))
