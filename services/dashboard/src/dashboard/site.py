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
from coordination.clock import SystemClock
from coordination.ports import Clock, JobRegister, Journal
from coordination.worker_directory import WorkerDirectory
from dashboard.board.poller import BoardPoller
from dashboard.requests import RequestCount
from dashboard.settings import DashboardSettings


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

    def start(self) -> None:
        """Begin to keep the board up to date, while somebody looks."""
        self.reader.start(self.board.run())

    async def check(self) -> None:
        """Do nothing but see whether the storage answers. Raises UnknownOutcomeError."""
        await asyncio.wrap_future(self.reader.start(self.models.check()))

    def close(self) -> None:
        """Stop reading."""
        self.reader.close()


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
    return Site(settings, clock, reader, journal, register, models, directory, board, requests)


def use_site(site: Site | None) -> None:
    """Make a site the one that pages show; None takes it away."""
    _Current.site = site


def current_site() -> Site:
    """Return the site that pages show. Raises RuntimeError when the process was not started as a service."""
    if _Current.site is None:
        raise RuntimeError("start the dashboard with `python -m dashboard`")
    return _Current.site
