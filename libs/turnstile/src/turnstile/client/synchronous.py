"""The client for programs without an event loop. Any number of threads may use one."""

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack, overload

import httpx
from httpx_sse import connect_sse
from pydantic import BaseModel

from contracts.following import ProgressReport
from contracts.jobs import Accepted, BatchItem, Event, Job, JobSummary, Kind, Lock, Submission, Worker
from turnstile.client import calls
from turnstile.client.arguments import result_type
from turnstile.client.batches import submit_many
from turnstile.client.bodies import (
    Body,
    JobFilters,
    Parameters,
    SubmissionFields,
    batch,
    limit_body,
    query_of,
    retry_body,
    submission,
)
from turnstile.client.calls import (
    JobReference,
    Outcome,
    Pause,
    Request,
    Steps,
    job_id_of,
    job_path,
    limits_of,
    lock_path,
    worker_path,
)
from turnstile.client.connection import DEFAULT_URL, built, given, open_client, options
from turnstile.client.errors import NoResultError, UnavailableError
from turnstile.client.following import SILENCE_SECONDS, Following, Message, typed
from turnstile.client.reading import clear_errors, document, items_of, part, read, result_of
from turnstile.client.schedules import Schedules

T = TypeVar("T")
ModelT = TypeVar("ModelT", bound=BaseModel)


