"""Entry point of the publisher: reads settings, wires adapters into the use cases, starts nothing else."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.routing import Route

from coordination.clock import SystemClock
from publisher.application import make_application
from publisher.commands import SubmitCommands, subscribe
from publisher.consumption import Consumption
from publisher.settings import PublisherSettings
from publisher.stopping import StopNotice
from publisher.storage import Storage
from publisher.use_cases import make_use_cases
from service_defaults.app import stop_as_failed
from service_defaults.broker import ConsumerWatchdog, Intake, RabbitBell, make_broker
from service_defaults.health import Health
from service_defaults.settings import read_settings

logger = logging.getLogger(__name__)


def create_app(settings: PublisherSettings | None = None) -> FastAPI:
    """Build the publisher. Neither RabbitMQ nor the storage needs to be there yet when it is started."""
    settings = settings or read_settings(PublisherSettings)
    clock, stop = SystemClock(), StopNotice()
    storage = Storage(settings)
    broker = make_broker(settings)
    bell = RabbitBell(
        broker, settings.topology, settings.deferral_milliseconds, timeout=settings.ring_timeout_seconds
    )
    use_cases = make_use_cases(storage.journal, bell, storage.read_models, clock, lambda: stop.has_come)
    commands = SubmitCommands(Intake(broker, settings.topology), use_cases.reception, clock)
    subscribe(broker, settings.topology, commands, settings.submissions_at_once)
    consumption = Consumption(broker)
    watchdog = ConsumerWatchdog(broker, stop_as_failed)

    @asynccontextmanager
    async def running(_: FastAPI) -> AsyncIterator[None]:
        tasks = [
            asyncio.create_task(work) for work in (storage.prepare(), consumption.start(), watchdog.run())
        ]
        for task in tasks:
            task.add_done_callback(_end_when_failed)
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
    health = Health({"rabbitmq": consumption.check, "storage": storage.check})
    app.router.routes.extend(Route(path, answer) for path, answer in health.routes())
    return app


def _end_when_failed(task: asyncio.Task[None]) -> None:
    """End the service when what runs in the background failed: it would look alive and do nothing."""
    if not task.cancelled() and task.exception() is not None:
        logger.critical("background work failed", exc_info=task.exception())
        stop_as_failed()
