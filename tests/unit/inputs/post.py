"""Inputs over in-memory ports: senders, a foreign queue, and instances that take its messages."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import BaseModel

from contracts.jobs import Kind
from coordination.clients.job_writer import JobWriter
from coordination.clients.submission import Submitter
from coordination.clock import VirtualClock
from coordination.journal.rows import JobRow
from coordination.ports import UnknownOutcomeError
from coordination.testing.faults import Fault
from coordination.testing.memory import InMemoryJournal, InMemoryNotifier, InMemoryRegister
from coordination.testing.worker_directory import InMemoryWorkerDirectory
from inputs.configuration import ConfiguredInput, InputDefinition
from inputs.input_types import InputType
from inputs.lines import Lines
from inputs.message_submission import MessageSubmission
from inputs.port import Delivery, InputError, Lag, Refusal
from inputs.receiver import Receiver
from inputs.testing.in_memory import InMemoryInput, InMemoryQueue
from submission import KnownKinds, SubmissionService

ResultT = TypeVar("ResultT")

JOB: dict[str, Any] = {"kind": "import-order", "lock": "tenant:{body.tenant}"}


class NoSource(BaseModel):
    """What an in-memory queue needs to know."""


def configured(**fields: Any) -> ConfiguredInput:
    """Return an input of orders, but for what is said otherwise."""
    asked: dict[str, Any] = {"type": "memory", "source": {}, "job": JOB, **fields}
    name = asked.pop("name", "orders")
    kind = InputType(NoSource, lambda _, __: InMemoryInput(InMemoryQueue(VirtualClock())))
    return ConfiguredInput(name, InputDefinition.model_validate(asked), kind, NoSource())


@dataclass
class Noted:
    """An observer that keeps what it is told."""

    said: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)
    lags: list[Lag] = field(default_factory=list)

    def taken(self, delivery: Delivery, outcome: str, job_id: str, seconds: float) -> None:
        self.said.append(outcome)

    def refused(self, delivery: Delivery, refusal: Refusal) -> None:
        self.said.append(f"refused {refusal.reason}")

    def given_back(self, delivery: Delivery, reason: str) -> None:
        self.said.append(f"given back {reason}")

    def waits(self, reason: str, explanation: str) -> None:
        self.waiting.append(reason)

    def not_settled(self, delivery: Delivery, error: InputError) -> None:
        self.said.append("not settled")

    def failed(self, delivery: Delivery, error: BaseException) -> None:
        self.errors.append(error)

    def connected(self) -> None:
        pass

    def behind(self, lag: Lag) -> None:
        self.lags.append(lag)

    def unavailable(self, error: InputError) -> None:
        self.said.append("unavailable")


class Post:
    """A foreign queue, and where the jobs of its messages are."""

    def __init__(self, fault: Fault | None = None, holds_for: float | None = 30.0) -> None:
        self.clock = VirtualClock(jitter=lambda _, longest: longest)
        self.queue = InMemoryQueue(self.clock, holds_for)
        self.journal = InMemoryJournal(fault)
        self.register = InMemoryRegister(fault)
        self.notifier = InMemoryNotifier()
        self.directory = InMemoryWorkerDirectory()
        self.knows("import-order", {"properties": {"tenant": {"type": "string"}}})
        # One for all: it compiles schemas in a thread, which would come back at any moment.
        self.kinds = KnownKinds(self.directory, self.clock)
        self.noted = Noted()

    def knows(self, name: str, schema: Mapping[str, Any]) -> None:
        kind = Kind(kind=name, parameters=dict(schema), published_at=datetime(2026, 1, 1, tzinfo=UTC))
        self.directory.known_kinds[name] = kind

    def send(self, body: object = None, message_id: str | None = "m-1", **more: Any) -> None:
        text = {"tenant": "acme"} if body is None else body
        raw = text if isinstance(text, bytes) else json.dumps(text).encode()
        self.queue.send(raw, message_id, **more)

    def submission(self, of: ConfiguredInput) -> MessageSubmission:
        submitter = Submitter(self.register, JobWriter(self.journal, self.notifier, self.clock))
        service = SubmissionService(submitter, self.kinds)
        return MessageSubmission(of, service, Lines(self.journal, self.clock), self._check, self.clock)

    async def _check(self) -> None:
        await self.register.find("00000000-0000-8000-8000-000000000000")

    def receiver(self, **fields: Any) -> Receiver:
        of = configured(**fields)
        return Receiver(
            lambda: InMemoryInput(self.queue), of.definition, self.submission(of), self.clock, self.noted
        )

    @asynccontextmanager
    async def receiving(self, **fields: Any) -> AsyncGenerator[Receiver]:
        """Let an instance take messages; stop it in order at the end."""
        await self.kinds.all()
        receiver = self.receiver(**fields)
        running = asyncio.create_task(receiver.run())
        try:
            yield receiver
        finally:
            receiver.stop()
            while not running.done():
                await self.clock.advance(1.0)
            running.result()
        assert self.noted.errors == []

    async def in_time(self, work: Awaitable[ResultT]) -> ResultT:
        """Return what some work returns, with time passing."""
        working = asyncio.ensure_future(work)
        while not working.done():
            await self.clock.advance(1.0)
        return working.result()

    def jobs(self) -> list[JobRow]:
        """Return all jobs, by place in line."""
        rows = (row for partition in self.journal.partitions.values() for row in partition.values())
        found = [JobRow.from_row(row) for row in rows if row.key.startswith("job|")]
        return sorted(found, key=lambda job: job.order)

    def dead(self) -> list[tuple[str | None, str]]:
        """Return the ids of the dead letters, and why each is one."""
        return [(letter.message_id, refusal.reason) for letter, refusal in self.queue.dead]


class Outage:
    """A fault that a test switches on and off: the storage does not answer."""

    def __init__(self) -> None:
        self.is_on = False

    async def __call__(self, when: str, call: str) -> None:
        if self.is_on:
            raise UnknownOutcomeError


class LostAnswers:
    """A fault: the answers of the first calls of a name are lost, after they were carried out."""

    def __init__(self, call: str, count: int = 1) -> None:
        self.call = call
        self.left = count

    async def __call__(self, when: str, call: str) -> None:
        await asyncio.sleep(0)
        if when == "after" and call == self.call and self.left:
            self.left -= 1
            raise UnknownOutcomeError
