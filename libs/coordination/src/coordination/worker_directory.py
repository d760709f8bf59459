"""Which processes are alive, and which kinds of jobs workers know. The journal does not contain it."""

from collections.abc import Sequence
from typing import Protocol

from contracts.jobs import Instance, Kind, Worker


class WorkerDirectory(Protocol):
    """What workers and other services publish of themselves. Every call raises UnknownOutcomeError."""

    async def publish_kind(self, kind: Kind) -> None:
        """Publish a kind that a worker knows, in place of what was published of it before."""

    async def record_heartbeat(self, worker: Worker) -> None:
        """Record that a worker is alive, in place of its last heartbeat."""

    async def record_instance(self, instance: Instance) -> None:
        """Record that an instance of another service is alive, in place of its last heartbeat."""

    async def kinds(self) -> Sequence[Kind]:
        """Return all kinds that were ever published, by name."""

    async def workers(self) -> Sequence[Worker]:
        """Return the latest heartbeat of every worker, also of those that are gone, by name."""

    async def instances(self) -> Sequence[Instance]:
        """Return the latest heartbeat of every instance, also of those that are gone, by service and name."""
