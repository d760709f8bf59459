"""What each call of a client sends, waits for and returns, without doing any of it: both clients share it.

A call is a generator. It yields requests and pauses, and is sent what came of them.
"""

import math
import random
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import quote

import httpx

from contracts.following import MOST_WAIT_SECONDS
from contracts.jobs import Accepted, Job, JobSummary, Worker
from contracts.statuses import JobStatus
from turnstile.client.arguments import name_of, request_time, time_limit, wait_limit
from turnstile.client.errors import ClientError, ConflictError, NotEndedError
from turnstile.client.reading import checked, document, no_answer, part, read, retry_after

#: A job, by its id or by what the API returned of it.
JobReference = str | Accepted | Job | JobSummary

#: Statuses with which a server, or a proxy before it, says that it did not do what was asked.
_REPEATED = frozenset({429, 502, 503, 504})

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 8.0

#: Seconds that a request gets although the time of its call is over.
_SHORTEST_TRY = 1.0

T = TypeVar("T")


@dataclass(frozen=True)
class Request:
    """A request to send."""

    method: str
    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    #: Seconds to wait for the answer.
    seconds: float = field(kw_only=True)


@dataclass(frozen=True)
class Pause:
    """Seconds to wait before the next request."""

    seconds: float


#: What came of a request; None after a pause.
Outcome = httpx.Response | httpx.RequestError | None
Steps = Generator[Request | Pause, Outcome, T]


@dataclass(frozen=True)
class Limits:
    """How long a client waits."""

    #: Seconds for a call with all its repetitions.
    timeout: float = 60.0
    #: Seconds for one request; above what the publisher itself waits for its storage.
    request_timeout: float = 20.0
    #: Whether a request without an answer is sent again.
    repeats: bool = True


def limits_of(timeout: float, request_timeout: float, *, repeats: bool) -> Limits:
    """Return how long a client waits. Raises InvalidArgumentError."""
    return Limits(
        time_limit("timeout", timeout), request_time("request_timeout", request_timeout), repeats=repeats
    )


def job_id_of(job: JobReference) -> str:
    """Return the id of a job. Raises InvalidArgumentError."""
    return name_of("job", getattr(job, "job_id", job), "the id of a job, or an answer with a job_id")


def job_path(job: JobReference, rest: str = "") -> str:
    """Return the path of a job, or of what belongs to it."""
    return f"/api/v1/jobs/{_quoted(job_id_of(job))}{rest}"


def lock_path(name: str) -> str:
    """Return the path of a lock."""
    return f"/api/v1/locks/{_quoted(name_of('name', name, 'the name of a lock'))}"


def worker_path(name: str) -> str:
    """Return the path of a worker."""
    return f"/api/v1/workers/{_quoted(name_of('name', name, 'the name of a worker'))}"


def pauses() -> Generator[float, None, None]:
    """Yield the seconds of one pause after the other: each is longer, and none is that of other clients."""
    pause = _FIRST_PAUSE
    while True:
        yield pause * random.uniform(0.75, 1.25)
        pause = min(pause * 2, _LONGEST_PAUSE)


def send(request: Request, limits: Limits, until: float | None = None) -> Steps[httpx.Response]:
    """Send a request, and again while no server has answered it, until a moment of the monotonic clock.

    Only for what may be done twice. Raises ClientError unless the answer is a success.
    """
    until = time.monotonic() + limits.timeout if until is None else until
    for tries, pause in enumerate(pauses(), 1):
        left = max(_SHORTEST_TRY, until - time.monotonic())
        outcome = yield replace(request, seconds=min(request.seconds, left))
        try:
            return _answered(outcome)
        except ClientError as error:
            error.tries = tries
            seconds = max(pause, error.retry_after)
            is_final = error.status is not None and error.status not in _REPEATED
            if is_final or not limits.repeats or time.monotonic() + seconds >= until:
                raise
        yield Pause(seconds)
    raise AssertionError


def ask(request: Request, limits: Limits, until: float | None = None) -> Steps[Any]:
    """Send a request and return the JSON of its answer. Raises ClientError."""
    return document((yield from send(request, limits, until)))


