"""What the publisher reads from tables that others write."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from tests.integration.publisher.running import Running

from azure_storage.installation import connect
from azure_storage.read_models import TableReadModelWriter
from azure_storage.worker_directory import TableWorkerDirectory
from contracts import lock_names
from contracts.jobs import Event, Kind, Worker
from contracts.statuses import EventStatus
from read_models.documents import KnownLock, TrailEntry

pytestmark = pytest.mark.integration

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
async def writer(publisher: Running) -> AsyncIterator[TableReadModelWriter]:
    connection = connect(publisher.settings)
    yield TableReadModelWriter(connection)
    await connection.aclose()


@pytest.fixture
async def directory(publisher: Running) -> AsyncIterator[TableWorkerDirectory]:
    connection = connect(publisher.settings)
    yield TableWorkerDirectory(connection)
    await connection.aclose()


async def test_kinds_decide_what_is_accepted(publisher: Running, directory: TableWorkerDirectory) -> None:
    schema = {"type": "object", "properties": {"seconds": {"type": "number"}}, "additionalProperties": False}
    await directory.publish_kind(Kind(kind="ten-steps", parameters=schema, published_at=MOMENT))

    kinds = (await publisher.client.get("/api/v1/kinds")).json()["items"]
    assert [(kind["kind"], kind["parameters"]) for kind in kinds] == [("ten-steps", schema)]
    assert (await publisher.submit(parameters={"seconds": 1})).status_code == 202
    refused = await publisher.submit(parameters={"seconds": "1"})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "parameters.seconds")
    assert (await publisher.submit(kind="other")).status_code == 422

    await directory.publish_kind(Kind(kind="other", parameters={}, published_at=MOMENT))
    assert (await publisher.submit(kind="other")).status_code == 202


async def test_workers_are_listed_with_their_heartbeat(
    publisher: Running, directory: TableWorkerDirectory
) -> None:
    await directory.record_heartbeat(Worker(worker="w-1", seen_at=MOMENT, kinds=["ten-steps"]))

    workers = (await publisher.client.get("/api/v1/workers")).json()["items"]
    assert [(worker["worker"], worker["seen_at"]) for worker in workers] == [("w-1", "2026-01-01T00:00:00Z")]


async def test_recent_events_come_newest_first_and_in_pages(
    publisher: Running, writer: TableReadModelWriter
) -> None:
    for seq in range(1, 6):
        event = Event(
            job_id="018f6c3e-7b1a-7c4e-9d3a-0123456789ab",
            seq=seq,
            event_id=f"018f6c3e-7b1a-7c4e-9d3a-0123456789ab-{seq:06d}",
            status=EventStatus.STEP,
            message="load",
            timestamp_utc=MOMENT,
            attempt=1,
            fence=1,
            worker="w-1",
            lock="ledger",
            actor="api",
            trace_id=None,
            data={},
        )
        await writer.record_recent([TrailEntry(event, f"hash-{seq}", f"hash-{seq - 1}")])

    first = (await publisher.client.get("/api/v1/events?limit=3")).json()
    second = (
        await publisher.client.get("/api/v1/events", params={"limit": 3, "cursor": first["next"]})
    ).json()
    assert [event["seq"] for event in first["items"]] == [5, 4, 3]
    assert [event["seq"] for event in second["items"]] == [2, 1]
    assert second["next"] is None
    wrong = await publisher.client.get("/api/v1/events?cursor=nonsense")
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "cursor")


async def test_all_locks_are_listed_as_they_stand_now(
    publisher: Running, writer: TableReadModelWriter
) -> None:
    names = ["a", "Büro/7", "z"]
    await asyncio.gather(*(publisher.submit(lock=name) for name in names))
    for name in [*names, "never used"]:
        await writer.record_lock(KnownLock(name, lock_names.partition(name), 0))

    locks = (await publisher.client.get("/api/v1/locks")).json()["items"]
    assert sorted((lock["lock"], lock["waiting"]) for lock in locks) == [("Büro/7", 1), ("a", 1), ("z", 1)]
