"""Publishes that an instance of a service is there, and what it says of itself."""

import logging
import os
import socket
from collections.abc import Callable, Mapping
from importlib.metadata import version

from pydantic import JsonValue

from contracts.jobs import Instance
from contracts.telemetry import attributes as at
from coordination.ports import Clock, UnknownOutcomeError
from coordination.worker_directory import WorkerDirectory

#: Seconds between two heartbeats.
HEARTBEAT_SECONDS = 10.0

logger = logging.getLogger(__name__)


class InstanceHeartbeat:
    """The instance's row in the worker directory. `details` returns what the service says of itself now."""

    def __init__(
        self,
        service: str,
        directory: WorkerDirectory,
        clock: Clock,
        details: Callable[[], Mapping[str, JsonValue]],
    ) -> None:
        self._service = service
        self._directory = directory
        self._clock = clock
        self._details = details
        self._instance = instance_name()
        self._started_at = clock.now()
        self._version = version(f"turnstile-{service}")

    async def beat(self) -> None:
        """Write one heartbeat."""
        await self._directory.record_instance(
            Instance(
                service=self._service,
                instance=self._instance,
                seen_at=self._clock.now(),
                started_at=self._started_at,
                version=self._version,
                details=dict(self._details()),
            )
        )

    async def keep_up(self) -> None:
        """Beat until cancelled. Storage that is away costs a heartbeat, nothing else."""
        while True:
            try:
                await self.beat()
            except UnknownOutcomeError as error:
                logger.warning("writing the heartbeat failed", extra={at.ERROR_MESSAGE: str(error)})
            await self._clock.sleep(HEARTBEAT_SECONDS)


def instance_name() -> str:
    """Return the name of this process, by which telemetry knows it, too."""
    return f"{socket.gethostname()}-{os.getpid()}"
