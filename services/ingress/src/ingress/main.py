"""Entry point of ingress: reads settings, wires adapters into receivers of inputs, starts nothing else."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager

from faststream.asgi import AsgiFastStream

from azure_storage.installation import connect
from azure_storage.journal import TableJournal
from azure_storage.read_models import TableReadModels
from azure_storage.register import TableRegister
from azure_storage.seal_key import seal_key
from azure_storage.worker_directory import TableWorkerDirectory
from coordination.clients.job_writer import JobWriter
from coordination.clients.submission import Submitter
from coordination.clock import SystemClock
from ingress.receivers import Receivers
from ingress.settings import IngressSettings
from ingress.telemetry import IngressTelemetry
from inputs.configuration import ConfiguredInput
from inputs.lines import Lines
from inputs.message_submission import MessageSubmission
from inputs.receiver import Receiver
from service_defaults.app import in_background, serve
from service_defaults.broker import RabbitNotifier, Seal, make_broker
from service_defaults.directory_row import kept_up
from service_defaults.health import Health, rabbitmq_check
from service_defaults.heartbeat import InstanceHeartbeat
from service_defaults.settings import read_settings
from service_defaults.storage import prepare_patiently
from service_defaults.storage_telemetry import StorageTelemetry
from submission import KnownKinds, SubmissionService


def create_app(settings: IngressSettings) -> AsgiFastStream:
    """Build ingress."""
    clock = SystemClock()
    broker = make_broker(settings)
    seal = Seal()
    notifier = RabbitNotifier(broker, settings.topology, settings.deferral_milliseconds, seal=seal)
    storage = connect(settings, StorageTelemetry().observe)
    journal = TableJournal(storage, groups_transactions=True)
    register = TableRegister(storage)
    read_models = TableReadModels(storage)
    directory = TableWorkerDirectory(storage)
    submissions = SubmissionService(
        Submitter(register, JobWriter(journal, notifier, clock)), KnownKinds(directory, clock)
    )
    lines = Lines(journal, clock)

    telemetry = IngressTelemetry(submissions.kinds.knows)

    def receiver(of: ConfiguredInput) -> Receiver:
        told = telemetry.of_input(of.name)
        submission = MessageSubmission(of, submissions, lines, read_models.check, clock, told.submission)
        return Receiver(of.open, of.definition, submission, clock, told)

    receivers = Receivers({each.name: receiver(each) for each in settings.configured()}, clock)
    heartbeat = InstanceHeartbeat("ingress", directory, clock, receivers.details)

    @asynccontextmanager
    async def lifespan() -> AsyncGenerator[None]:
        """Prepare the storage before the first message is taken."""

        async def receive_once_prepared() -> None:
            await prepare_patiently(seal.with_key(read_models.prepare, lambda: seal_key(storage)))
            receivers.start()

        async with aclosing(storage), kept_up(heartbeat):
            starting = in_background(receive_once_prepared())
            try:
                yield
            finally:
                starting.cancel()
                await asyncio.gather(starting, return_exceptions=True)
                await receivers.stop()

    return AsgiFastStream(
        broker,
        lifespan=lifespan,
        # What is in hand is settled while the broker can still carry its wake-ups.
        on_shutdown=[receivers.stop, notifier.aclose],
        asgi_routes=Health(
            {"storage": read_models.check, "inputs": receivers.check}, {"rabbitmq": rabbitmq_check(broker)}
        ).routes(),
        logger=logging.getLogger("faststream"),
    )


def main() -> None:
    """Run ingress until it receives a signal to stop."""
    settings = read_settings(IngressSettings)
    serve(create_app, settings)
