"""What submitting costs in requests to the storage, and that a lost answer to many loses none of them."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from deploy.servers import private
from tests.conformance.relay import Relay, relay_to, through
from tests.waiting import until

from azure_storage.calls import StorageCall
from azure_storage.connection import StorageConnection
from azure_storage.journal import TableJournal
from azure_storage.names import StorageNames
from azure_storage.register import TableRegister
from contracts.identifiers import new_id
from contracts.lock_names import partition
from coordination.clients.job_writer import JobWriter
from coordination.clients.submission import JobExistsError, NewJob, Submitter
from coordination.clock import SystemClock
from coordination.journal import rows
from coordination.ports import UnknownOutcomeError
from coordination.testing.memory import InMemoryNotifier

pytestmark = pytest.mark.integration

LOCK = "ledger"


@dataclass
class Place:
    """A publisher's protocol on a storage account, whose requests are counted and can be hurt."""

    submitter: Submitter
    journal: TableJournal
    calls: Counter[str]
    relay: Relay
    #: Tries whose outcome their callers did not hear.
    unknown: int = 0

    async def submit(self, count: int) -> list[str]:
        """Submit jobs at the same moment; returns their ids."""
        jobs = [NewJob(new_id(), new_id(), "nothing", LOCK, "{}", "test") for _ in range(count)]
        await asyncio.gather(*map(self._submit, jobs))
        return [job.job_id for job in jobs]

    async def _submit(self, job: NewJob) -> None:
        """Submit a job as callers do: again, with the same id, while the outcome is unknown."""
        while True:
            try:
                await self.submitter.submit(job)
            except UnknownOutcomeError:
                self.unknown += 1
            except JobExistsError as exists:
                if not exists.same_request:
                    raise
                return
            else:
                return

    async def stored(self, prefix: str) -> list[str]:
        """Return the keys of the lock's rows that begin so."""
        return [row.key for row in await self.journal.read_range(partition(LOCK), prefix)]


@asynccontextmanager
async def place_on(azurite: private.Azurite, namespace: str) -> AsyncIterator[Place]:
    calls: Counter[str] = Counter()

    def count(call: StorageCall) -> None:
        calls[call.operation] += not call.is_shared

    direct = StorageConnection.from_connection_string(
        azurite.connection_string, StorageNames(prefix=namespace)
    )
    await direct.prepare()
    async with relay_to(direct.table_url) as relay:
        storage = StorageConnection(
            direct.blob_url, through(relay, direct.table_url), direct.credential, direct.names, count
        )
        journal = TableJournal(storage, groups_transactions=True)
        writer = JobWriter(journal, InMemoryNotifier(), SystemClock())
        try:
            yield Place(Submitter(TableRegister(storage), writer), TableJournal(direct), calls, relay)
        finally:
            await storage.aclose()
            await direct.aclose()


@pytest.fixture
async def place(azurite: private.Azurite, storage_namespace: str) -> AsyncIterator[Place]:
    async with place_on(azurite, storage_namespace) as place:
        # The first marks that this process submits, as it does now and then.
        await place.submit(1)
        place.calls.clear()
        yield place


async def test_a_submission_alone_is_two_writes_and_no_read(place: Place) -> None:
    await place.submit(1)
    assert place.calls == {"journal.register": 1, "journal.commit": 1}


async def test_many_submissions_at_once_to_one_lock_share_their_requests(place: Place) -> None:
    ids = await place.submit(100)
    assert {key.rpartition("|")[2] for key in await place.stored("job|")} >= set(ids)
    # Sixteen shards; 33 submissions of three rows fit into one transaction.
    assert place.calls["journal.register"] <= 20, place.calls
    assert place.calls.total() <= 60, place.calls


async def test_a_thousand_submissions_at_once_to_one_lock_cost_less_than_a_tenth_of_a_request_each(
    place: Place,
) -> None:
    await place.submit(1000)
    # At best two requests in each of sixteen shards, and 31 for the lock.
    assert place.calls.total() <= 90, place.calls


async def test_each_submission_settles_itself_when_the_answer_to_many_is_lost(place: Place) -> None:
    place.relay.loses_answers = True
    submitting = asyncio.create_task(place.submit(40))
    # Every first request to a shard loses its answer, and so do some that are sent again.
    await until(lambda: place.relay.lost_answers >= 20)
    place.relay.loses_answers = False
    ids = await submitting
    # A request that many shared was lost to all of them.
    assert place.unknown >= 40
    jobs = await place.stored("job|")
    assert len(jobs) == 41
    for job_id in ids:
        assert await place.stored(rows.event_prefix(job_id)) == [rows.event_key(job_id, 1)]
    assert len(await place.stored(rows.TICKETS)) == 41
