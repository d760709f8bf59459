"""The client for programs with an event loop."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack, overload

import httpx
from httpx_sse import aconnect_sse
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
from turnstile.client.schedules import AsyncSchedules

T = TypeVar("T")
ModelT = TypeVar("ModelT", bound=BaseModel)


class AsyncClient:
    """A connection to a publisher.

    It has the arguments and the methods of `Client`. Close a `stream` that is left before its end, with
    `contextlib.aclosing`.
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
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._limits = limits_of(timeout, request_timeout, repeats=repeats)
        self._http = httpx.AsyncClient(**options(url, actor, headers), transport=transport)
        #: Recurring jobs.
        self.schedules = AsyncSchedules(self.request, self._items)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Do what `Client.close` does."""
        await self._http.aclose()

    async def submit(
        self, kind: str, parameters: Parameters = None, **fields: Unpack[SubmissionFields]
    ) -> Accepted:
        """Do what `Client.submit` does."""
        return await self._run(calls.submit(submission(kind, parameters, fields), self._limits))

    async def submit_many(self, jobs: Iterable[Submission | Body]) -> list[BatchItem]:
        """Do what `Client.submit_many` does."""
        return await self._run(submit_many(batch(jobs), self._limits))

    async def job(self, job: JobReference) -> Job:
        """Do what `Client.job` does."""
        return await self._run(calls.get_job(job, self._limits))

    async def cancel(self, job: JobReference, reason: str = "") -> Job:
        """Do what `Client.cancel` does."""
        return await self._run(calls.cancel(job, reason, self._limits))

    async def retry(
        self, job: JobReference, parameters: Parameters = None, *, fresh: bool = False, reason: str = ""
    ) -> Accepted:
        """Do what `Client.retry` does."""
        body = retry_body(parameters, reason, fresh=fresh)
        return await self._run(calls.retry(job, body, self._limits))

    async def finalize(self, job: JobReference, reason: str = "") -> Job:
        """Do what `Client.finalize` does."""
        return await self._run(calls.act(job, "finalize", reason, self._limits))

    async def pin(self, job: JobReference, reason: str = "") -> Job:
        """Do what `Client.pin` does."""
        return await self._run(calls.act(job, "pin", reason, self._limits))

    async def unpin(self, job: JobReference, reason: str = "") -> Job:
        """Do what `Client.unpin` does."""
        return await self._run(calls.act(job, "unpin", reason, self._limits))

    async def wait(self, job: JobReference, *, timeout: float | None = None) -> Job:
        """Do what `Client.wait` does."""
        with suppress(NoResultError):
            await self._run(calls.wait(job, timeout, self._limits))
        return await self.job(job)

    @overload
    async def result(self, job: JobReference, *, timeout: float | None = None) -> Any: ...
    @overload
    async def result(self, job: JobReference, *, as_: type[T], timeout: float | None = None) -> T: ...
    async def result(self, job: JobReference, *, as_: Any = None, timeout: float | None = None) -> Any:
        """Do what `Client.result` does."""
        shape = None if as_ is None else result_type(as_)
        found = await self._run(calls.wait(job, timeout, self._limits))
        return found if shape is None else result_of(job_id_of(job), shape, found)

    async def stream(self, job: JobReference, *, after: int = 0) -> AsyncIterator[Event | ProgressReport]:
        """Do what `Client.stream` does."""
        async for message in self.messages(job, after=after):
            if (known := typed(message)) is not None:
                yield known

    async def messages(self, job: JobReference, *, after: int = 0) -> AsyncIterator[Message]:
        """Do what `Client.messages` does."""
        following = Following(after, self._limits)
        while not following.is_over:
            error = None
            try:
                async for message in self._listen(job_path(job, "/stream"), following):
                    yield message
            except UnavailableError as failed:
                error = failed
            if not following.is_over:
                await asyncio.sleep(following.pause(error))

    def jobs(self, **filters: Unpack[JobFilters]) -> AsyncIterator[JobSummary]:
        """Do what `Client.jobs` does."""
        return self._items("/api/v1/jobs", JobSummary, query_of(filters))

    def events(self, job: JobReference) -> AsyncIterator[Event]:
        """Do what `Client.events` does."""
        return self._items(job_path(job, "/events"), Event)

    async def kinds(self) -> list[Kind]:
        """Do what `Client.kinds` does."""
        return [kind async for kind in self._items("/api/v1/kinds", Kind)]

    async def workers(self) -> list[Worker]:
        """Do what `Client.workers` does."""
        return [worker async for worker in self._items("/api/v1/workers", Worker)]

    async def worker(self, name: str) -> Worker:
        """Do what `Client.worker` does."""
        return read(Worker, await self.request("GET", worker_path(name)))

    async def drain_worker(self, name: str, reason: str = "") -> Worker:
        """Do what `Client.drain_worker` does."""
        return await self._run(calls.tell_worker(name, reason, self._limits, takes_jobs=False))

    async def resume_worker(self, name: str, reason: str = "") -> Worker:
        """Do what `Client.resume_worker` does."""
        return await self._run(calls.tell_worker(name, reason, self._limits, takes_jobs=True))

    def locks(self) -> AsyncIterator[Lock]:
        """Do what `Client.locks` does."""
        return self._items("/api/v1/locks", Lock)

    async def lock(self, name: str) -> Lock:
        """Do what `Client.lock` does."""
        return read(Lock, await self.request("GET", lock_path(name)))

    async def set_limit(self, name: str, limit: int, reason: str = "") -> Lock:
        """Do what `Client.set_limit` does."""
        return read(Lock, await self.request("PUT", lock_path(name), body=limit_body(limit, reason)))

    async def request(
        self, method: str, path: str, *, query: Mapping[str, Any] | None = None, body: Any = None
    ) -> Any:
        """Do what `Client.request` does."""
        return (await self.exchange(method, path, query=query, body=body))[1]

    async def exchange(
        self, method: str, path: str, *, query: Mapping[str, Any] | None = None, body: Any = None
    ) -> tuple[int, Any]:
        """Do what `Client.exchange` does."""
        request = Request(method, path, given(query), body, seconds=self._limits.request_timeout)
        answer = await self._run(calls.send(request, self._limits))
        return answer.status_code, document(answer)

    async def _items(
        self, path: str, model: type[ModelT], query: Mapping[str, Any] | None = None
    ) -> AsyncIterator[ModelT]:
        cursor = None
        while True:
            page = await self.request("GET", path, query={**(query or {}), "cursor": cursor})
            for item in items_of(model, page):
                yield item
            cursor = part(page, "next")
            if cursor is None:
                return

    async def _run(self, steps: Steps[T]) -> T:
        outcome: Outcome = None
        while True:
            try:
                step = steps.send(outcome)
            except StopIteration as done:
                result: T = done.value
                return result
            outcome = await self._carry_out(step)

    async def _carry_out(self, step: Request | Pause) -> Outcome:
        if isinstance(step, Pause):
            await asyncio.sleep(step.seconds)
            return None
        request = built(self._http, step)
        try:
            with open_client(self._http):
                return await self._http.send(request)
        except httpx.RequestError as failure:
            return failure

    async def _listen(self, path: str, following: Following) -> AsyncIterator[Message]:
        """Yield the messages of one connection."""
        headers = following.headers()
        with open_client(self._http), clear_errors():
            async with aconnect_sse(
                self._http, "GET", path, headers=headers, timeout=SILENCE_SECONDS
            ) as source:
                if source.response.is_error:
                    await source.response.aread()
                if following.is_open(source.response):
                    async for sent in source.aiter_sse():
                        if (message := following.hear(sent)) is not None:
                            yield message
                        if following.is_over:
                            return
