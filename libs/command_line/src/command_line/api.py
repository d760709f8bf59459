"""The HTTP API as the commands use it: answers as plain JSON, errors as one sentence with an exit code."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self

import httpx

from command_line.exit_codes import BY_STATUS, NOT_ENDED, UNREACHABLE, USAGE
from turnstile.client import (
    Client,
    ClientError,
    InvalidArgumentError,
    NoResultError,
    NotEndedError,
    UnavailableError,
    UnexpectedAnswerError,
)
from turnstile.client.calls import job_path

#: Seconds after which a command that follows a job, or waits for it, gives up a publisher that is away.
_PATIENCE_SECONDS = 60.0

#: Seconds between two looks at how far a job is for whose end a command waits.
_SHOW_EVERY = 2.0

#: Most items that the API returns at once.
LARGEST_PAGE = 200


#: Takes a job, as it is now, to show it.
Show = Callable[[Mapping[str, Any]], None]


class ApiError(Exception):
    """The API did not do what was asked; the text is a sentence for people."""

    def __init__(self, sentence: str, exit_code: int, problem: Mapping[str, Any] | None = None) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code
        #: The problem document, or one made up when there was no answer.
        self.problem = dict(problem or {"title": "No answer", "detail": sentence})


@dataclass(frozen=True)
class Listing:
    """The first items of a list, or all."""

    items: list[Any]
    has_more: bool


class Api:
    """A connection to a publisher."""

    def __init__(self, url: str, *, actor: str = "", transport: httpx.BaseTransport | None = None) -> None:
        self.url = url.rstrip("/")
        self._actor = actor
        self._transport = transport
        self._client = self._connect(repeats=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def get(self, path: str, **question: Any) -> Any:
        """Ask a question."""
        with self._clear_errors():
            return self._client.request("GET", path, query=question)

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Ask for something to be done."""
        return self.ask("POST", path, body)

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None, **question: Any) -> Any:
        """Ask for something to be done, by any method."""
        with self._clear_errors():
            return self._client.request(method, path, query=question, body=body)

    def ask_twice(self, method: str, path: str, body: Mapping[str, Any]) -> Any:
        """Ask for what may be asked for twice; once more when no answer comes."""
        return _twice(lambda: self.ask(method, path, body))

    def put(self, path: str, body: Mapping[str, Any]) -> Any:
        """Set something."""
        with self._clear_errors():
            return self._client.request("PUT", path, body=body)

    def result(self, job_id: str, seconds: float | None, show: Show | None = None) -> Any:
        """Wait for the end of a job, and return its result; for as long as it takes if `seconds` is None.

        In the meantime `show` gets the job now and then. The exit code of the error is how the job ended, or
        NOT_ENDED.
        """
        until = math.inf if seconds is None else time.monotonic() + seconds
        with self._clear_errors(), self._connect(repeats=True) as client:
            while show is not None and until - time.monotonic() > _SHOW_EVERY:
                try:
                    return client.result(job_id, timeout=_SHOW_EVERY)
                except NotEndedError:
                    show(client.request("GET", job_path(job_id)))
            left = None if seconds is None else max(0, until - time.monotonic())
            return client.result(job_id, timeout=left)

    def items(self, path: str) -> list[Any]:
        """Return all items of a list."""
        return self.listing(path).items

    def listing(self, path: str, limit: int | None = None, **question: Any) -> "Listing":
        """Return the first `limit` items of a list, or all, page by page."""
        found: list[Any] = []
        cursor = None
        while True:
            left = None if limit is None else min(limit - len(found), LARGEST_PAGE)
            page = self.get(path, limit=left, cursor=cursor, **question)
            found += page["items"]
            cursor = page["next"]
            if cursor is None or (limit is not None and len(found) >= limit):
                return Listing(found, has_more=cursor is not None)

    def submit(self, body: Mapping[str, Any]) -> Any:
        """Submit a job with an id or a key; when no answer comes, once more, which cannot run it twice.

        `existing` of the answer says whether the job was there before this command.
        """
        return _twice(lambda: self._submit(body), _as_new)

    def submit_batch(self, jobs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Submit jobs with ids or keys; return the answer to each. Sent once more when no answer comes."""
        items: list[dict[str, Any]] = _twice(lambda: self.post("/api/v1/jobs:batch", {"jobs": jobs}))["items"]
        return items

    def retry(self, path: str, body: Mapping[str, Any]) -> Any:
        """Retry a job; when no answer comes, once more, which cannot retry it twice.

        `existing` of the answer says whether the job was retried before this command.
        """
        return _twice(lambda: self.post(path, body), _as_new)

    def finalize(self, job_id: str, reason: str) -> Any:
        """Finalize a job, and return it; `existing` says whether it was finalized before."""
        body = {"reason": reason} if reason else None
        with self._clear_errors():
            status, job = self._client.exchange("POST", job_path(job_id, "/finalize"), body=body)
        return job | {"existing": status == HTTPStatus.OK}

    def pin(self, job_id: str, reason: str) -> Any:
        """Pin a job, and return it; harmless when repeated."""
        return self.post(job_path(job_id, "/pin"), {"reason": reason} if reason else None)

    def unpin(self, job_id: str, reason: str) -> Any:
        """Unpin a job, and return it; harmless when repeated."""
        return self.post(job_path(job_id, "/unpin"), {"reason": reason} if reason else None)

    def _submit(self, body: Mapping[str, Any]) -> Any:
        try:
            return self.post("/api/v1/jobs", body)
        except ApiError as error:
            if error.problem.get("same_request"):
                return self.get(job_path(error.problem["job_id"])) | {"existing": True}
            raise

    def follow(self, job_id: str) -> Iterator[tuple[str, Any]]:
        """Return what happens to a job, as event name and content, from its beginning to its end.

        A broken connection is taken up again where it was, unless none can be had for a minute.
        """
        with self._clear_errors():
            yield from self._client.messages(job_id)

    def _connect(self, *, repeats: bool) -> Client:
        try:
            return Client(
                self.url,
                actor=self._actor,
                timeout=_PATIENCE_SECONDS,
                repeats=repeats,
                transport=self._transport,
            )
        except InvalidArgumentError as error:
            if error.argument != "url":
                raise ApiError(f"--{error}.", USAGE) from None
            remedy = "correct --url or TURNSTILE_URL, such as http://127.0.0.1:8000"
            raise ApiError(f"{self.url!r} is not an address of a publisher; {remedy}.", USAGE) from None

    @contextmanager
    def _clear_errors(self) -> Iterator[None]:
        try:
            yield
        except ClientError as error:
            raise _api_error(error, self.url) from error.__cause__


def _as_new(answer: Any) -> Any:
    """Return the answer to a second try: the first one, whose answer was lost, may have added the job."""
    return answer | {"existing": False}


def _twice(submit: Callable[[], Any], again: Callable[[Any], Any] = lambda answer: answer) -> Any:
    """Submit, and once more when the connection broke before the answer was there."""
    try:
        return submit()
    except ApiError as error:
        if not isinstance(error.__cause__, httpx.ReadError | httpx.ReadTimeout | httpx.RemoteProtocolError):
            raise
    return again(submit())


def _api_error(error: ClientError, url: str) -> ApiError:
    if isinstance(error, UnexpectedAnswerError) and error.status is not None:
        sentence = f"{url} answered {error.status}, but not like Turnstile; check --url or TURNSTILE_URL."
        return ApiError(sentence, UNREACHABLE)
    if isinstance(error, UnexpectedAnswerError):
        return ApiError(str(error), UNREACHABLE)
    if isinstance(error, NoResultError):
        return ApiError(str(error), BY_STATUS[error.job_status], error.problem)
    if isinstance(error, NotEndedError):
        return ApiError(f"The job has not ended: it is {error.problem['status']}.", NOT_ENDED, error.problem)
    if error.problem:
        is_away = isinstance(error, UnavailableError)
        return ApiError(str(error), UNREACHABLE if is_away else USAGE, error.problem)
    if isinstance(error, InvalidArgumentError):
        return ApiError(f"{error}.", USAGE)
    if isinstance(error.__cause__, httpx.TimeoutException):
        sentence = f"{url} did not answer in time; try again, or check it with `make ps`."
        return ApiError(sentence, UNREACHABLE)
    sentence = (
        f"No server answers at {url}: start Turnstile with `make up`, "
        "or name another address with --url or TURNSTILE_URL."
    )
    return ApiError(sentence, UNREACHABLE)
