"""Which processes are alive, and which kinds of jobs workers know. The journal does not contain it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from contracts.jobs import Drain, Instance, Kind, Worker

DocumentT = TypeVar("DocumentT")


@dataclass(frozen=True)
class Listed(Generic[DocumentT]):
    """What the directory has of a kind or a process, and the version of its row."""

    document: DocumentT
    version: str


class WorkerDirectory(Protocol):
    """What workers and other services publish of themselves. Every call raises UnknownOutcomeError."""

    async def publish_kind(self, kind: Kind) -> None:
        """Publish a kind that a worker knows, in place of what was published of it before."""

    async def record_heartbeat(self, worker: Worker) -> Drain | None:
        """Record that a worker is alive, in place of its last heartbeat.

        Returns the order to take no new jobs that stands for this worker's name, None without one. What the
        document says of that is left out.
        """

    async def order(self, worker: str, drain: Drain | None) -> Worker | None:
        """Order a worker to take no new jobs or, with None, to take them again; return it as it is now.

        An order to take none that stands already is kept as it is. It stands until the worker may take jobs
        again, also when the process ends and another begins under its name.
        Returns None when no such worker is listed.
        """

    async def record_instance(self, instance: Instance) -> None:
        """Record that an instance of another service is alive, in place of its last heartbeat."""

    async def kinds(self) -> Sequence[Kind]:
        """Return all kinds that were published and not forgotten, by name."""

    async def workers(self) -> Sequence[Worker]:
        """Return the latest heartbeat of every worker, also of those that are gone, by name."""

    async def instances(self) -> Sequence[Instance]:
        """Return the latest heartbeat of every instance, also of those that are gone, by service and name."""

    async def listed_kinds(self) -> Sequence[Listed[Kind]]:
        """Return all kinds with the versions of their rows."""

    async def listed_workers(self) -> Sequence[Listed[Worker]]:
        """Return the latest heartbeats of all workers with the versions of their rows."""

    async def listed_instances(self) -> Sequence[Listed[Instance]]:
        """Return the latest heartbeats of all instances with the versions of their rows."""

    async def forget_kind(self, kind: Kind, version: str) -> None:
        """Remove a kind whose row still has this version; harmless when it has another, or is gone."""

    async def forget_worker(self, worker: Worker, version: str) -> None:
        """Remove a worker whose row still has this version; harmless when it has another, or is gone."""

    async def forget_instance(self, instance: Instance, version: str) -> None:
        """Remove an instance whose row still has this version; harmless when it has another, or is gone."""
