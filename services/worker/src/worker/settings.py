"""The settings of the worker."""

import os
import socket
from typing import Annotated

from pydantic import Field, field_validator

from contracts.telemetry.names import Source
from coordination.times import LeaseTimes
from service_defaults.settings import ServiceSettings


class WorkerSettings(ServiceSettings):
    """The settings of a worker, in addition to those of every service."""

    source = Source.WORKER

    port: Annotated[int, Field(ge=0, le=65535)] = 8010

    #: The worker's name in the audit trail; unique among all workers. Default: host name and process id.
    worker_name: Annotated[str, Field(pattern=r"^[\x21-\x7e]{0,100}$")] = ""

    #: Modules with job handlers, separated by commas; only the runner processes import them.
    jobs: str = "sample_jobs"

    #: Jobs that run at the same time, each of another lock and in a process of its own.
    concurrency: Annotated[int, Field(ge=1, le=256)] = 2

    #: Length of a lease: a lost host's jobs wait about this long. Jobs survive a storage outage of two thirds
    #: of this time.
    lease_seconds: Annotated[float, Field(ge=15, le=60)] = 30.0

    #: How long an empty line is polled before its lock is released; 0 releases it at once.
    linger_seconds: Annotated[float, Field(ge=0, le=30)] = 0.0

    #: How long running jobs may continue after their worker receives a stop signal, before they are
    #: interrupted. What kills the worker must wait for this, the next setting and 10 seconds more.
    grace_seconds: Annotated[float, Field(ge=0, le=3600)] = 20.0

    #: How long a handler may take to stop when asked to, before its process is killed.
    cancel_grace_seconds: Annotated[float, Field(ge=0, le=600)] = 5.0

    #: Private memory of a runner process in MiB; a job that needs more fails. 0 sets no limit.
    runner_memory_mib: Annotated[int, Field(ge=0, le=1_048_576)] = 2048

    #: Private memory in MiB above which a runner process is replaced after a job, so that what libraries keep
    #: fails no other job. 0: what a new process has, and a quarter of what it has left below its limit.
    runner_reuse_mib: Annotated[int, Field(ge=0)] = 0

    #: How long a runner process may take to start: mostly the imports of the modules with jobs.
    runner_start_seconds: Annotated[float, Field(ge=1, le=3600)] = 60.0

    #: Minimum number of seconds between two writes of progress.
    progress_seconds: Annotated[float, Field(ge=0.1, le=60)] = 1.0

    #: How long a lock with a long line is held while other locks wait for a free place.
    longest_tenure_seconds: Annotated[float, Field(ge=1, le=86_400)] = 60.0

    @field_validator("jobs")
    @classmethod
    def _names_modules(cls, value: str) -> str:
        names = [name.strip() for name in value.split(",")]
        if not all(all(part.isidentifier() for part in name.split(".")) for name in names):
            raise ValueError("must be Python module names separated by commas")
        return ",".join(names)

    @property
    def jobs_modules(self) -> list[str]:
        """The modules with job handlers."""
        return self.jobs.split(",")

    @property
    def name(self) -> str:
        """The worker's name."""
        return self.worker_name or f"{socket.gethostname()}-{os.getpid()}"

    @property
    def lease_times(self) -> LeaseTimes:
        """The times that follow from the lease's length."""
        return LeaseTimes.of(self.lease_seconds)

    @property
    def runner_memory_bytes(self) -> int | None:
        """The runners' memory limit, if there is one."""
        return self.runner_memory_mib * 1024 * 1024 or None

    @property
    def runner_reuse_bytes(self) -> int | None:
        """The memory above which a runner is replaced; None leaves it to the runner."""
        return self.runner_reuse_mib * 1024 * 1024 or None
