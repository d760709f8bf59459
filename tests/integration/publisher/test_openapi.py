"""The OpenAPI document against the real publisher: every request it allows or forbids, and chains of them.

FUZZ_EXAMPLES is how many requests each operation gets in each phase, FUZZ_SEED what they are drawn from.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from deploy.servers.private import Azurite, RabbitMQ
from fastapi import FastAPI
from tests.integration.audit_projector.running import projector
from tests.integration.publisher.running import running, settings_for
from tests.waiting import until

from audit_projector.settings import AuditProjectorSettings
from contracts.following import JobResult
from contracts.jobs import Accepted
from coordination.ports import Registration
from publisher.use_cases.results import JobResults
from publisher.use_cases.stream import JobStream

pytestmark = pytest.mark.integration

_ROOT = Path(__file__).parents[3]
_EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "20"))

# A batch with a wrong job is answered with 200, and the wrong job with a problem of its own.
_CONFIGURATION = """
[[operations]]
include-name = "POST /api/v1/jobs:batch"
[operations.checks]
negative_data_rejection.enabled = false
"""


@dataclass(frozen=True)
class _ShortStream(JobStream):
    """Ends after a moment, as streams do when a publisher is stopped: that of a waiting job has no end."""

    longest: float = 0.3

    async def follow(self, registration: Registration, after: int = 0) -> AsyncIterator[bytes]:
        until = time.monotonic() + self.longest
        async for piece in super().follow(registration, after):
            yield piece
            if time.monotonic() > until:
                return


class _ShortWaits(JobResults):
    """Waits for a moment where up to 50 seconds are asked for."""

    async def get(self, job_id: str, wait: float = 0, *more: Any) -> JobResult | Accepted:
        return await super().get(job_id, min(wait, 0.3), *more)


def shorten_waits(app: FastAPI) -> None:
    uses = app.state.use_cases
    old = uses.stream
    stream = _ShortStream(old.journal, old.register, old.clock, old.is_stopping, quick=0.1)
    results = _ShortWaits(old.journal, old.register, old.clock, stream)
    app.state.use_cases = replace(uses, stream=stream, results=results)


@pytest.mark.timeout(900)
async def test_the_publisher_does_what_its_document_says_whatever_it_is_asked(
    rabbitmq: RabbitMQ, azurite: Azurite, tmp_path: Path
) -> None:
    settings = settings_for(rabbitmq.url, azurite.connection_string)
    names = settings.model_dump(include={"rabbitmq_url", "rabbitmq_namespace", "storage_connection_string"})
    beside = AuditProjectorSettings(**names, storage_namespace=settings.storage_namespace, port=0)
    # The projector fills the lists, so that pages, cursors and what stands in them are tried, too.
    async with running(settings, shorten_waits) as publisher, projector(beside):
        await until(publisher.is_ready)
        seed = os.environ.get("FUZZ_SEED", "1")
        configuration = tmp_path / "schemathesis.toml"
        configuration.write_text(_CONFIGURATION)
        command = [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(configuration)),
            *("run", f"{publisher.url}/openapi.json"),
            *("--max-examples", str(_EXAMPLES), "--seed", seed, "--mode", "all"),
            *("--continue-on-failure", "--request-timeout", "30", "--no-color"),
        ]
        environment = os.environ | {
            "SCHEMATHESIS_HOOKS": "tests.integration.publisher.openapi_formats",
            "PYTHONPATH": str(_ROOT),
        }
        done = await asyncio.to_thread(
            subprocess.run, command, cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "33 passed" in done.stdout, "some operations were not tried:\n" + done.stdout
        assert await publisher.is_ready()
        # Nothing was answered with an empty page alone.
        events = (await publisher.client.get("/api/v1/events", params={"limit": 1})).json()
        locks = (await publisher.client.get("/api/v1/locks", params={"limit": 1})).json()
        assert events["next"]
        assert locks["next"]
