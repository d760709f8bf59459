"""What a job costs in requests to the storage, counted at the real adapters on a real server."""

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

import pytest
from deploy.servers import private

from azure_storage.calls import StorageCall
from azure_storage.connection import StorageConnection
from azure_storage.journal import TableJournal
from azure_storage.leases import BlobLeases
from azure_storage.names import StorageNames
from azure_storage.register import TableRegister
from contracts.identifiers import new_id
from contracts.lock_names import partition
from coordination.clients.job_writer import JobWriter
from coordination.clients.submission import NewJob, Submitter
from coordination.clock import SystemClock
from coordination.holder.dispatcher import LockDispatcher
from coordination.holder.policy import HolderSettings, Ports, WorkerPolicy
from coordination.holder.runs import Run
from coordination.maintenance.pauses import Pace
from coordination.maintenance.sweeper import Sweeper
from coordination.observations import Observation, RunEnded
from coordination.outcomes import Completed, Outcome
from coordination.ports import WakeUp
from coordination.testing.memory import InMemoryNotifier
from coordination.times import LeaseTimes

pytestmark = pytest.mark.integration

LOCK = "ledger"
QUERIES = {"journal.read", "journal.read_range", "journal.find"}


async def _know_everything(jobs: Mapping[str, datetime]) -> dict[str, int]:
    """Stand for read models that have all events."""
    return dict.fromkeys(jobs, 1000)


class NoWork:
    """Executes jobs that have nothing to do."""

    async def execute(self, run: Run) -> Outcome:
        return Completed()


@dataclass
class Place:
    """A publisher's and a worker's protocol on one storage account, whose requests are counted."""

    submitter: Submitter
    dispatcher: LockDispatcher
    sweeper: Sweeper
    calls: Counter[str] = field(default_factory=Counter)
    observed: list[Observation] = field(default_factory=list)

    async def submit(self, lock: str = LOCK) -> None:
        new = NewJob(new_id(), new_id(), "nothing", lock, "{}", "test")
        await self.submitter.submit(new)

    async def run(self, jobs: int) -> None:
        """Answer a wake-up and let the worker follow its line to the end, and leave the lock."""
        self.observed.clear()
        await self.dispatcher.answer(WakeUp(LOCK))
        async with asyncio.timeout(60):
            await self.dispatcher.until_capacity(is_free=True)
        assert sum(isinstance(seen, RunEnded) for seen in self.observed) == jobs


@asynccontextmanager
async def place_on(azurite: private.Azurite, namespace: str) -> AsyncIterator[Place]:
    calls: Counter[str] = Counter()
    observed: list[Observation] = []

    def count(call: StorageCall) -> None:
        calls[call.operation] += not call.is_shared

    connection = StorageConnection.from_connection_string(
        azurite.connection_string, StorageNames(prefix=namespace), count
    )
    await connection.prepare()
    journal, clock = TableJournal(connection), SystemClock()
    ports = Ports(BlobLeases(connection), journal, InMemoryNotifier(), clock)
    dispatcher = LockDispatcher(
        ports,
        HolderSettings("worker", LeaseTimes.of(60)),
        WorkerPolicy(capacity=1),
        NoWork(),
        lambda _: True,
        observed.append,
    )
    swept = ports.leases, journal, TableRegister(connection)
    calls.clear()
    try:
        yield Place(
            Submitter(swept[-1], JobWriter(journal, ports.notifier, clock)),
            dispatcher,
            Sweeper(*swept, ports.notifier, clock, _know_everything, Pace(patience=-1.0)),
            calls,
            observed,
        )
    finally:
        await dispatcher.stop(0)
        await connection.aclose()


async def test_in_a_line_of_waiting_jobs_each_costs_one_transaction(
    azurite: private.Azurite, storage_namespace: str
) -> None:
    async with place_on(azurite, storage_namespace) as place:
        for _ in range(20):
            await place.submit()
        place.calls.clear()
        await place.run(20)
        # One for each job, and one that starts the first.
        assert place.calls["journal.commit"] == 20 + 1
        beside = {name: number for name, number in place.calls.items() if name not in QUERIES}
        assert set(beside) <= {
            "journal.commit",
            "leases.acquire",
            "leases.create",
            "leases.renew",
            "leases.release",
        }


async def test_a_lone_job_on_a_warm_lock_costs_at_most_eight_calls(
    azurite: private.Azurite, storage_namespace: str
) -> None:
    async with place_on(azurite, storage_namespace) as place:
        await place.submit()
        await place.run(1)
        place.calls.clear()
        await place.submit()
        await place.run(1)
        assert place.calls.total() <= 8, place.calls


async def test_a_sweep_over_forty_locks_that_are_held_asks_once_for_their_leases(
    azurite: private.Azurite, storage_namespace: str
) -> None:
    async with place_on(azurite, storage_namespace) as place:
        locks = [f"account {number}" for number in range(40)]
        for lock in locks:
            await place.submit(lock)
            await place.sweeper.leases.acquire(partition(lock), 60, str(uuid.uuid4()), 5.0)
        place.calls.clear()
        assert (await place.sweeper.sweep()).notified == 0
        assert place.calls["leases.list"] == 1, place.calls
        # Beside them the shards of the register, and a first look at each job.
        assert place.calls.total() <= 1 + 16 + 40, place.calls
        place.calls.clear()
        assert (await place.sweeper.look_again()).notified == 0
        assert place.calls == {"leases.list": 1}
