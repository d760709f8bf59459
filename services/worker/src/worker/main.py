"""Entry point of the worker: reads settings, wires adapters into the protocol, starts nothing else."""

import asyncio
import logging
import secrets
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing, asynccontextmanager, contextmanager

from faststream.asgi import AsgiFastStream

from azure_storage.installation import connect
from azure_storage.journal import TableJournal
from azure_storage.leases import BlobLeases
from azure_storage.read_models import TableReadModels
from azure_storage.register import TableRegister
from azure_storage.seal_key import seal_key
from azure_storage.worker_directory import TableWorkerDirectory
from contracts.telemetry import attributes as at
from coordination.clock import SystemClock
from coordination.holder.dispatcher import LockDispatcher
from coordination.holder.living_workers import LivingWorkers
from coordination.holder.policy import HolderSettings, Ports, WorkerPolicy
from coordination.holder.work_search import WorkSearch
from service_defaults.app import CannotStartError, in_background, serve, stop_as_failed
from service_defaults.broker import MessageReader, RabbitNotifier, Seal, make_broker
from service_defaults.broker.consumers import ConsumerWatchdog
from service_defaults.directory_row import kept_up
from service_defaults.health import Health, NotReadyError, rabbitmq_check
from service_defaults.secrets import redaction_for
from service_defaults.settings import read_settings
from service_defaults.storage import prepare_patiently
from worker.execution import CodeChangedError, RunnerPool, RunnerStartError
from worker.heartbeat import Heartbeat, Placement
from worker.settings import WorkerSettings
from worker.telemetry.observer import Telemetry
from worker.telemetry.storage_calls import StorageCalls, trace_calls
from worker.wake_ups import WakeUps, hear_hints

logger = logging.getLogger("turnstile.worker")

#: Seconds that wake-ups in hand get at a stop; what is left comes again.
_DRAIN_SECONDS = 2.0


def create_app(settings: WorkerSettings) -> AsgiFastStream:
    """Build the worker."""
    clock = SystemClock()
    broker = make_broker(settings, graceful_timeout=_DRAIN_SECONDS)
    seal = Seal()
    notifier = RabbitNotifier(broker, settings.topology, settings.deferral_milliseconds, seal=seal)
    calls = StorageCalls()
    storage = connect(settings, calls.observe)
    journal = TableJournal(storage)
    read_models = TableReadModels(storage)
    directory = TableWorkerDirectory(storage)
    telemetry = Telemetry(settings.name, journal, directory)
    pool = RunnerPool(
        settings.concurrency,
        settings.jobs_modules,
        settings.cancel_grace_seconds,
        settings.runner_memory_bytes,
        reuse_limit_bytes=settings.runner_reuse_bytes,
        start_timeout_seconds=settings.runner_start_seconds,
        log_level=logging.getLevelNamesMapping()[settings.log_level],
        telemetry=telemetry,
        is_traced=settings.otlp_endpoint is not None,
        redact=redaction_for(settings).text,
    )
    ports = Ports(BlobLeases(storage), journal, notifier, clock, trace_calls=trace_calls)
    dispatcher = LockDispatcher(
        ports,
        HolderSettings(
            settings.name,
            settings.lease_times,
            flush_seconds=settings.progress_seconds,
            pools=settings.pool_names,
            properties=settings.properties_by_name,
        ),
        WorkerPolicy(
            capacity=settings.concurrency,
            deferral=settings.deferral_seconds,
            linger=settings.linger_seconds,
            longest_tenure=settings.longest_tenure_seconds,
            kind_limits=settings.limits_by_kind,
        ),
        pool,
        knows=lambda kind: kind in pool.kinds(),
        observe=telemetry.observe,
        places=lambda: pool.places,
        living=LivingWorkers(directory, clock),
    )
    reader = MessageReader(broker, settings.topology)
    wake_ups = WakeUps(
        broker, settings.topology, reader, dispatcher, notifier, telemetry.measurements.answered
    )
    # Of this process alone: workers of one name would otherwise share the hints, and each miss some.
    start_id = secrets.token_hex(4)
    hear_hints(broker, settings.topology, reader, dispatcher, f"{settings.name}-{start_id}")
    telemetry.show_gauges(pool)
    search = WorkSearch(TableRegister(storage), ports, dispatcher, lambda: not notifier.watch.is_answering)
    heartbeat = Heartbeat(
        settings.name,
        settings.concurrency,
        directory,
        clock,
        pool.kinds,
        dispatcher,
        start_id,
        settings.jobs,
        Placement(settings.pool_names, settings.properties_by_name, settings.limits_by_kind),
    )
    watchdog = ConsumerWatchdog(broker, stop_as_failed)

    @asynccontextmanager
    async def lifespan() -> AsyncGenerator[None]:
        """Start runners before wake-ups can come; end them when none can come any more."""
        async with aclosing(storage):
            with start_errors_explained():
                async with asyncio.TaskGroup() as starting:
                    prepare = seal.with_key(read_models.prepare, lambda: seal_key(storage))
                    starting.create_task(prepare_patiently(prepare))
                    starting.create_task(pool.start())
            works = (
                watchdog.run(),
                watch_runners(pool, dispatcher.capacity_changed),
                notifier.watch.keep_probing(),
                search.keep_searching(),
            )
            async with kept_up(heartbeat):
                background = [in_background(work) for work in works]
                try:
                    yield
                finally:
                    for task in background:
                        task.cancel()
                    await asyncio.gather(*background, return_exceptions=True)
                    await pool.stop()

    async def end() -> None:
        """Hand over while the broker is there."""
        await hand_over(wake_ups, dispatcher, notifier, settings.grace_seconds)

    # Without the broker it finds work by itself.
    health = Health(
        {"runners": lambda: check_runners(pool), "storage": read_models.check},
        {"rabbitmq": rabbitmq_check(broker)},
    )
    app = AsgiFastStream(
        broker,
        lifespan=lifespan,
        after_startup=[wake_ups.listen_while_there_is_capacity],
        on_shutdown=[end],
        asgi_routes=health.routes(),
        logger=logging.getLogger("faststream"),
    )
    app.context.set_global("dispatcher", dispatcher)
    return app


async def check_runners(pool: RunnerPool) -> None:
    """Raise NotReadyError while no job could be run."""
    if not pool.alive:
        raise NotReadyError("no runner process has started")


@contextmanager
def start_errors_explained() -> Generator[None]:
    """Raise CannotStartError with the reason and the remedy when no runner could be started."""
    try:
        yield
    except ExceptionGroup as group:
        error: BaseException | None = group.subgroup(RunnerStartError)
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        if error is None:
            raise
        raise CannotStartError(f"{error}. Correct it, or take the module out of TURNSTILE_JOBS.") from None


async def watch_runners(pool: RunnerPool, places_changed: Callable[[], None]) -> None:
    """Watch the pool, and stop the worker in order when its code has changed: another is started for it."""
    try:
        await pool.watch(places_changed)
    except CodeChangedError as error:
        logger.warning("code has changed", extra={at.REASON: str(error)})
        stop_as_failed()


async def hand_over(
    wake_ups: WakeUps, dispatcher: LockDispatcher, notifier: RabbitNotifier, grace: float
) -> None:
    """Take nothing new, let runs end for `grace` seconds, interrupt the others, and notify other workers."""
    try:
        await wake_ups.stop()
    finally:
        await dispatcher.stop(grace)
    await notifier.aclose()


def main() -> None:
    """Run the worker until it receives a stop signal."""
    settings = read_settings(WorkerSettings)
    serve(create_app, settings)
