"""Hostile lock names, ids and filters through the real API, the real broker, and on to the real storage."""

import asyncio
import json
import os
import random
import uuid
from base64 import urlsafe_b64encode
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from urllib.parse import quote

import aio_pika
import httpx
import pytest
from deploy.servers.private import Azurite, RabbitMQ
from tests.integration.audit_projector.running import projector
from tests.integration.fuzz.hostile_names import EDGES, FILTERS, IDS, JOB
from tests.integration.publisher.running import Running, channel_to, count, running, settings_for
from tests.unit.contracts.test_hostile_names import spelling
from tests.waiting import until

from audit_projector.settings import AuditProjectorSettings
from azure_storage.connection import StorageConnection
from azure_storage.installation import connect
from azure_storage.leases import BlobLeases
from azure_storage.read_models import TableReadModels
from azure_storage.register import TableRegister
from contracts import lock_names, topology
from contracts.statuses import JobStatus
from read_models.filters import JobFilter

pytestmark = pytest.mark.integration

_NAMES = max(int(os.environ.get("FUZZ_NAMES", "10000")) // 100, 50)


@dataclass
class Installation:
    """A publisher with a projector behind it, and the storage they share."""

    publisher: Running
    storage: StorageConnection
    register: TableRegister
    models: TableReadModels

    async def get(self, *parts: str) -> httpx.Response:
        address = "/".join(quote(part, safe="").replace(".", "%2E") for part in parts)
        return await self.publisher.client.get(f"/api/v1/{address}")


@pytest.fixture
async def place(rabbitmq: RabbitMQ, azurite: Azurite) -> AsyncIterator[Installation]:
    settings = settings_for(rabbitmq.url, azurite.connection_string)
    names = settings.model_dump(include={"rabbitmq_url", "rabbitmq_namespace", "storage_connection_string"})
    beside = AuditProjectorSettings(**names, storage_namespace=settings.storage_namespace, port=0)
    async with AsyncExitStack() as stack:
        publisher = await stack.enter_async_context(running(settings))
        await stack.enter_async_context(projector(beside))
        await until(publisher.is_ready)
        storage = await stack.enter_async_context(_closing(connect(settings)))
        models = TableReadModels(storage)
        yield Installation(publisher, storage, TableRegister(storage), models)


@asynccontextmanager
async def _closing(storage: StorageConnection) -> AsyncIterator[StorageConnection]:
    try:
        yield storage
    finally:
        await storage.aclose()


def expected(text: str) -> str | None:
    """Return the name that a text stands for; None when it must be refused."""
    try:
        return lock_names.normalise(text)
    except lock_names.LockNameError:
        return None


async def submit_over_http(place: Installation, text: str) -> str | None:
    """Submit a job under a name; returns its id, or None when it was refused, with the reason."""
    body = json.dumps({"kind": "ten-steps", "lock": text})
    answer = await place.publisher.client.post(
        "/api/v1/jobs", content=body, headers={"content-type": "application/json"}
    )
    name = expected(text)
    if name is not None:
        assert (answer.status_code, answer.json().get("lock")) == (202, name)
        return str(answer.json()["job_id"])
    assert answer.status_code in {400, 422}, text
    assert answer.headers["content-type"] == "application/problem+json"
    if answer.status_code == 422:
        assert [error["field"] for error in answer.json()["errors"]] == ["lock"]
    if "\ud800" not in text:
        asked = await place.get("locks", text)
        # A line break in an address leads nowhere.
        assert (asked.status_code, "\n" in text) in {(422, False), (422, True), (404, True)}
        assert "no_such_lock" not in asked.text
    return None


async def submit_over_the_broker(place: Installation, texts: list[str]) -> dict[str, str]:
    """Submit a job under each name by message; returns the names by the ids of those that are accepted."""
    names = place.publisher.settings.topology
    sent = {str(uuid.uuid4()): text for text in texts}
    async with channel_to(place.publisher.settings) as channel:
        exchange = await channel.get_exchange(names.jobs_exchange)
        for job_id, text in sent.items():
            job = {"kind": "ten-steps", "lock": text, "job_id": job_id}
            body = json.dumps({"version": 1, "job": job}).encode()
            await exchange.publish(aio_pika.Message(body), topology.SUBMIT)
        accepted = {job_id: text for job_id, text in sent.items() if expected(text) is not None}

        async def all_are_settled() -> bool:
            return await count(channel, names.submissions_queue) == 0 and (
                await count(channel, names.quarantine_queue) == len(sent) - len(accepted)
            )

        await until(all_are_settled)
    return accepted


async def test_every_name_is_the_right_lock_or_refused(place: Installation) -> None:
    chooser = random.Random(int(os.environ.get("FUZZ_SEED", "1")))
    texts = EDGES + [spelling(chooser) for _ in range(_NAMES)]
    jobs: dict[str, set[str]] = defaultdict(set)
    for text in texts:
        job_id = await submit_over_http(place, text)
        if job_id is not None:
            jobs[expected(text) or ""].add(job_id)
    for job_id, text in (await submit_over_the_broker(place, texts)).items():
        jobs[expected(text) or ""].add(job_id)

    partitions: dict[str, str] = {}
    for name, ids in jobs.items():
        # Each job is found by its id, each lock by its name in any spelling, and in the storage apart.
        lock = (await place.get("locks", name)).json()
        assert (lock["lock"], set(lock["line"]), lock["waiting"]) == (name, ids, len(ids))
        for job_id in ids:
            state = (await place.get("jobs", job_id)).json()
            assert (state["job_id"], state["lock"]) == (job_id, name)
            found = await place.register.find(job_id)
            assert found is not None
            assert partitions.setdefault(found.partition, name) == name
    assert len(partitions) == len(jobs)

    leases = BlobLeases(place.storage)
    for partition in partitions:
        await leases.acquire(partition, 60, str(uuid.uuid4()), 5.0)
    blobs = [blob.name async for blob in place.storage.locks.list_blobs()]
    assert sorted(blobs) == sorted(partitions)

    async def all_is_projected() -> bool:
        return len([name async for name in _locks(place)]) == len(jobs)

    await until(all_is_projected)
    assert {name async for name in _locks(place)} == set(jobs)
    for name, ids in jobs.items():

        async def its_jobs_are_listed(name: str = name, ids: set[str] = ids) -> bool:
            page = await place.models.jobs(JobFilter(lock=name), 200)
            return {summary.job_id for summary in page.items} == ids

        await until(its_jobs_are_listed)


async def _locks(place: Installation) -> AsyncIterator[str]:
    cursor: str | None = ""
    while cursor is not None:
        asked = {"limit": "200"} | ({"cursor": cursor} if cursor else {})
        page = (await place.publisher.client.get("/api/v1/locks", params=asked)).json()
        for lock in page["items"]:
            yield lock["lock"]
        cursor = page["next"]


@pytest.mark.parametrize("path", ["", "/events", "/stream", "/cancel"])
async def test_an_id_that_is_none_is_not_found(place: Installation, path: str) -> None:
    client = place.publisher.client
    method = "POST" if path == "/cancel" else "GET"
    for job_id in IDS:
        answer = await client.request(
            method, f"/api/v1/jobs/{quote(job_id, safe='').replace('.', '%2E')}{path}"
        )
        assert answer.status_code in {400, 404, 405, 422}, (job_id, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        assert len(answer.content) < 2000
    accepted = (await place.publisher.submit(job_id=JOB.upper())).json()
    assert accepted["job_id"] == JOB
    answer = await client.get(f"/api/v1/jobs/{JOB.upper()}")
    assert answer.json()["job_id"] == JOB


async def test_a_filter_finds_what_is_equal_and_nothing_else(place: Installation) -> None:
    for lock in ("one", "two"):
        await place.publisher.submit(lock=lock)

    async def both_are_listed() -> bool:
        return len((await place.models.jobs(JobFilter(), 10)).items) == 2

    await until(both_are_listed)
    for hostile in FILTERS:
        for wanted in (
            JobFilter(lock=hostile),
            JobFilter(worker=hostile),
            JobFilter(kinds={hostile}),
            JobFilter(name_prefix=hostile or "x"),
            JobFilter(properties={hostile: hostile}),
        ):
            assert (await place.models.jobs(wanted, 10)).items == [], wanted
        assert await place.models.audit_trail(hostile) == []
    one = JobFilter(lock="one", statuses={JobStatus.QUEUED}, kinds={"ten-steps"})
    assert len((await place.models.jobs(one, 10)).items) == 1


@pytest.mark.parametrize("address", ["/api/v1/events", "/api/v1/locks", f"/api/v1/jobs/{JOB}/events"])
async def test_a_cursor_nobody_gave_is_refused(place: Installation, address: str) -> None:
    await place.publisher.submit(job_id=JOB)
    documents = ["[]", '["a"]', "[[[]]]", '{"a":1}']
    encoded = [urlsafe_b64encode(text.encode()).decode().rstrip("=") for text in documents]
    for cursor in [*FILTERS, "-1", "1e9", "٣", *encoded, "9" * 30]:
        answer = await place.publisher.client.get(address, params={"cursor": cursor})
        assert answer.status_code == 422, (cursor, answer.text)
        assert [error["field"] for error in answer.json()["errors"]] == ["cursor"]


async def test_a_hundred_hostile_questions_at_once_leave_it_ready(place: Installation) -> None:
    asked = [place.get("locks", text) for text in EDGES if "\ud800" not in text]
    answers = await asyncio.gather(*asked)
    assert {answer.status_code for answer in answers} == {404, 422}
    assert await place.publisher.is_ready()
