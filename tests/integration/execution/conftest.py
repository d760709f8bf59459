"""A pool of real runner processes, shared by the tests of a module."""

import pytest_asyncio
from tests.integration.execution import rig

from service_defaults.secrets import Redaction
from worker.execution import RunnerPool


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pool():
    pool = RunnerPool(
        2,
        [rig.JOBS],
        cancel_grace_seconds=0.4,
        memory_limit_bytes=400 * 1024 * 1024,
        environment=rig.environment(),
        redact=Redaction().text,
    )
    await pool.start()
    yield pool
    await pool.stop()
