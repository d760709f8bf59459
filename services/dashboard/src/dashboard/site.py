"""What all pages of a process share: settings, what reads the storage, and the board."""

import asyncio
from dataclasses import dataclass

from azure_storage.connection import StorageConnection
from azure_storage.installation import connect
from azure_storage.journal import TableJournal
from azure_storage.read_models import TableReadModels
from azure_storage.register import TableRegister
from azure_storage.synchronous import SynchronousReader
from azure_storage.worker_directory import TableWorkerDirectory
from contracts.jobs import Kind
from contracts.quarantine import QuarantinePage
from coordination.clock import SystemClock
from coordination.ports import Clock, JobRegister, Journal
from coordination.worker_directory import WorkerDirectory
from dashboard.board.poller import BoardPoller
from dashboard.proof.running import make_checks
from dashboard.publisher_api import PublisherApi
from dashboard.reading.job import JobReader
from dashboard.reading.jobs import JobsReader
from dashboard.reading.lock import LockReader
from dashboard.reading.locks import LockListReader
from dashboard.reading.schedules import ScheduleReader
from dashboard.reading.shared import Shared
from dashboard.requests import RequestCount
from dashboard.settings import DashboardSettings
from dashboard.timelines import Timelines
from proof import Checks
from read_models.run_durations import DurationsReader

#: How long all viewers share an answer of the publisher. RabbitMQ counts each look into quarantine.
_KINDS_SECONDS, _QUARANTINE_SECONDS = 10.0, 15.0


@dataclass(frozen=True)
class Site:
    """What all pages of a process share."""

    settings: DashboardSettings
    clock: Clock
    #: Carries out reads for pages, which run in threads of their own.
    reader: SynchronousReader
    journal: Journal
    register: JobRegister
    models: TableReadModels
    directory: WorkerDirectory
    board: BoardPoller
    requests: RequestCount
    #: Submits and cancels in the name of a viewer.
    publisher: PublisherApi
    #: What the publisher knows, asked once for all viewers.
    kinds: Shared[list[Kind]]
    quarantine: Shared[QuarantinePage]
    schedule_reader: ScheduleReader
    job_reader: JobReader
    timelines: Timelines
    jobs_reader: JobsReader
    durations: DurationsReader
    #: What the pages of locks show, read once for all viewers.
    lock_reader: LockReader
    lock_list: LockListReader
    #: Checks of the proof, each in a process of its own.
    checks: Checks

    def viewer(self) -> str:
        """Return the name under which the viewer's actions are recorded."""
        return self.settings.actor

    def start(self) -> None:
        """Begin to keep the board up to date, while a page is open."""
        self.reader.start(self.board.run())

    async def check(self) -> None:
        """Do nothing but see whether the storage answers. Raises UnknownOutcomeError."""
        await asyncio.wrap_future(self.reader.start(self.models.check()))

    def close(self) -> None:
        """Stop reading and acting."""
        self.checks.close()
        self.reader.close()
        self.publisher.close()


class _Current:
    site: Site | None = None


def make_site(settings: DashboardSettings, requests: RequestCount) -> Site:
    """Connect to the storage. Nothing is read yet."""
    storage = connect(settings, requests.observe)
    return site_on(settings, storage, requests)


def site_on(settings: DashboardSettings, storage: StorageConnection, requests: RequestCount) -> Site:
    """Put together what pages share, on a storage connection that belongs to it from now on."""
    clock = SystemClock()
    journal, register = TableJournal(storage), TableRegister(storage)
    models, directory = TableReadModels(storage), TableWorkerDirectory(storage)
    board = BoardPoller(journal, register, models, directory, clock)
    reader = SynchronousReader(storage)
    publisher = PublisherApi(settings.url)
    return Site(
        settings=settings,
        clock=clock,
        reader=reader,
        journal=journal,
        register=register,
        models=models,
        directory=directory,
        board=board,
        requests=requests,
        publisher=publisher,
        kinds=Shared(publisher.kinds, clock, _KINDS_SECONDS),
        quarantine=Shared(publisher.quarantine, clock, _QUARANTINE_SECONDS),
        schedule_reader=ScheduleReader(publisher, clock),
        job_reader=JobReader(journal, register, models, clock),
        timelines=Timelines(),
        jobs_reader=JobsReader(models, clock),
        durations=DurationsReader(models, clock),
        lock_reader=LockReader(journal, models, clock),
        lock_list=LockListReader(models, clock),
        checks=make_checks(settings),
    )


def use_site(site: Site | None) -> None:
    """Make a site the one that pages show; None takes it away."""
    _Current.site = site


def current_site() -> Site:
    """Return the site that pages show. Raises RuntimeError when the process was not started as a service."""
    if _Current.site is None:
        raise RuntimeError("start the dashboard with `python -m dashboard`")
    return _Current.site
