"""Which workers there are, and which kinds of jobs they know. Only workers know it: it cannot be derived."""

from collections.abc import Sequence
from typing import Protocol

from contracts.jobs import Kind, Worker


class WorkerDirectory(Protocol):
    """What workers publish of themselves. Every call raises UnknownOutcomeError."""

    async def publish_kind(self, kind: Kind) -> None:
        """Publish a kind that a worker knows, in place of what was published of it before."""

    async def record_heartbeat(self, worker: Worker) -> None:
        """Record that a worker is alive, in place of its last heartbeat."""

    async def kinds(self) -> Sequence[Kind]:
        """Return all kinds that were ever published, by name."""

    async def workers(self) -> Sequence[Worker]:
        """Return the latest heartbeat of every worker, also of those that are gone, by name."""
