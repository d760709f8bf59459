"""What the dashboard's pages read, held against how the journal says that jobs have ended."""

from collections.abc import Mapping
from types import TracebackType
from typing import Self

from azure_storage.connection import StorageConnection
from azure_storage.journal import TableJournal
from azure_storage.names import StorageNames
from azure_storage.read_models import TableReadModels
from azure_storage.register import TableRegister
from azure_storage.synchronous import SynchronousReader
from azure_storage.worker_directory import TableWorkerDirectory
from contracts.statuses import JobStatus
from coordination.clock import SystemClock
from dashboard.board.poller import BoardPoller
from dashboard.jobs_question import JobsQuestion
from dashboard.reading.job import JobReader
from dashboard.reading.jobs import JobsReader

#: Jobs of a list that are read at most.
_MOST = 5_000


class Readings:
    """The readings of the pages Overview, Jobs and Job, of one installation."""

    def __init__(self, connection_string: str, namespace: str) -> None:
        connection = StorageConnection.from_connection_string(
            connection_string, StorageNames(prefix=namespace)
        )
        journal, register, models = (
            TableJournal(connection),
            TableRegister(connection),
            TableReadModels(connection),
        )
        clock = SystemClock()
        self._reader = SynchronousReader(connection)
        self._board = BoardPoller(journal, register, models, TableWorkerDirectory(connection), clock)
        self._jobs = JobsReader(models, clock)
        self._job = JobReader(journal, register, models, clock)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reader.close()

    def contradictions(self, ends: Mapping[str, str]) -> list[str]:
        """Return what pages say of jobs otherwise than the journal, given how each of them ended."""
        return [*self._of_lists(ends), *self._of_jobs(ends), *self._of_board(ends)]

    def _of_lists(self, ends: Mapping[str, str]) -> list[str]:
        found = []
        for status in JobStatus:
            question = JobsQuestion(statuses=frozenset({status}))
            listed = {job.job_id for job in self._reader.read(self._jobs.all(question, _MOST)).jobs}
            due = {job for job, end in ends.items() if end == status}
            found += [f"the list of {status} jobs lacks {job}" for job in sorted(due - listed)]
            # Other cases have played in this stack before.
            found += [f"the list of {status} jobs has {job}" for job in sorted((listed & ends.keys()) - due)]
        return found

    def _of_jobs(self, ends: Mapping[str, str]) -> list[str]:
        found = []
        for job_id, end in ends.items():
            view = self._reader.read(self._job.view(job_id))
            last = view.entries[-1].event.status if view.entries else ""
            if (view.status, last) != (end, end):
                found.append(f"the page of job {job_id} says {view.status} and {last}, the journal {end}")
            if view.chain_broken_at is not None:
                found.append(f"the page of job {job_id} says that its chain is broken")
        return found

    def _of_board(self, ends: Mapping[str, str]) -> list[str]:
        self._reader.read(self._board.read())
        board = self._board.snapshot
        found = [f"the Overview says that {lock.name} is busy" for lock in board.busy]
        found += [
            f"the Overview says that jobs wait for {lock.name}"
            for lock in board.locks.values()
            if lock.waiting
        ]
        found += [f"the Overview says that {overlap.lock} had an overlap" for overlap in board.overlaps]
        of_overview = {job.job_id for job in board.failed} & ends.keys()
        return found + [
            f"the Overview says that job {job} failed"
            for job in of_overview
            if ends[job] not in {"Failed", "TimedOut"}
        ]
