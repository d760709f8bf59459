"""Entry point of the publisher: reads settings, wires adapters into the use cases, starts nothing else."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from aio_pika.exceptions import CONNECTION_EXCEPTIONS
from fastapi import FastAPI
from faststream.rabbit import RabbitBroker
from starlette.routing import Route

from azure_storage.connection import StorageConnection
from azure_storage.installation import connect
from azure_storage.journal import TableJournal
from coordination.clock import SystemClock
from coordination.ports import UnknownOutcomeError
from publisher.application import make_application
from publisher.commands import SubmitCommands, subscribe
from publisher.settings import PublisherSettings
from publisher.stopping import StopNotice
from publisher.tables import TableReadModels
from publisher.use_cases import make_use_cases
from service_defaults.app import stop_as_failed
from service_defaults.broker import ConsumerWatchdog, Intake, RabbitBell, make_broker
from service_defaults.health import Health, NotReadyError, rabbitmq_check
from service_defaults.settings import read_settings

_RETRY_SECONDS = 1.0

logger = logging.getLogger(__name__)


def create_app(settings: PublisherSettings | None = None) -> FastAPI:
    """Build the publisher. Neither RabbitMQ nor the storage needs to be there yet when it is started."""
    settings = settings or read_settings(PublisherSettings)
    clock, stop = SystemClock(), StopNotice()
    storage = Storage(connect(settings), tables=())
    broker = make_broker(settings)
    bell = RabbitBell(
        broker, settings.topology, settings.deferral_milliseconds, timeout=settings.ring_timeout_seconds
    )
    use_cases = make_use_cases(storage.journal, bell, TableReadModels(), clock, lambda: stop.has_come)
    commands = SubmitCommands(Intake(broker, settings.topology), use_cases.reception, clock)
    subscribe(broker, settings.topology, commands, settings.submissions_at_once)
    watchdog = ConsumerWatchdog(broker, stop_as_failed)

    @asynccontextmanager
    async def running(_: FastAPI) -> AsyncIterator[None]:
        background = [storage.prepare(), _connect(broker), watchdog.run()]
        tasks = [asyncio.create_task(work) for work in background]
        try:
            with stop.awaited():
                yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await bell.aclose()
            await broker.stop()
            await storage.connection.aclose()

    app = make_application(use_cases, running)
    health = Health({"rabbitmq": rabbitmq_check(broker, consumes=True), "storage": storage.check})
    app.router.routes.extend(Route(path, answer) for path, answer in health.routes())
    return app


class Storage:
    """The storage account, which may not be there yet."""

    def __init__(self, connection: StorageConnection, tables: Iterable[str]) -> None:
        self.connection = connection
        self.journal = TableJournal(connection)
        self._tables = tables
        self._is_prepared = False

    async def prepare(self) -> None:
        """Create what is missing, again and again until the storage is there."""
        while not self._is_prepared:
            try:
                await self.connection.prepare(self._tables)
                self._is_prepared = True
            except UnknownOutcomeError as error:
                logger.warning("storage is not there yet", extra={"error": str(error)})
                await asyncio.sleep(_RETRY_SECONDS)

    async def check(self) -> None:
        """Raise NotReadyError or UnknownOutcomeError when the storage cannot be used."""
        if not self._is_prepared:
            raise NotReadyError("the tables are not prepared yet")
        await self.journal.find("00000000-0000-0000-0000-000000000000")


async def _connect(broker: RabbitBroker) -> None:
    """Connect and consume, however long that takes: submissions are accepted without RabbitMQ."""
    while True:
        try:
            await broker.start()
        except CONNECTION_EXCEPTIONS as error:
            logger.warning("broker not started", extra={"error": repr(error)})
            await asyncio.sleep(_RETRY_SECONDS)
        else:
            return