def submit(body: Mapping[str, Any], limits: Limits) -> Steps[Accepted]:
    """Submit a job with an id or a key; return it also when an earlier request with the same content did."""
    try:
        answer = yield from ask(_request("POST", "/api/v1/jobs", limits, body=body), limits)
    except ConflictError as error:
        if error.problem.get("same_request") is not True:
            raise
        job = yield from get_job(str(error.problem.get("job_id", body.get("job_id"))), limits)
        # The answer to the first try was lost: it may have been this call that added the job.
        existing = error.tries == 1
        return Accepted(job_id=job.job_id, lock=job.lock, status=job.status, existing=existing)
    return read(Accepted, answer)


def get_job(job: JobReference, limits: Limits) -> Steps[Job]:
    """Return a job as it is now."""
    return read(Job, (yield from ask(_request("GET", job_path(job), limits), limits)))


def cancel(job: JobReference, reason: str, limits: Limits) -> Steps[Job]:
    """Cancel a job; return it also when an earlier request, whose answer was lost, cancelled it."""
    body = {"reason": reason} if reason else None
    try:
        answer = yield from ask(_request("POST", job_path(job, "/cancel"), limits, body=body), limits)
    except ConflictError as error:
        if error.tries == 1 or error.problem.get("job_status") != JobStatus.CANCELLED:
            raise
        return (yield from get_job(job, limits))
    return read(Job, answer)


def retry(job: JobReference, body: Mapping[str, Any], limits: Limits) -> Steps[Accepted]:
    """Retry a job; the same request again finds the retry that an earlier one made."""
    answer = yield from ask(_request("POST", job_path(job, "/retry"), limits, body=body), limits)
    return read(Accepted, answer)


def act(job: JobReference, action: str, reason: str, limits: Limits) -> Steps[Job]:
    """Finalize, pin or unpin a job, and return it; harmless when repeated."""
    body = {"reason": reason} if reason else None
    answer = yield from ask(_request("POST", job_path(job, f"/{action}"), limits, body=body), limits)
    return read(Job, answer)


def _quoted(name: str) -> str:
    # A name of dots alone would be taken for a step up in the path.
    return quote(name, safe="").replace(".", "%2E")


def tell_worker(name: str, reason: str, limits: Limits, *, takes_jobs: bool) -> Steps[Worker]:
    """Have a worker take no new jobs, or take them again, and return it; harmless when repeated."""
    body = {"takes_jobs": takes_jobs, "reason": reason}
    answer = yield from ask(_request("PUT", worker_path(name), limits, body=body), limits)
    return read(Worker, answer)


def wait(job: JobReference, timeout: float | None, limits: Limits) -> Steps[Any]:
    """Wait until a job has ended, and return its result.

    Raises NoResultError when it ended without one, NotEndedError after `timeout` seconds, ClientError.
    """
    path = job_path(job, "/result")
    timeout = wait_limit("timeout", timeout)
    until = math.inf if timeout is None else time.monotonic() + timeout
    while True:
        seconds = max(0, math.ceil(min(until - time.monotonic(), MOST_WAIT_SECONDS)))
        request = Request("GET", path, {"wait": seconds}, seconds=seconds + limits.request_timeout)
        answer = yield from send(request, limits, time.monotonic() + seconds + limits.timeout)
        found = document(answer)
        if answer.status_code != HTTPStatus.ACCEPTED:
            return part(found, "result")
        status = part(found, "status")
        pause = retry_after(answer, otherwise=1)
        if time.monotonic() + pause >= until:
            raise NotEndedError(
                f"Job {job_id_of(job)} has not ended after {timeout:g} s: it is {status}.",
                problem=found,
                status=answer.status_code,
            )
        yield Pause(pause)


def _request(method: str, path: str, limits: Limits, **more: Any) -> Request:
    return Request(method, path, seconds=limits.request_timeout, **more)


def _answered(outcome: Outcome) -> httpx.Response:
    if isinstance(outcome, httpx.Response):
        return checked(outcome)
    assert outcome is not None  # noqa: S101 - a request was sent
    raise no_answer(outcome)
