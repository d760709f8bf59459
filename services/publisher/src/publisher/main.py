"""Entry point of the publisher: reads settings, wires adapters into the use cases, starts nothing else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.routing import Route

from azure_storage.installation import connect
from azure_storage.journal import TableJournal
from azure_storage.read_models import TableReadModels
from azure_storage.register import TableRegister
from azure_storage.seal_key import seal_key
from azure_storage.worker_directory import TableWorkerDirectory
from coordination.clock import SystemClock
from publisher.commands import SubmitCommands, subscribe
from publisher.deferred_consumer import DeferredConsumer
from publisher.http.application import make_application
from publisher.job_traces import JobTraces
from publisher.settings import PublisherSettings
from publisher.stopping import ShutdownSignal
from publisher.use_cases import make_use_cases
from service_defaults.app import in_background, stop_as_failed
from service_defaults.broker import (
    ConsumerWatchdog,
    MessageReader,
    QuarantineReader,
    RabbitNotifier,
    Seal,
    make_broker,
)
from service_defaults.health import Health
from service_defaults.settings import read_settings
from service_defaults.storage import prepare_patiently
from service_defaults.storage_telemetry import StorageTelemetry
from submission import Patience


def create_app(settings: PublisherSettings | None = None) -> FastAPI:
    """Build the publisher. Neither RabbitMQ nor the storage needs to be there yet when it is started."""
    settings = settings or read_settings(PublisherSettings)
    clock, stop = SystemClock(), ShutdownSignal()
    storage = connect(settings, StorageTelemetry().observe)
    journal = TableJournal(storage, groups_transactions=True)
    register = TableRegister(storage)
    read_models = TableReadModels(storage)
    broker = make_broker(settings)
    seal = Seal()
    notifier = RabbitNotifier(
        broker,
        settings.topology,
        settings.deferral_milliseconds,
        seal=seal,
        timeout=settings.wake_up_timeout_seconds,
    )
    use_cases = make_use_cases(
        journal,
        register,
        notifier,
        read_models,
        TableWorkerDirectory(storage),
        clock,
        QuarantineReader(broker, settings.topology),
        lambda: stop.received,
        settings.most_followers,
        JobTraces(
            follows_unsampled=settings.unsampled_callers == "follow",
            jobs_per_trace=settings.jobs_per_trace,
        ),
        schedule_table=TableJournal(storage, table=storage.names.schedule_table),
    )
    commands = SubmitCommands(
        MessageReader(broker, settings.topology), use_cases.submissions, Patience(clock), use_cases.telemetry
    )
    subscribe(broker, settings.topology, commands, settings.submissions_at_once)
    consumer = DeferredConsumer(broker)
    watchdog = ConsumerWatchdog(broker, stop_as_failed)

    @asynccontextmanager
    async def running(_: FastAPI) -> AsyncIterator[None]:
        preparing = prepare_patiently(seal.with_key(read_models.prepare, lambda: seal_key(storage)))
        tasks = [in_background(work) for work in (preparing, consumer.start(), watchdog.run())]
        try:
            with stop.awaited():
                yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await notifier.aclose()
            await broker.stop()
            await storage.aclose()

    app = make_application(use_cases, running)
    # It is of use without both: it says what is away, and takes jobs without the broker.
    health = Health(needed={}, shown={"rabbitmq": consumer.check, "storage": read_models.check})
    app.router.routes.extend(Route(path, answer) for path, answer in health.routes())
    return app
