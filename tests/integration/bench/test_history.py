"""A history written for a measurement: finished jobs that nothing has to be done for."""

import asyncio
from datetime import UTC, datetime

import pytest
from bench.contestants.turnstile_history import write_history
from deploy.servers.private import Azurite
from tests.integration.proof.conftest import Written, written

from azure_storage.names import INDEX
from azure_storage.register import ACTIVE, TableRegister, shard

__all__ = ["written"]

pytestmark = pytest.mark.integration


@pytest.fixture
async def register(written: Written) -> TableRegister:
    """The register, in which all jobs count as active, as those do that ended a moment ago."""
    index = written.connection.table(written.connection.names.table(INDEX))
    for author in (written.idle, written.busy):
        place = {"lock_name": author.lock, "partition": author.partition}
        for job_id in author.jobs:
            key = {"PartitionKey": shard(job_id), "RowKey": f"{ACTIVE}{job_id}"}
            await index.upsert_entity({**key, **place, "registered_at": datetime.now(UTC).isoformat()})
    return TableRegister(written.connection, 30.0)


async def test_no_job_of_a_history_is_active(
    azurite: Azurite, storage_namespace: str, register: TableRegister
) -> None:
    before = {job.job_id async for job in register.active(datetime.now(UTC))}
    known = {row.job_id async for row in register.all()}
    assert before == known
    await asyncio.to_thread(write_history, azurite.connection_string, storage_namespace, 5)
    assert len([row async for row in register.all()]) == len(known) + 5
    assert {job.job_id async for job in register.active(datetime.now(UTC))} == before
