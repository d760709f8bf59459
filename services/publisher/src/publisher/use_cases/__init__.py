"""What the API can do, put together once per process."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from contracts.quarantine import QuarantinePage
from coordination.clients.cancellation import Canceller
from coordination.clients.finalizing import Finalizer
from coordination.clients.job_writer import JobWriter
from coordination.clients.limits import LimitSetter
from coordination.clients.pinning import Pinner
from coordination.clients.retrying import Retrier
from coordination.clients.submission import Submitter
from coordination.ports import Clock, JobRegister, Journal, Notifier
from coordination.worker_directory import WorkerDirectory
from publisher.job_traces import JobTraces
from publisher.telemetry import RequestTelemetry
from publisher.use_cases.cancelling import Cancelling, Hints
from publisher.use_cases.events import Events
from publisher.use_cases.finalizing import Finalizing
from publisher.use_cases.jobs import Jobs
from publisher.use_cases.locks import Locks
from publisher.use_cases.pinning import Pinning
from publisher.use_cases.results import JobResults
from publisher.use_cases.retrying import Retrying
from publisher.use_cases.schedules import Schedules, make_schedules
from publisher.use_cases.stream import JobStream
from publisher.use_cases.workers import Workers
from read_models import ReadModels
from read_models.run_durations import DurationsReader
from schedules import ScheduleStore
from submission import KnownKinds, RetryService, SubmissionService


class Quarantine(Protocol):
    """Looks into quarantine."""

    async def oldest(self, limit: int) -> QuarantinePage:
        """Return the oldest messages, and leave them there."""


class HintingNotifier(Notifier, Hints, Protocol):
    """A notifier that also sends hints."""


@dataclass(frozen=True)
class UseCases:
    """What the API can do."""

    submissions: SubmissionService
    cancelling: Cancelling
    retrying: Retrying
    finalizing: Finalizing
    pinning: Pinning
    jobs: Jobs
    events: Events
    stream: JobStream
    results: JobResults
    locks: Locks
    quarantine: Quarantine
    kinds: KnownKinds
    workers: Workers
    directory: WorkerDirectory
    schedules: Schedules
    telemetry: RequestTelemetry


def make_use_cases(
    journal: Journal,
    register: JobRegister,
    notifier: HintingNotifier,
    read_models: ReadModels,
    directory: WorkerDirectory,
    clock: Clock,
    quarantine: Quarantine,
    is_stopping: Callable[[], bool] = lambda: False,
    most_followers: int = 1000,
    traces: JobTraces | None = None,
    *,
    schedule_table: Journal,
) -> UseCases:
    """Put the use cases together."""
    kinds = KnownKinds(directory, clock)
    writer = JobWriter(journal, notifier, clock)
    stream = JobStream(journal, register, clock, is_stopping, most_followers=most_followers)
    cancelling = Cancelling(register, Canceller(writer), notifier)
    submitter = Submitter(register, writer)
    submissions = SubmissionService(submitter, kinds, cancelling.hasten)
    telemetry = RequestTelemetry(kinds.knows, traces)
    return UseCases(
        submissions=submissions,
        cancelling=cancelling,
        finalizing=Finalizing(register, Finalizer(submitter)),
        pinning=Pinning(register, Pinner(submitter)),
        retrying=Retrying(register, RetryService(Retrier(submitter), kinds)),
        jobs=Jobs(journal, register, read_models, DurationsReader(read_models, clock), clock),
        events=Events(journal, register, read_models),
        stream=stream,
        results=JobResults(journal, register, clock, stream),
        locks=Locks(journal, read_models, LimitSetter(journal, notifier, clock)),
        quarantine=quarantine,
        kinds=kinds,
        workers=Workers(directory, clock),
        directory=directory,
        schedules=make_schedules(ScheduleStore(schedule_table, clock), submissions, journal, telemetry),
        telemetry=telemetry,
    )
