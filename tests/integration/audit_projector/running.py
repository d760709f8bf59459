"""The real audit-projector against real servers, and what writes a journal for it."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
import uvicorn
from faststream.rabbit import RabbitBroker
from pydantic import SecretStr
from tests.waiting import until

from audit_projector.main import create_app
from audit_projector.settings import AuditProjectorSettings
from azure_storage.connection import StorageConnection
from azure_storage.installation import connect
from azure_storage.journal import TableJournal
from azure_storage.read_models import TableReadModels, TableReadModelWriter
from azure_storage.register import TableRegister
from contracts.identifiers import new_id
from contracts.lock_names import partition
from coordination.clients.job_writer import JobWriter
from coordination.clients.submission import NewJob, Submitter
from coordination.clock import SystemClock
from coordination.journal import transactions
from coordination.journal.events import Writer, timestamp
from coordination.journal.line import read_line
from coordination.journal.rows import job_key, lock_key
from coordination.outcomes import Completed, RunOutcome
from coordination.slot import Slot
from service_defaults.broker import RabbitNotifier, make_broker


@dataclass
class Installation:
    """The storage and the broker of one installation, seen from beside its services."""

    settings: AuditProjectorSettings
    storage: StorageConnection
    journal: TableJournal
    register: TableRegister
    models: TableReadModels
    writer: TableReadModelWriter
    broker: RabbitBroker
    notifier: RabbitNotifier

    async def submit(self, lock: str) -> str:
        """Submit a job, which announces its first event; returns its id."""
        new = NewJob(new_id(), new_id(), "ten-steps", lock, "{}", "test")
        await Submitter(
            self.register, JobWriter(self.journal, self.notifier, SystemClock(), call_timeout=5.0)
        ).submit(new)
        return new.job_id

    async def run(self, lock: str, outcome: RunOutcome | None = None) -> None:
        """Run the next job of a lock to its end, by default its completion, without announcing events."""
        line = await read_line(self.journal, Slot(lock))
        writer = Writer("w", uuid.uuid4().hex, timestamp(SystemClock().now()), worker="w")
        draft = transactions.take_over(line, None, writer, "lease", lambda _: True)
        assert draft is not None
        assert draft.job is not None
        etags = await self.journal.commit(partition(lock), draft.transaction, 5)
        key = job_key(draft.job.job_id)
        held = transactions.Held(draft.slot, draft.lock, etags[lock_key()], draft.job, etags[key])
        writer = Writer("w", uuid.uuid4().hex, timestamp(SystemClock().now()), worker="w")
        draft, _ = transactions.end(held, held.job, writer, outcome or Completed())
        await self.journal.commit(partition(lock), draft.transaction, 5)

    async def statuses(self, job_id: str) -> list[str]:
        """Return what stands in a job's audit trail."""
        return [event.status.value for event in await self.models.audit_trail(job_id)]

    async def active(self) -> set[str]:
        """Return the ids of the active jobs."""
        return {job.job_id async for job in self.register.active(datetime.now(UTC))}


@asynccontextmanager
async def installation(rabbitmq_url: str, connection_string: str) -> AsyncIterator[Installation]:
    """Set up an installation with names that no other test has."""
    name = f"t{uuid.uuid4().hex[:12]}"
    settings = AuditProjectorSettings(
        rabbitmq_url=SecretStr(rabbitmq_url),
        rabbitmq_namespace=name,
        storage_connection_string=SecretStr(connection_string),
        storage_namespace=name,
        port=0,
    )
    storage = connect(settings)
    models, writer = TableReadModels(storage), TableReadModelWriter(storage)
    await writer.prepare()
    broker = make_broker(settings)
    await broker.start()
    notifier = RabbitNotifier(broker, settings.topology, settings.deferral_milliseconds)
    try:
        yield Installation(
            settings, storage, TableJournal(storage), TableRegister(storage), models, writer, broker, notifier
        )
    finally:
        await notifier.aclose()
        await broker.stop()
        await storage.aclose()


@asynccontextmanager
async def projector(settings: AuditProjectorSettings) -> AsyncIterator[httpx.AsyncClient]:
    """Run an audit-projector for as long as the context lasts; returns a client for its health checks."""
    server = uvicorn.Server(uvicorn.Config(create_app(settings), port=0, log_config=None, lifespan="on"))
    task = asyncio.create_task(server.serve())

    await until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as client:

        async def is_ready() -> bool:
            return (await client.get("/health/ready")).status_code == 200

        await until(is_ready)
        try:
            yield client
        finally:
            server.should_exit = True
            await task
