"""The HTTP API as the commands use it: answers as plain JSON, errors as one sentence with an exit code."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx
from httpx_sse import ServerSentEvent, SSEError, connect_sse

from command_line.exit_codes import UNREACHABLE, USAGE
from contracts.statuses import EventStatus

#: Above what the publisher itself waits for its storage.
_TIMEOUT_SECONDS = 20.0

#: A stream sends something at least every 10 seconds.
_SILENCE_SECONDS = 30.0

_LONGEST_PAUSE = 8.0

#: Most items that the API returns at once.
LARGEST_PAGE = 200


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


class _EndedError(Exception):
    """All events of the job have been sent already."""


class Api:
    """A connection to a publisher."""

    def __init__(self, url: str, *, transport: httpx.BaseTransport | None = None) -> None:
        self.url = url.rstrip("/")
        try:
            # A proxy is for other machines.
            is_local = httpx.URL(self.url).host in {"127.0.0.1", "localhost", "::1"}
            self._client = httpx.Client(
                base_url=self.url, timeout=_TIMEOUT_SECONDS, trust_env=not is_local, transport=transport
            )
        except (httpx.InvalidURL, ValueError):
            raise _bad_url(self.url) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def get(self, path: str, **question: Any) -> Any:
        """Ask a question."""
        asked = {name: value for name, value in question.items() if value is not None}
        with self._clear_errors():
            return _content(self._client.get(path, params=asked), self.url)

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Ask for something to be done."""
        with self._clear_errors():
            return _content(self._client.post(path, json=body), self.url)

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
        """Submit a job that has an id; when no answer comes, once more, which cannot run it twice."""
        return _twice(lambda: self._submit(body))

    def submit_batch(self, jobs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Submit jobs that have ids; return the answer to each. Sent once more when no answer comes."""
        items: list[dict[str, Any]] = _twice(lambda: self.post("/api/v1/jobs:batch", {"jobs": jobs}))["items"]
        return items

    def _submit(self, body: Mapping[str, Any]) -> Any:
        try:
            return self.post("/api/v1/jobs", body)
        except ApiError as error:
            if error.problem.get("same_request"):
                return self.get(f"/api/v1/jobs/{error.problem['job_id']}")
            raise

    def follow(self, job_id: str, *, patience: float = 60.0) -> Iterator[tuple[str, Any]]:
        """Return what happens to a job, as event name and content, from its beginning to its end.

        A broken connection is taken up again where it was, unless none can be had for `patience` seconds.
        """
        path = f"/api/v1/jobs/{quote(job_id, safe='')}/stream"
        last_id, pause, heard_at = "0", 0.5, time.monotonic()
        while True:
            try:
                for event in self._listen(path, last_id):
                    last_id, pause, heard_at = event.id or last_id, 0.5, time.monotonic()
                    if not event.data:
                        continue
                    content = event.json()
                    yield event.event, content
                    if event.event == "job_event" and EventStatus(content["status"]).is_terminal:
                        return
            except _EndedError:
                return
            except ApiError as error:
                if error.exit_code != UNREACHABLE or time.monotonic() - heard_at > patience:
                    raise
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _listen(self, path: str, last_id: str) -> Iterator[ServerSentEvent]:
        """Return the events of one connection. Raises _EndedError when there will be no more."""
        headers = {"Last-Event-ID": last_id}
        with (
            self._clear_errors(),
            connect_sse(self._client, "GET", path, headers=headers, timeout=_SILENCE_SECONDS) as source,
        ):
            if source.response.status_code == HTTPStatus.NO_CONTENT:
                raise _EndedError
            if source.response.is_error:
                source.response.read()
                _content(source.response, self.url)
            yield from source.iter_sse()

    @contextmanager
    def _clear_errors(self) -> Iterator[None]:
        try:
            yield
        except (httpx.UnsupportedProtocol, httpx.InvalidURL):
            raise _bad_url(self.url) from None
        except httpx.TimeoutException as error:
            sentence = f"{self.url} did not answer in time; try again, or check it with `make ps`."
            raise ApiError(sentence, UNREACHABLE) from error
        except (httpx.TransportError, SSEError) as error:
            raise _unreachable(self.url) from error


def _twice(submit: Callable[[], Any]) -> Any:
    """Submit, and once more when the connection broke before the answer was there."""
    try:
        return submit()
    except ApiError as error:
        if not isinstance(error.__cause__, httpx.ReadError | httpx.ReadTimeout | httpx.RemoteProtocolError):
            raise
    return submit()


def _content(response: httpx.Response, url: str) -> Any:
    try:
        content = response.json()
    except ValueError:
        content = None
    if response.is_success and content is not None:
        return content
    if not isinstance(content, dict) or "detail" not in content:
        sentence = (
            f"{url} answered {response.status_code}, but not like Turnstile; check --url or TURNSTILE_URL."
        )
        raise ApiError(sentence, UNREACHABLE)
    is_server = response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
    raise ApiError(_sentence(content), UNREACHABLE if is_server else USAGE, content)


def _sentence(problem: Mapping[str, Any]) -> str:
    errors = problem.get("errors")
    if isinstance(errors, list) and errors:
        return "; ".join(f"{error['field']}: {error['message']}" for error in errors) + "."
    return str(problem["detail"])


def _unreachable(url: str) -> ApiError:
    sentence = (
        f"No server answers at {url}: start Turnstile with `make up`, "
        "or name another address with --url or TURNSTILE_URL."
    )
    return ApiError(sentence, UNREACHABLE)


def _bad_url(url: str) -> ApiError:
    remedy = "correct --url or TURNSTILE_URL, such as http://127.0.0.1:8000"
    return ApiError(f"{url!r} is not an address of a publisher; {remedy}.", USAGE)
