"""The settings of the worker."""

import os
import re
import socket
from typing import Annotated

from pydantic import Field, field_validator

from contracts.jobs import usable_name
from contracts.policies import DEFAULT_POOL
from contracts.telemetry.names import Source
from coordination.times import LeaseTimes
from service_defaults.settings import ServiceSettings

#: Pools and properties of a worker, characters of a property's name and value, and jobs of a kind.
_MOST_POOLS, _MOST_PROPERTIES, _LONGEST_NAME, _LONGEST_VALUE, _MOST_JOBS = 16, 32, 64, 256, 256


def pairs_in(text: str) -> dict[str, str]:
    """Read `name=value` pairs separated by commas. Raises ValueError for anything else."""
    pairs: dict[str, str] = {}
    for pair in text.split(",") if text.strip() else ():
        name, sign, value = (part.strip() for part in pair.partition("="))
        if not name or not sign or not value:
            raise ValueError(f"must be name=value pairs separated by commas, not {pair.strip()!r}")
        if name in pairs:
            raise ValueError(f"must have each name once: {name!r} is there twice")
        pairs[name] = value
    return pairs


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

    #: The pools whose jobs this worker runs, separated by commas.
    pools: str = DEFAULT_POOL

    #: What kinds may distribute their jobs by, as `name=value` separated by commas, such as
    #: `machine=premium,zone=eu`.
    worker_properties: str = ""

    #: How many jobs of a kind this worker runs at the same time, as `kind=number` separated by commas; other
    #: kinds are limited by the concurrency alone. What does not fit is left to other workers.
    kind_limits: str = ""

    @field_validator("pools")
    @classmethod
    def _names_pools(cls, value: str) -> str:
        names = [usable_name(name.strip()) for name in value.split(",")]
        if len(names) > _MOST_POOLS:
            raise ValueError(f"must name at most {_MOST_POOLS} pools")
        return ",".join(sorted(set(names)))

    @field_validator("worker_properties")
    @classmethod
    def _has_properties(cls, value: str) -> str:
        pairs = pairs_in(value)
        if len(pairs) > _MOST_PROPERTIES:
            raise ValueError(f"must have at most {_MOST_PROPERTIES} properties")
        for name, text in pairs.items():
            if not 1 <= len(name) <= _LONGEST_NAME or ":" in name or len(text) > _LONGEST_VALUE:
                raise ValueError(
                    f"must have names of 1 to {_LONGEST_NAME} characters without a colon, and values of at "
                    f"most {_LONGEST_VALUE}: {name[:_LONGEST_NAME]!r}"
                )
        return value

    @field_validator("kind_limits")
    @classmethod
    def _has_limits(cls, value: str) -> str:
        for kind, number in pairs_in(value).items():
            usable_name(kind)
            if not re.fullmatch("[0-9]{1,3}", number) or not 1 <= int(number) <= _MOST_JOBS:
                raise ValueError(f"must say from 1 to {_MOST_JOBS} jobs for the kind {kind}, not {number!r}")
        return value

    @field_validator("jobs")
    @classmethod
    def _names_modules(cls, value: str) -> str:
        names = [name.strip() for name in value.split(",")]
        if not all(all(part.isidentifier() for part in name.split(".")) for name in names):
            raise ValueError("must be Python module names separated by commas")
        return ",".join(names)

    @property
    def pool_names(self) -> list[str]:
        """The pools whose jobs it runs."""
        return self.pools.split(",")

    @property
    def properties_by_name(self) -> dict[str, str]:
        """What kinds may distribute their jobs by."""
        return pairs_in(self.worker_properties)

    @property
    def limits_by_kind(self) -> dict[str, int]:
        """How many jobs of a kind it runs at the same time, for kinds that have a limit."""
        return {kind: int(number) for kind, number in pairs_in(self.kind_limits).items()}

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
