"""The publisher as a process, and the command line in front of it."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from deploy.processes.ports import reserved
from deploy.servers.private import Azurite, RabbitMQ
from tests.waiting import until

pytestmark = pytest.mark.integration


@dataclass
class Process:
    """A publisher in a process of its own."""

    popen: "subprocess.Popen[bytes]"
    url: str


@pytest.fixture
def process(rabbitmq: RabbitMQ, azurite: Azurite, storage_namespace: str) -> Iterator[Process]:
    with reserved(1) as (port,):
        environment = {
            **os.environ,
            "TURNSTILE_RABBITMQ_URL": rabbitmq.url,
            "TURNSTILE_RABBITMQ_NAMESPACE": storage_namespace,
            "TURNSTILE_STORAGE_CONNECTION_STRING": azurite.connection_string,
            "TURNSTILE_STORAGE_NAMESPACE": storage_namespace,
            "TURNSTILE_PORT": str(port),
        }
        popen = subprocess.Popen([sys.executable, "-m", "publisher"], env=environment, stdout=subprocess.PIPE)
        try:
            yield Process(popen, f"http://127.0.0.1:{port}")
        finally:
            popen.kill()
            popen.communicate()


async def wait_until_ready(process: Process) -> None:
    async def is_ready() -> bool:
        async with httpx.AsyncClient(trust_env=False) as client:
            try:
                answer = await client.get(f"{process.url}/health/ready")
            except httpx.TransportError:
                return False
            return set(answer.json()["checks"].values()) == {"ok"}

    await until(is_ready)


async def turnstile(process: Process, *words: str) -> tuple[int, str, str]:
    command = [sys.executable, "-c", "from command_line.main import app; app()", *words, "--url", process.url]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


async def test_a_stop_ends_open_streams_at_once(process: Process) -> None:
    await wait_until_ready(process)
    async with httpx.AsyncClient(base_url=process.url, trust_env=False) as client:
        job_id = (await client.post("/api/v1/jobs", json={"kind": "ten-steps"})).json()["job_id"]
        async with client.stream("GET", f"/api/v1/jobs/{job_id}/stream") as stream:
            chunks = stream.aiter_text()
            assert "Submitted" in await anext(chunks) + await anext(chunks)
            began = time.monotonic()
            process.popen.send_signal(signal.SIGTERM)
            async for _ in chunks:
                pass
            assert time.monotonic() - began < 3
    assert await asyncio.to_thread(process.popen.wait, 10) == 0
    assert time.monotonic() - began < 6


async def test_the_commands_work_on_the_real_thing(process: Process) -> None:
    await wait_until_ready(process)
    code, out, _ = await turnstile(
        process, "submit", "ten-steps", "--lock", "a/b", "-p", "seconds=0", "--json"
    )
    assert code == 0
    job_id = json.loads(out)["job_id"]
    code, out, _ = await turnstile(process, "locks", "a/b", "--json")
    assert json.loads(out)["line"] == [job_id]
    code, out, _ = await turnstile(process, "show", job_id)
    assert "number 1 in the line of a/b" in out

    watching = asyncio.create_task(turnstile(process, "watch", job_id))
    code, out, _ = await turnstile(process, "cancel", job_id)
    assert (code, out) == (0, "The job is cancelled.\n")
    code, out, _ = await watching
    assert code == 3
    assert "Cancelled" in out
    code, _, error = await turnstile(process, "cancel", job_id)
    assert (code, error) == (2, "Error: The job has already ended: Cancelled.\n")
