"""Entry point of the audit-projector: reads settings, wires adapters into the projection, no more."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager

from faststream.asgi import AsgiFastStream

from audit_projector.announcement_reader import AnnouncementReader
from audit_projector.event_search import EventSearch
from audit_projector.handling import EventHandler, subscribe
from audit_projector.projection import Projection
from audit_projector.retirements import Retirements
from audit_projector.settings import AuditProjectorSettings
from audit_projector.status import ProjectionStatus
from audit_projector.telemetry import ProjectionTelemetry
from azure_storage.installation import connect
from azure_storage.journal import TableJournal
from azure_storage.read_models import TableReadModels, TableReadModelWriter
from azure_storage.register import TableRegister
from azure_storage.seal_key import seal_key
from azure_storage.worker_directory import TableWorkerDirectory
from coordination.clock import SystemClock
from service_defaults.app import in_background, serve, stop_as_failed
from service_defaults.broker import ConsumerWatchdog, MessageReader, Seal, make_broker, watch_publishing
from service_defaults.directory_row import kept_up
from service_defaults.health import Health, rabbitmq_check
from service_defaults.heartbeat import InstanceHeartbeat
from service_defaults.settings import read_settings
from service_defaults.storage import prepare_patiently
from service_defaults.storage_telemetry import StorageTelemetry

#: Seconds that messages in hand get at a stop; what is left comes again.
_DRAIN_SECONDS = 5.0

#: Seconds for which jobs that are over are gathered before they are taken off the active ones.
_RETIRE_SECONDS = 1.0


def create_app(settings: AuditProjectorSettings) -> AsgiFastStream:
    """Build the audit-projector."""
    clock = SystemClock()
    storage = connect(settings, StorageTelemetry().observe)
    models = TableReadModelWriter(storage)
    broker = make_broker(settings, graceful_timeout=_DRAIN_SECONDS)
    telemetry = ProjectionTelemetry()
    journal, register = TableJournal(storage), TableRegister(storage)
    status = ProjectionStatus(telemetry.observe, clock)
    retirements = Retirements(register, _RETIRE_SECONDS)
    times = settings.retention_times
    projection = Projection(journal, retirements, models, status.observe, times=times)
    seal = Seal()
    reader = AnnouncementReader(MessageReader(broker, settings.topology), seal)
    handler = EventHandler(projection, reader, clock, telemetry)
    subscribe(broker, settings.topology, handler)
    watch = watch_publishing(broker, settings.topology, "events are read from the journal")
    search = EventSearch(
        journal,
        register,
        TableReadModels(storage).projected_seqs,
        clock,
        handler.project,
        lambda: not watch.is_answering,
        times,
    )
    heartbeat = InstanceHeartbeat(
        "audit-projector",
        TableWorkerDirectory(storage),
        clock,
        lambda: status.details(handler.oldest_seconds()),
    )
    watchdog = ConsumerWatchdog(broker, stop_as_failed)

    @asynccontextmanager
    async def lifespan() -> AsyncGenerator[None]:
        async with aclosing(storage), kept_up(heartbeat):
            prepare = seal.with_key(models.prepare, lambda: seal_key(storage))
            works = (
                prepare_patiently(prepare),
                watchdog.run(),
                watch.keep_probing(),
                search.keep_searching(),
            )
            background = [in_background(work) for work in works]
            try:
                yield
            finally:
                for task in background:
                    task.cancel()
                await asyncio.wait(background)
                await watch.aclose()

    # Without the broker it finds events by itself.
    health = Health({"storage": models.check}, {"rabbitmq": rabbitmq_check(broker, consumes=True)})
    return AsgiFastStream(
        broker, lifespan=lifespan, asgi_routes=health.routes(), logger=logging.getLogger("faststream")
    )


def main() -> None:
    """Run the audit-projector until it receives a stop signal."""
    settings = read_settings(AuditProjectorSettings)
    serve(create_app, settings)
