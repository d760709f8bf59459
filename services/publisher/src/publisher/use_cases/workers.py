"""Use cases: read about workers, and tell them to take no new jobs, or to take them again."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from contracts.jobs import Drain, Worker
from contracts.telemetry import attributes as at
from coordination.ports import Clock
from coordination.worker_directory import WorkerDirectory
from submission.fields import shorten

logger = logging.getLogger(__name__)


class NoSuchWorkerError(Exception):
    """No worker of that name was ever heard, or it is gone for long."""

    def __init__(self, name: str) -> None:
        super().__init__(f"No worker is called {shorten(name)!r}")


@dataclass
class RecentWorkers:
    """The workers as they were listed a moment ago, for answers that are asked for again and again."""

    directory: WorkerDirectory
    clock: Clock
    #: Seconds for which an earlier answer is good enough.
    good_for: float = 2.0
    _workers: Sequence[Worker] = ()
    _read_at: float = float("-inf")

    async def all(self) -> Sequence[Worker]:
        """Return the latest heartbeat of every worker. Raises UnknownOutcomeError."""
        asked_at = self.clock.boot()
        if asked_at - self._read_at > self.good_for:
            self._workers, self._read_at = await self.directory.workers(), asked_at
        return self._workers


@dataclass(frozen=True)
class Workers:
    """Returns workers, and gives them orders."""

    directory: WorkerDirectory
    clock: Clock

    async def all(self) -> list[Worker]:
        """Return the latest heartbeat of every worker, by name. Raises UnknownOutcomeError."""
        return list(await self.directory.workers())

    async def one(self, name: str) -> Worker:
        """Return the latest heartbeat of a worker. Raises NoSuchWorkerError or UnknownOutcomeError."""
        for worker in await self.directory.workers():
            if worker.worker == name:
                return worker
        raise NoSuchWorkerError(name)

    async def drain(self, name: str, actor: str, reason: str = "") -> Worker:
        """Have a worker take no new jobs, and return it; harmless when repeated: the first order stands.

        Raises NoSuchWorkerError or UnknownOutcomeError.
        """
        return await self._order(
            name, Drain(since=self.clock.now(), actor=actor, reason=reason), actor, reason
        )

    async def resume(self, name: str, actor: str, reason: str = "") -> Worker:
        """Have a worker take jobs again, and return it; harmless when repeated.

        Raises NoSuchWorkerError or UnknownOutcomeError.
        """
        return await self._order(name, None, actor, reason)

    async def _order(self, name: str, drain: Drain | None, actor: str, reason: str) -> Worker:
        worker = await self.directory.order(name, drain)
        if worker is None:
            raise NoSuchWorkerError(name)
        if worker.drain != drain:
            return worker
        said = f"by {actor}: {reason}" if reason else f"by {actor}"
        message = "worker was told to take no new jobs" if drain else "worker was told to take jobs again"
        logger.info(message, extra={at.WORKER_NAME: name, at.REASON: said})
        return worker
