"""Entry point of the scheduler: reads settings, wires adapters into periodic tasks, starts nothing else."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager

from faststream.asgi import AsgiFastStream

from azure_storage.installation import connect
from azure_storage.journal import TableJournal
from azure_storage.leases import BlobLeases
from azure_storage.read_models import TableReadModels
from azure_storage.read_models.removal import TableProjectedRows
from azure_storage.register import TableRegister
from azure_storage.worker_directory import TableWorkerDirectory
from contracts.schedule_files import read_schedules
from coordination.clients.job_writer import JobWriter
from coordination.clients.submission import Submitter
from coordination.clock import SystemClock
from coordination.maintenance.due_jobs import RetentionStores
from coordination.maintenance.queue_snapshot import SnapshotReader
from coordination.maintenance.resting import Rest, RestingSweeper
from coordination.maintenance.retention import Retention
from coordination.maintenance.sweeper import Sweeper
from scheduler.leadership import Leadership, duty_times
from scheduler.periodic import Periodic, Rounds
from scheduler.schedule_file import apply_file
from scheduler.schedules import due_schedules
from scheduler.settings import SchedulerSettings
from scheduler.status import ObservedStatus
from scheduler.tasks import ActiveJobs, OldJobs
from scheduler.telemetry import SchedulerTelemetry
from schedules import ScheduleService, ScheduleStore
from service_defaults.app import in_background, serve
from service_defaults.broker import RabbitNotifier, make_broker
from service_defaults.directory_row import kept_up
from service_defaults.health import Health, rabbitmq_check
from service_defaults.heartbeat import InstanceHeartbeat
from service_defaults.settings import read_settings
from service_defaults.storage import prepare_patiently
from service_defaults.storage_telemetry import StorageTelemetry
from submission import KnownKinds, SubmissionService

#: Seconds between two rounds in which schedules may be due.
_SCHEDULE_SECONDS = 2.0


def create_app(settings: SchedulerSettings) -> AsgiFastStream:
    """Build the scheduler."""
    clock = SystemClock()
    broker = make_broker(settings)
    notifier = RabbitNotifier(broker, settings.topology, settings.deferral_milliseconds)
    storage = connect(settings, StorageTelemetry().observe)
    journal, leases = TableJournal(storage), BlobLeases(storage)
    read_models = TableReadModels(storage)
    directory = TableWorkerDirectory(storage)
    status = ObservedStatus(SchedulerTelemetry(clock, settings.snapshot_seconds), clock)
    register = TableRegister(storage)
    sweeper = Sweeper(
        leases,
        journal,
        register,
        notifier,
        clock,
        read_models.projected_seqs,
        is_heard=lambda: notifier.watch.is_answering,
        times=settings.retention_times,
    )
    stores = RetentionStores(
        journal, register, clock, read_models.projected_seqs, TableProjectedRows(storage)
    )
    old_jobs = OldJobs(Retention(stores, settings.retention_times), status)
    kinds = KnownKinds(directory, clock)
    schedules = ScheduleStore(TableJournal(storage, table=storage.names.schedule_table), clock)
    submissions = SubmissionService(Submitter(register, JobWriter(journal, notifier, clock)), kinds)
    due = due_schedules(schedules, submissions)
    of_file = {} if settings.schedules_file is None else read_schedules(settings.schedules_file)
    service = ScheduleService(schedules, due.firings, kinds)
    active_jobs = ActiveJobs(
        RestingSweeper(sweeper, register, clock, Rest(settings.sweep_seconds)),
        SnapshotReader(journal, clock, settings.snapshot_seconds, sweeper.known_slots),
        directory.workers,
        clock,
        status,
    )
    tasks = [
        # It asks the storage only when something may be due.
        Periodic("schedules", min(settings.sweep_seconds, _SCHEDULE_SECONDS), due.go),
        Periodic("sweep", settings.sweep_seconds, active_jobs.sweep),
        # It looks seldom, unless it has left something for the next round.
        Periodic("retention", settings.sweep_seconds, old_jobs.let_go),
        # Not more often than the sweep reads the active jobs.
        Periodic("snapshot", max(settings.snapshot_seconds, settings.sweep_seconds), active_jobs.snapshot),
    ]
    times = duty_times(settings.scheduler_lease_seconds)
    duty = Leadership(leases, clock, Rounds(tasks, clock, status), times, status)
    heartbeat = InstanceHeartbeat("scheduler", directory, clock, status.details, times={"swept_at"})

    @asynccontextmanager
    async def lifespan() -> AsyncGenerator[None]:
        """Prepare the storage before the first sweep, and give up duty before the storage is closed."""

        async def serve_once_prepared() -> None:
            await prepare_patiently(read_models.prepare)
            applying = asyncio.create_task(apply_file(of_file, service, clock))
            try:
                await duty.keep_up()
            finally:
                applying.cancel()

        async with aclosing(storage), kept_up(heartbeat):
            serving = in_background(serve_once_prepared())
            try:
                yield
            finally:
                serving.cancel()
                await asyncio.gather(serving, return_exceptions=True)

    return AsgiFastStream(
        broker,
        lifespan=lifespan,
        on_shutdown=[notifier.aclose],
        asgi_routes=Health({"storage": read_models.check}, {"rabbitmq": rabbitmq_check(broker)}).routes(),
        logger=logging.getLogger("faststream"),
    )


def main() -> None:
    """Run the scheduler until it receives a signal to stop."""
    settings = read_settings(SchedulerSettings)
    serve(create_app, settings)
