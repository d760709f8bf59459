"""The HTTP API over the in-memory doubles, and a worker to write what a worker would write."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
from fastapi import FastAPI

from contracts.jobs import Kind
from contracts.lock_names import partition
from contracts.messages import Hint
from contracts.quarantine import QuarantinedMessage, QuarantinePage
from coordination.holder.runs import StepDone
from coordination.journal import transactions
from coordination.journal.events import Writer, timestamp
from coordination.journal.line import read_line
from coordination.journal.rows import job_key, lock_key
from coordination.outcomes import RunOutcome
from coordination.ports import Registration, UnknownOutcomeError
from coordination.slot import Slot
from coordination.testing.faults import Fault
from coordination.testing.memory import InMemoryJournal, InMemoryNotifier, InMemoryRegister, VirtualClock
from coordination.testing.worker_directory import InMemoryWorkerDirectory
from publisher.use_cases import UseCases
from publisher.use_cases.stream import JobStream
from read_models import KnownLock
from read_models.memory import InMemoryReadModels
from service_defaults.broker import QuarantineUnavailableError


class HintingNotifier(InMemoryNotifier):
    """Keeps hints, too."""

    def __init__(self, fault: Fault | None = None) -> None:
        super().__init__(fault)
        self.hints: list[Hint] = []

    async def hint(self, hint: Hint) -> None:
        self.hints.append(hint)


class CountingDirectory(InMemoryWorkerDirectory):
    """Counts how often the kinds are read."""

    def __init__(self) -> None:
        super().__init__()
        self.kind_reads = 0

    async def kinds(self) -> list[Kind]:
        self.kind_reads += 1
        return await super().kinds()

    def know(self, kind: str, schema: dict[str, object]) -> None:
        """Publish a kind, as a worker does."""
        moment = datetime(2026, 1, 1, tzinfo=UTC)
        self.known_kinds[kind] = Kind(kind=kind, parameters=schema, published_at=moment)


@dataclass
class StorageSwitch:
    """Lets a test take the storage away, wholly or for some calls, and counts the calls of the journal."""

    is_away: bool = False
    #: Calls that get no answer, such as `journal.read_range`.
    silent: set[str] = field(default_factory=set)
    calls: Counter[str] = field(default_factory=Counter)

    async def __call__(self, moment: str, name: str) -> None:
        if moment != "before" or not name.startswith("journal."):
            return
        self.calls[name] += 1
        if self.is_away or name in self.silent:
            raise UnknownOutcomeError


@dataclass
class ScriptedQuarantine:
    """Has the messages that a test puts here, unless RabbitMQ is away."""

    messages: list[QuarantinedMessage] = field(default_factory=list)
    is_away: bool = False

    async def oldest(self, limit: int) -> QuarantinePage:
        if self.is_away:
            raise QuarantineUnavailableError("not connected to RabbitMQ")
        return QuarantinePage(items=self.messages[:limit], total=len(self.messages))


class ImpatientClock(VirtualClock):
    """Virtual time that passes as soon as somebody waits for it."""

    async def sleep(self, seconds: float) -> None:
        self._boot += seconds


@dataclass
class Api:
    """The application with everything around it."""

    app: FastAPI
    client: httpx.AsyncClient
    journal: InMemoryJournal
    register: InMemoryRegister
    notifier: HintingNotifier
    read_models: InMemoryReadModels
    directory: CountingDirectory
    clock: ImpatientClock
    storage: StorageSwitch
    quarantine: ScriptedQuarantine
    use_cases: UseCases

    def know_locks(self, names: Iterable[str]) -> None:
        """Let the read models know these locks."""
        for name in names:
            self.read_models.known_locks[partition(name)] = KnownLock(name, partition(name), 0)

    async def submit(self, **body: object) -> httpx.Response:
        return await self.client.post("/api/v1/jobs", json={"kind": "ten-steps", **body})

    async def submitted(self, **body: object) -> str:
        """Submit a job; returns its id."""
        job_id: str = (await self.submit(**body)).json()["job_id"]
        return job_id

    async def get(self, path: str) -> Any:
        """Get a document; returns its JSON."""
        return (await self.client.get(path)).json()


@dataclass
class FakeWorker:
    """Writes what a worker would write for one lock."""

    api: Api
    lock: str
    held: transactions.Held | None = None

    async def start(self) -> None:
        line = await read_line(self.api.journal, Slot(self.lock), tickets=1)
        draft = transactions.take_over(line, None, self._writer(), "tenure-1", lambda job: True)
        assert draft is not None
        await self._commit(draft)

    async def step(self, name: str) -> None:
        done = StepDone(name, "null", 0.1)
        await self._commit(transactions.step(self._held(), self._held().job, self._writer(), done))

    async def report(self, value: float, limit: float | None, step: str = "") -> None:
        now = replace(self._held().job, progress_value=value, progress_limit=limit, step=step)
        await self._commit(transactions.flush(self._held(), now, self._writer()))

    async def end(self, outcome: RunOutcome) -> None:
        held = self._held()
        draft, _ = transactions.end(held, held.job, self._writer(), outcome)
        await self._commit(draft)

    def _held(self) -> transactions.Held:
        assert self.held is not None
        return self.held

    def _writer(self) -> Writer:
        return Writer("worker-1", uuid4().hex, timestamp(self.api.clock.now()), worker="worker-1")

    async def _commit(self, draft: transactions.Draft) -> None:
        etags = await self.api.journal.commit(partition(self.lock), draft.transaction, 1)
        if draft.job is not None:
            job_etag = etags[job_key(draft.job.job_id)]
            self.held = transactions.Held(draft.slot, draft.lock, etags[lock_key()], draft.job, job_etag)


WorkerOf = Callable[[str], FakeWorker]


class Listener:
    """Collects what a stream says."""

    def __init__(self, stream: JobStream, registration: Registration, after: int = 0) -> None:
        self.heard: list[str] = []
        self.task = asyncio.ensure_future(self._listen(stream, registration, after))

    async def _listen(self, stream: JobStream, registration: Registration, after: int) -> None:
        async for chunk in stream.follow(registration, after):
            self.heard.append(chunk.decode())

    def take(self) -> str:
        """Return what was said since the last time."""
        heard, self.heard = "".join(self.heard), []
        return heard