class Client:
    """A connection to a publisher.

    Args:
        url: Address of the publisher, without `/api`.
        actor: Name of the caller for the audit trail.
        timeout: Seconds for a call with all its repetitions. `wait`, `result` and `stream` wait for a job as
            long as they are asked to, and give up when the publisher does not answer for this long.
        request_timeout: Seconds for one request.
        repeats: Whether a request without an answer is sent again.
        headers: Further headers of each request.
        transport: Where requests go instead of the network, for tests.

    All methods, and the client itself, raise ClientError, and nothing else: InvalidArgumentError for an
    argument that cannot be sent, before anything is sent. Only a call that does not fit the signature is a
    TypeError, as it is for every function.
    """

    def __init__(
        self,
        url: str = DEFAULT_URL,
        *,
        actor: str = "",
        timeout: float = 60.0,
        request_timeout: float = 20.0,
        repeats: bool = True,
        headers: Mapping[str, str] | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._limits = limits_of(timeout, request_timeout, repeats=repeats)
        self._http = httpx.Client(**options(url, actor, headers), transport=transport)
        #: Recurring jobs.
        self.schedules = Schedules(self.request, self._items)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def submit(
        self, kind: str, parameters: Parameters = None, **fields: Unpack[SubmissionFields]
    ) -> Accepted:
        """Submit a job.

        Without a `job_id` or an `idempotency_key` the client makes an id. A submission with the same id or
        key and the same content as an earlier one is a success. With another content it raises ConflictError
        for an id, and RefusedError for a key. With `on_conflict` of "skip" the answer may name another job.
        """
        return self._run(calls.submit(submission(kind, parameters, fields), self._limits))

    def submit_many(self, jobs: Iterable[Submission | Body]) -> list[BatchItem]:
        """Submit any number of jobs, a thousand in one request; return the answer to each, in their order.

        A status of 202 means accepted; 200, or 409 with `same_request` in the problem, accepted earlier; 500
        and above, unknown even after `timeout` seconds: submit this job again with its key, or with the id in
        its problem.
        """
        return self._run(submit_many(batch(jobs), self._limits))

    def job(self, job: JobReference) -> Job:
        """Return a job as it is now."""
        return self._run(calls.get_job(job, self._limits))

    def cancel(self, job: JobReference, reason: str = "") -> Job:
        """Cancel a waiting job, or ask a running one to stop; return it as it is then.

        Raises ConflictError when it has already ended.
        """
        return self._run(calls.cancel(job, reason, self._limits))

    def retry(
        self, job: JobReference, parameters: Parameters = None, *, fresh: bool = False, reason: str = ""
    ) -> Accepted:
        """Submit a job again that ended without completing; return the new job.

        It continues where the old one ended, or begins from the beginning if it is to be `fresh`. Of the
        parameters only those change that are given. The same retry again returns the same job. Raises
        ConflictError when the job waits, runs or has completed, was retried with another request, or has lost
        what it would continue with.
        """
        return self._run(calls.retry(job, retry_body(parameters, reason, fresh=fresh), self._limits))

    def finalize(self, job: JobReference, reason: str = "") -> Job:
        """Record that a job that ended without completing needs no attention, and return it.

        Lists leave it out then. Raises ConflictError when it waits, runs or has completed.
        """
        return self._run(calls.act(job, "finalize", reason, self._limits))

    def pin(self, job: JobReference, reason: str = "") -> Job:
        """Keep a job that has ended, whatever time is set for it, until it is unpinned; return it.

        Raises ConflictError when it waits or runs, and RemovedError when it has gone already.
        """
        return self._run(calls.act(job, "pin", reason, self._limits))

    def unpin(self, job: JobReference, reason: str = "") -> Job:
        """Let a job that was pinned go when its time is over, and return it. Raises what `pin` raises."""
        return self._run(calls.act(job, "unpin", reason, self._limits))

    def wait(self, job: JobReference, *, timeout: float | None = None) -> Job:
        """Wait until a job has ended, however that is, and return it.

        Raises NotEndedError after `timeout` seconds; without a timeout it waits for as long as it takes.
        """
        with suppress(NoResultError):
            self._run(calls.wait(job, timeout, self._limits))
        return self.job(job)

    @overload
    def result(self, job: JobReference, *, timeout: float | None = None) -> Any: ...
    @overload
    def result(self, job: JobReference, *, as_: type[T], timeout: float | None = None) -> T: ...
    def result(self, job: JobReference, *, as_: Any = None, timeout: float | None = None) -> Any:
        """Wait until a job has completed, and return its result, as JSON or as the type `as_`.

        Raises FailedError, CancelledError, TimedOutError or ExpiredError; NotEndedError after `timeout`
        seconds; and WrongResultError for a result that is not of the type.
        """
        shape = None if as_ is None else result_type(as_)
        found = self._run(calls.wait(job, timeout, self._limits))
        return found if shape is None else result_of(job_id_of(job), shape, found)

    def stream(self, job: JobReference, *, after: int = 0) -> Iterator[Event | ProgressReport]:
        """Yield the events of a job behind a number, and its progress when it changes, until it ends.

        A broken connection is made again, and each event comes once.
        """
        for message in self.messages(job, after=after):
            if (known := typed(message)) is not None:
                yield known

    def messages(self, job: JobReference, *, after: int = 0) -> Iterator[Message]:
        """Yield what `stream` does, as the name of each message and its JSON."""
        following = Following(after, self._limits)
        while not following.is_over:
            error = None
            try:
                yield from self._listen(job_path(job, "/stream"), following)
            except UnavailableError as failed:
                error = failed
            if not following.is_over:
                time.sleep(following.pause(error))

    def jobs(self, **filters: Unpack[JobFilters]) -> Iterator[JobSummary]:
        """Yield the jobs that meet all filters, newest first; of several statuses or kinds, one."""
        return self._items("/api/v1/jobs", JobSummary, query_of(filters))

    def events(self, job: JobReference) -> Iterator[Event]:
        """Yield the events of a job so far, from the first."""
        return self._items(job_path(job, "/events"), Event)

    def kinds(self) -> list[Kind]:
        """Return the kinds that workers know."""
        return list(self._items("/api/v1/kinds", Kind))

    def workers(self) -> list[Worker]:
        """Return the latest heartbeat of every worker."""
        return list(self._items("/api/v1/workers", Worker))

    def worker(self, name: str) -> Worker:
        """Return the latest heartbeat of a worker."""
        return read(Worker, self.request("GET", worker_path(name)))

    def drain_worker(self, name: str, reason: str = "") -> Worker:
        """Have a worker take no new jobs; `worker(name).is_drained` says when it has ended those it runs.

        Harmless when repeated. The order stands until `resume_worker`.
        """
        return self._run(calls.tell_worker(name, reason, self._limits, takes_jobs=False))

    def resume_worker(self, name: str, reason: str = "") -> Worker:
        """Have a worker take new jobs again; harmless when repeated."""
        return self._run(calls.tell_worker(name, reason, self._limits, takes_jobs=True))

    def locks(self) -> Iterator[Lock]:
        """Yield the current state of every lock that was ever used."""
        return self._items("/api/v1/locks", Lock)

    def lock(self, name: str) -> Lock:
        """Return the holder of a lock, and the waiting jobs."""
        return read(Lock, self.request("GET", lock_path(name)))

    def set_limit(self, name: str, limit: int, reason: str = "") -> Lock:
        """Set how many jobs of a lock may run at the same time, from 1 to 64; return the lock as it is then.

        A lower limit ends none of the jobs that run. Raises RefusedError for what cannot be.
        """
        return read(Lock, self.request("PUT", lock_path(name), body=limit_body(limit, reason)))

    def request(
        self, method: str, path: str, *, query: Mapping[str, Any] | None = None, body: Any = None
    ) -> Any:
        """Send any request that may be repeated, and return the JSON of its answer."""
        return self.exchange(method, path, query=query, body=body)[1]

    def exchange(
        self, method: str, path: str, *, query: Mapping[str, Any] | None = None, body: Any = None
    ) -> tuple[int, Any]:
        """Do what `request` does, and return the HTTP status code, too."""
        request = Request(method, path, given(query), body, seconds=self._limits.request_timeout)
        answer = self._run(calls.send(request, self._limits))
        return answer.status_code, document(answer)

    def _items(
        self, path: str, model: type[ModelT], query: Mapping[str, Any] | None = None
    ) -> Iterator[ModelT]:
        cursor = None
        while True:
            page = self.request("GET", path, query={**(query or {}), "cursor": cursor})
            yield from items_of(model, page)
            cursor = part(page, "next")
            if cursor is None:
                return

    def _run(self, steps: Steps[T]) -> T:
        outcome: Outcome = None
        while True:
            try:
                step = steps.send(outcome)
            except StopIteration as done:
                result: T = done.value
                return result
            outcome = self._carry_out(step)

    def _carry_out(self, step: Request | Pause) -> Outcome:
        if isinstance(step, Pause):
            time.sleep(step.seconds)
            return None
        request = built(self._http, step)
        try:
            with open_client(self._http):
                return self._http.send(request)
        except httpx.RequestError as failure:
            return failure

    def _listen(self, path: str, following: Following) -> Iterator[Message]:
        """Yield the messages of one connection."""
        headers = following.headers()
        with (
            open_client(self._http),
            clear_errors(),
            connect_sse(self._http, "GET", path, headers=headers, timeout=SILENCE_SECONDS) as source,
        ):
            if source.response.is_error:
                source.response.read()
            if following.is_open(source.response):
                for sent in source.iter_sse():
                    if (message := following.hear(sent)) is not None:
                        yield message
                    if following.is_over:
                        return
