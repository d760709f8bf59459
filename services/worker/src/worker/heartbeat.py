"""Publishes that this worker is there: which kinds it knows, and, as a heartbeat, what it runs and holds."""

import logging
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from typing import Protocol

from contracts.heartbeats import HEARTBEAT_SECONDS, Pulse, pulse
from contracts.jobs import HeldLease, Worker
from contracts.policies import DEFAULT_POOL
from contracts.telemetry import attributes as at
from coordination.forgetting import JOBS
from coordination.ports import Clock, UnknownOutcomeError
from coordination.worker_directory import WorkerDirectory
from service_defaults.directory_row import DirectoryRow
from worker.announcing_kinds import KindAnnouncer
from worker.execution import KindInfo

#: Turns of ten seconds between two announcements of the kinds.
_ANNOUNCE_EVERY = 30

logger = logging.getLogger("turnstile.worker")


class Serving(Protocol):
    """What a worker does; the dispatcher, as its heartbeat sees it."""

    @property
    def running(self) -> Mapping[str, str]:
        """The locks held here, each with the id of the job that runs."""

    @property
    def leases(self) -> Sequence[HeldLease]:
        """The leases of the locks for which a job runs here."""

    @property
    def takes_jobs(self) -> bool:
        """Whether this worker takes new jobs: not while it drains or stops."""

    async def drain(self, *, is_draining: bool) -> None:
        """Take no new jobs, or take them again."""


@dataclass(frozen=True)
class Placement:
    """Which jobs a worker runs, as its settings say."""

    pools: Sequence[str] = (DEFAULT_POOL,)
    properties: Mapping[str, str] = field(default_factory=dict)
    kind_limits: Mapping[str, int] = field(default_factory=dict)


class Heartbeat:
    """The worker's rows in the tables of workers and kinds."""

    def __init__(
        self,
        name: str,
        concurrency: int,
        directory: WorkerDirectory,
        clock: Clock,
        kinds: Callable[[], Mapping[str, KindInfo]],
        serving: Serving,
        start_id: str = "",
        jobs: str = "",
        placement: Placement | None = None,
    ) -> None:
        self._name = name
        self._placement = placement or Placement()
        self._start_id = start_id
        self._directory = directory
        self._clock = clock
        self._kinds = kinds
        self._serving = serving
        self._is_draining = False
        self._started_at = clock.now()
        self._properties = {
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "version": version("turnstile-worker"),
            "concurrency": concurrency,
            "start_id": start_id,
            JOBS: jobs,
        }
        self._announcer = KindAnnouncer(directory, clock, kinds)
        self._row = DirectoryRow(self._record, clock)

    async def beat(self) -> None:
        """Write one heartbeat."""
        await self._row.beat()

    async def keep_up(self) -> None:
        """Announce and beat until cancelled. Storage that is away costs a heartbeat, nothing else."""
        turns = 0
        while True:
            try:
                state = sorted(self._kinds()), sorted(self._serving.running.values()), [*self._serving.leases]
                if turns == 0:  # before the first beat, which takes the place of the other's row
                    await self._warn_of_namesake()
                # Before the kinds: those that no worker lists are forgotten.
                await self._row.beat_if_due(state)
                if turns % _ANNOUNCE_EVERY == 0:
                    await self._announcer.announce(self._name)
                turns += 1
            except UnknownOutcomeError as error:
                logger.warning("writing the heartbeat failed", extra={at.ERROR_MESSAGE: str(error)})
            await self._clock.sleep(HEARTBEAT_SECONDS)

    async def _warn_of_namesake(self) -> None:
        """Log when another process has this worker's name and seems to be alive."""
        for other in await self._directory.workers():
            is_other = other.worker == self._name and other.properties.get("start_id") != self._start_id
            if is_other and pulse(other, self._clock.now()) is Pulse.ALIVE:
                process = f"process {other.properties.get('pid')} on {other.properties.get('host')}"
                reason = (
                    f"{process} was heard at {other.seen_at:%H:%M:%S} UTC under this name. "
                    "Unless it has just ended, give each worker another TURNSTILE_WORKER_NAME or host name."
                )
                logger.warning("worker name is in use", extra={at.REASON: reason})

    async def stop(self) -> None:
        """Write that the worker was stopped in order, unless that takes too long."""
        await self._row.stop()

    async def _record(self, stopped_at: datetime | None) -> None:
        drain = await self._directory.record_heartbeat(self._document(stopped_at))
        if self._is_draining is (drain is not None):
            return
        self._is_draining = drain is not None
        if drain is not None:
            reason = f"as {drain.actor} said: {drain.reason}" if drain.reason else f"as {drain.actor} said"
            logger.info("worker drains: it takes no new jobs", extra={at.REASON: reason})
        else:
            logger.info("worker takes jobs again")
        await self._serving.drain(is_draining=self._is_draining)
        if stopped_at is None:
            # So that who waits for it need not wait for the next heartbeat.
            await self._directory.record_heartbeat(self._document(None))

    def _document(self, stopped_at: datetime | None) -> Worker:
        return Worker(
            worker=self._name,
            seen_at=self._clock.now(),
            started_at=self._started_at,
            stopped_at=stopped_at,
            kinds=sorted(self._kinds()),
            running=sorted(self._serving.running.values()),
            properties=dict(self._properties),
            leases=list(self._serving.leases),
            takes_jobs=self._serving.takes_jobs,
            pools=list(self._placement.pools),
            custom_properties=dict(self._placement.properties),
            kind_limits=dict(self._placement.kind_limits),
        )
