"""Which workers may run a job: those of its pool that know its kind and that its distribution chooses."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import lru_cache
from typing import Protocol

from contracts.heartbeats import Pulse, pulse
from contracts.jobs import Worker
from contracts.policies import DEFAULT_POOL, UNFIT_SECONDS, ByProperty
from coordination.journal.rows import JobRow


class Distribution(Protocol):
    """A strategy that distributes the jobs of a kind among the workers of their pool."""

    def choose(self, job: JobRow, workers: Sequence[Worker]) -> Sequence[Worker]:
        """Return those of these workers that may run a job; none when it fits none of them.

        The workers are alive, take jobs, serve the job's pool and know its kind. A worker that has not read
        the worker directory yet asks with itself alone.
        """

    def wanted(self, job: JobRow) -> str:
        """Return what a worker must have to be chosen, for people; empty when any may be."""


@dataclass(frozen=True)
class PropertyDistribution:
    """Chooses workers whose property has the value of the job's; all of them for a job without it."""

    job: str
    worker: str

    def choose(self, job: JobRow, workers: Sequence[Worker]) -> Sequence[Worker]:
        """Return the workers that have the job's value."""
        value = self._value_of(job)
        if value is None:
            return workers
        return [one for one in workers if one.custom_properties.get(self.worker) == value]

    def wanted(self, job: JobRow) -> str:
        """Return the property and the value that a worker must have."""
        value = self._value_of(job)
        return "" if value is None else f"{self.worker}={value}"

    def _value_of(self, job: JobRow) -> str | None:
        found = json.loads(job.properties).get(self.job)
        return found if isinstance(found, str) else None


def distribution_as_text(said: ByProperty | None) -> str | None:
    """Return a distribution as a job's row has it."""
    return None if said is None else json.dumps(asdict(said), separators=(",", ":"))


@lru_cache(maxsize=256)
def said_distribution(text: str) -> ByProperty | None:
    """Read the distribution of a job's row; None for a strategy that this release does not know."""
    said = json.loads(text)
    if said.get("strategy") != ByProperty.strategy:
        return None
    return ByProperty(str(said["job"]), str(said["worker"]))


def distribution_of(job: JobRow) -> Distribution | None:
    """Return how a job is distributed; None when any worker of its pool may run it."""
    said = said_distribution(job.distribution) if job.distribution else None
    return None if said is None else PropertyDistribution(said.job, said.worker)


def pool_of(job: JobRow) -> str:
    """Return the pool of a job."""
    return job.pool or DEFAULT_POOL


def is_able(worker: Worker, job: JobRow, now: datetime) -> bool:
    """Return whether a worker is alive, takes jobs, serves the pool of a job and knows its kind."""
    return _is_there(worker, now) and pool_of(job) in worker.pools and job.kind in worker.kinds


def why_no_worker(job: JobRow, workers: Sequence[Worker], now: datetime) -> str | None:
    """Return, for people, why none of these workers may run a job; None when one may."""
    pool = pool_of(job)
    of_pool = [worker for worker in workers if _is_there(worker, now) and pool in worker.pools]
    if not of_pool:
        return f"no worker of pool {pool} is there"
    able = [worker for worker in of_pool if job.kind in worker.kinds]
    if not able:
        return f"no worker of pool {pool} knows the kind {job.kind}"
    distribution = distribution_of(job)
    if distribution is not None and not distribution.choose(job, able):
        wanted = distribution.wanted(job)
        return (
            f"no worker of pool {pool} has the property {wanted}: "
            f"any of them may run the job after {UNFIT_SECONDS:.0f} s"
        )
    return None


def _is_there(worker: Worker, now: datetime) -> bool:
    return worker.takes_jobs and worker.drain is None and pulse(worker, now) is Pulse.ALIVE
