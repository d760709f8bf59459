"""The checksum job on real runners and on real blobs: killed in the middle, it ends with the right digest."""

import asyncio
import hashlib
import json
import os
import signal
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from azure.storage.blob import ContainerClient, ContainerSasPermissions, generate_container_sas
from tests.integration.execution.rig import FakeRun, environment, runners
from tests.waiting import until

from coordination.outcomes import Completed, Failed, Interrupted
from worker.execution import RunnerPool

pytestmark = pytest.mark.integration

CONTENT = b"".join(b"%08d and some more\n" % number for number in range(100_000))
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@asynccontextmanager
async def pool_with(**variables):
    pool = RunnerPool(1, ["sample_jobs"], environment={**environment(), **variables})
    await pool.start()
    try:
        yield pool
    finally:
        await pool.stop()


async def test_a_job_that_is_killed_in_the_middle_goes_on_with_the_next_chunk(tmp_path):
    (tmp_path / "data").write_bytes(CONTENT)
    async with pool_with(TURNSTILE_INPUT_FOLDER=str(tmp_path)) as pool:
        first = FakeRun("checksum-file", {"path": "data", "chunk_bytes": 65_536, "pause_ms": 20})
        task = asyncio.create_task(first.on(pool))
        await until(lambda: len(first.steps) >= 5)
        (runner,) = runners(pool)
        os.kill(runner, signal.SIGKILL)
        outcome = await task
        assert outcome == Interrupted("the runner process was killed by signal SIGKILL", died=True)

        second = first.next_attempt()
        outcome = await second.on(pool)
        result = json.loads(outcome.result)
        assert result["sha256"] == DIGEST
        assert result["lines"] == 100_000
        done = [step.name for step in first.steps + second.steps]
        assert done == [f"chunk {number}" for number in range(1, result["chunks"] + 1)]


@pytest.fixture
def container(azurite, storage_namespace):
    client = ContainerClient.from_connection_string(azurite.connection_string, storage_namespace)
    client.create_container()
    signature = generate_container_sas(
        client.account_name,
        storage_namespace,
        account_key=client.credential.account_key,
        permission=ContainerSasPermissions(read=True),
        expiry=datetime.now(UTC) + timedelta(hours=1),
    )
    yield client, f"{client.url}?{signature}"
    client.close()


async def test_a_blob_is_read_by_ranges_and_a_change_or_absence_is_told(container):
    client, url = container
    client.upload_blob("folder/data", CONTENT)
    async with pool_with(TURNSTILE_INPUT_CONTAINER_URL=url) as pool:
        parameters = {"blob": "folder/data", "chunk_bytes": 500_000}
        run = FakeRun("checksum-file", parameters)
        outcome = await run.on(pool)
        assert isinstance(outcome, Completed), outcome
        assert json.loads(outcome.result)["sha256"] == DIGEST
        assert len(run.steps) == 5

        run = FakeRun("checksum-file", {**parameters, "pause_ms": 100})
        run.before_write = lambda: client.upload_blob("folder/data", CONTENT, overwrite=True)
        assert await run.on(pool) == Failed("FailJob", "blob 'folder/data' has changed while it was read")

        outcome = await FakeRun("checksum-file", {"blob": "none"}).on(pool)
        assert outcome == Failed("FailJob", "blob 'none' does not exist")


async def test_a_wrong_signature_is_told_without_showing_it(container):
    client, url = container
    client.upload_blob("data", CONTENT)
    async with pool_with(TURNSTILE_INPUT_CONTAINER_URL=url.replace("sig=", "sig=0")) as pool:
        outcome = await FakeRun("checksum-file", {"blob": "data"}).on(pool)
        assert outcome == Failed("FailJob", "blob 'data' may not be read with the configured signature")
