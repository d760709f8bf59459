"""The publisher while RabbitMQ or the storage is away."""

import asyncio
import json
import time
import uuid
from pathlib import Path

import aio_pika
import pytest
from deploy.servers.private import Azurite, RabbitMQ, azurite
from tests.integration.publisher.running import channel_to, running, settings_for
from tests.waiting import until

from contracts import topology

pytestmark = pytest.mark.integration


async def test_submissions_are_accepted_while_rabbitmq_is_away(azurite: Azurite, tmp_path: Path) -> None:
    broker = RabbitMQ(tmp_path / "rabbitmq")
    try:
        async with running(settings_for(broker.url, azurite.connection_string)) as publisher:

            async def is_prepared() -> bool:
                return (await publisher.readiness())[1]["storage"] == "ok"

            await until(is_prepared)
            began = time.monotonic()
            answer = await publisher.submit(lock="ledger")
            took = time.monotonic() - began
            assert answer.status_code == 202
            assert took < 5
            status, checks = await publisher.readiness()
            assert status == 200, "it takes every job, so it must get them"
            assert checks["rabbitmq"] == "not connected to RabbitMQ"
            assert (await publisher.client.get("/health/live")).status_code == 200
            answer = await publisher.client.get("/api/v1/quarantine")
            assert (answer.status_code, answer.json()["type"]) == (
                503,
                "urn:turnstile:problem:broker_unavailable",
            )

            await asyncio.to_thread(broker.start)
            await until(publisher.is_ready)
            job_id = str(uuid.uuid4())
            command = {"version": 1, "job": {"kind": "ten-steps", "job_id": job_id}}
            async with channel_to(publisher.settings) as channel:
                exchange = await channel.get_exchange(publisher.settings.topology.jobs_exchange)
                await exchange.publish(aio_pika.Message(json.dumps(command).encode()), topology.SUBMIT)

            async def is_submitted() -> bool:
                return (await publisher.client.get(f"/api/v1/jobs/{job_id}/events")).status_code == 200

            await until(is_submitted)
            # A quorum queue killed within two seconds of its declaration may come back without a leader.
            await asyncio.sleep(4)
            await asyncio.to_thread(broker.kill)
            assert (await publisher.submit(lock="ledger")).status_code == 202
            assert (await publisher.client.get("/api/v1/quarantine")).status_code == 503

            async def is_not_ready() -> bool:
                return not await publisher.is_ready()

            await until(is_not_ready)
            await asyncio.to_thread(broker.start)
            await until(publisher.is_ready)
            assert (await publisher.client.get("/api/v1/quarantine")).json()["total"] == 0
    finally:
        await asyncio.to_thread(broker.close)


async def test_without_storage_nothing_is_promised_and_a_repetition_runs_once(
    rabbitmq: RabbitMQ, tmp_path: Path
) -> None:
    with azurite(tmp_path / "azurite", in_memory=True) as storage:
        async with running(settings_for(rabbitmq.url, storage.connection_string)) as publisher:
            await until(publisher.is_ready)
            storage.pause()
            began = time.monotonic()
            answer = await publisher.submit(lock="ledger")
            assert answer.status_code == 503
            assert time.monotonic() - began < 15
            assert not await publisher.is_ready()
            assert int(answer.headers["retry-after"]) > 0
            job_id = answer.json()["job_id"]

            storage.resume()
            await until(publisher.is_ready)
            again = await publisher.submit(lock="ledger", job_id=job_id)
            # The paused storage may still have carried out the first try, once it went on.
            assert (again.status_code, again.json().get("same_request")) in {(202, None), (409, True)}
            lock = (await publisher.client.get("/api/v1/locks/ledger")).json()
            assert lock["line"] == [job_id]


async def test_a_publisher_may_start_before_its_storage(rabbitmq: RabbitMQ, tmp_path: Path) -> None:
    storage = Azurite(tmp_path / "azurite", in_memory=True)
    try:
        async with running(settings_for(rabbitmq.url, storage.connection_string)) as publisher:
            assert (await publisher.submit()).status_code == 503
            await asyncio.to_thread(storage.start)
            await until(publisher.is_ready)
            assert (await publisher.submit()).status_code == 202
    finally:
        await asyncio.to_thread(storage.close)
