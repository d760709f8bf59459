"""Publishes that an instance of a service is there, and what it says of itself."""

import logging
from collections.abc import Callable, Container, Mapping
from datetime import datetime
from importlib.metadata import version

from pydantic import JsonValue

from contracts.heartbeats import HEARTBEAT_SECONDS
from contracts.jobs import Instance
from contracts.telemetry import attributes as at
from coordination.ports import Clock, UnknownOutcomeError
from coordination.worker_directory import WorkerDirectory
from service_defaults.directory_row import DirectoryRow
from service_defaults.instance_name import instance_name

logger = logging.getLogger(__name__)


class InstanceHeartbeat:
    """The instance's row in the worker directory. `details` returns what the service says of itself now.

    Of these, `times` change all the time, and are no reason to say it sooner.
    """

    def __init__(
        self,
        service: str,
        directory: WorkerDirectory,
        clock: Clock,
        details: Callable[[], Mapping[str, JsonValue]],
        times: Container[str] = (),
    ) -> None:
        self._service = service
        self._directory = directory
        self._clock = clock
        self._details = details
        self._times = times
        self._instance = instance_name()
        self._started_at = clock.now()
        self._version = version(f"turnstile-{service}")
        self._row = DirectoryRow(self._record, clock)

    async def keep_up(self) -> None:
        """Beat until cancelled. Storage that is away costs a heartbeat, nothing else."""
        while True:
            try:
                details = self._details()
                await self._row.beat_if_due(
                    {name: value for name, value in details.items() if name not in self._times}
                )
            except UnknownOutcomeError as error:
                logger.warning("writing the heartbeat failed", extra={at.ERROR_MESSAGE: str(error)})
            await self._clock.sleep(HEARTBEAT_SECONDS)

    async def stop(self) -> None:
        """Write that the instance was stopped in order, unless that takes too long."""
        await self._row.stop()

    async def _record(self, stopped_at: datetime | None) -> None:
        await self._directory.record_instance(
            Instance(
                service=self._service,
                instance=self._instance,
                seen_at=self._clock.now(),
                started_at=self._started_at,
                stopped_at=stopped_at,
                version=self._version,
                details=dict(self._details()),
            )
        )
