"""Writing the read models: repeated, late or at once, nothing older replaces what is newer."""

import asyncio
import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from tests.unit.azure_storage.answers import (
    ETAG,
    batch,
    inserted,
    page,
    part,
    row,
    sent,
    stored,
    table_refusal,
    written,
)
from tests.unit.azure_storage.documents import JOB, LATER, LOCK_RUN, MOMENT, entry, summary
from tests.unit.azure_storage.fake_service import FakeService, Prepared

from azure_storage.names import StorageNames
from azure_storage.read_models import Table, TableReadModelWriter, writing
from azure_storage.read_models.keys import summary_key
from contracts.statuses import JobStatus
from coordination.ports import UnknownOutcomeError
from read_models.documents import KnownLock, LockRun, StaleError, Watermark

ABSENT, CHANGED = table_refusal(404, "ResourceNotFound"), table_refusal(412)
V1, V2 = 'W/"1"', 'W/"2"'
MINUTE, KEY = summary_key(JOB, MOMENT)
SUMMARY_PATH = f"(PartitionKey='{MINUTE}',RowKey='{KEY}')"
#: A job in no rare state.
ENDED = summary(status=JobStatus.COMPLETED, interruptions=0)
LOCK_PATH = "/Locks(PartitionKey='locks',RowKey='p')"


@pytest.fixture
def writer(service: FakeService) -> TableReadModelWriter:
    service.answer = written()
    return TableReadModelWriter(service.connection)


def lock(fence: int) -> KnownLock:
    return KnownLock("a lock", "p", fence)


def stored_fence(fence: int) -> Prepared:
    return row("p", LastFence=str(fence), **{"LastFence@odata.type": "Edm.Int64"})


def written_fences(service: FakeService) -> list[tuple[str, str | None, str]]:
    """Return method, version and fence of every write."""
    return [
        (request.method, request.headers.get("If-Match"), sent(body)["LastFence"])
        for request, body in zip(service.requests, service.bodies, strict=True)
        if request.method != "GET"
    ]


async def test_events_go_into_the_trail_and_among_the_recent_ones(
    service: FakeService, writer: TableReadModelWriter
) -> None:
    await writer.record_trail([entry()])
    await writer.record_recent([entry()])
    assert [(method, path.partition("(")[0]) for method, path in service.asked] == [
        ("PUT", "/JobAuditTrail"),
        ("PUT", "/RecentEvents"),
    ]
    service.answers = [batch(part(204, "ETag: x"), part(204, "ETag: y"))]
    await writer.record_trail([entry(), entry(seq=4, event_id=f"{JOB}-000004")])
    assert service.bodies[-1].count(b"PUT http") == 2


async def test_what_is_stored_of_a_tenure_stays(service: FakeService, writer: TableReadModelWriter) -> None:
    await writer.record_lock_runs("p", [LockRun("a lock", 7, ended_at=LATER)])
    assert service.asked == [("PATCH", "/LockRuns(PartitionKey='p',RowKey='000000000000000007')")]
    assert "If-Match" not in service.requests[0].headers


@pytest.mark.parametrize(
    ("fence", "low", "high"), [(0, 0, 3), (1, 0, 4), (2, 0, 5), (3, 1, 6), (100, 98, 103)]
)
async def test_the_tenures_around_one_are_two_on_either_side(
    service: FakeService, writer: TableReadModelWriter, fence: int, low: int, high: int
) -> None:
    values = {"Lock": "a lock", "Fence": str(fence), "Fence@odata.type": "Edm.Int64", "JobId": JOB}
    service.answer = page(stored("k", **values))
    (found,) = await writer.lock_runs_around("it's", fence)
    assert (found.fence, found.job_id, found.etag) == (fence, JOB, ETAG)
    assert service.asked == [("GET", "/LockRuns()")]
    query = service.requests[0].query
    assert query["$filter"] == (
        f"PartitionKey eq 'it''s' and RowKey ge '{low:018d}' and RowKey lt '{high:018d}'"
    )
    assert query["$top"] == str(high - low)


async def test_an_overlap_is_marked_only_on_what_was_seen_to_overlap(
    service: FakeService, writer: TableReadModelWriter
) -> None:
    await writer.mark_overlap("p", replace(LOCK_RUN, etag=ETAG), "mine")
    listed = f"/Locks(PartitionKey='overlaps',RowKey='p|{2**40:018d}')"
    marked = f"/LockRuns(PartitionKey='p',RowKey='{2**40:018d}')"
    assert service.asked == [("PUT", listed), ("PATCH", marked)]
    assert service.requests[1].headers["If-Match"] == ETAG
    assert sent(service.bodies[1]) == {"PartitionKey": "p", "RowKey": f"{2**40:018d}", "Overlap": "mine"}
    service.answers = [written(V1), CHANGED]
    with pytest.raises(StaleError):
        await writer.mark_overlap("p", replace(LOCK_RUN, etag=ETAG), "mine")


async def test_a_lock_that_is_not_there_is_inserted_and_then_known(
    service: FakeService, writer: TableReadModelWriter
) -> None:
    service.answers = [ABSENT, inserted(V1), written(V2)]
    await writer.record_lock(lock(0))
    assert service.asked == [("GET", LOCK_PATH), ("POST", "/Locks")]
    assert sent(service.bodies[1])["Lock"] == "a lock"
    await writer.record_lock(lock(3))
    assert service.asked[2:] == [("PUT", LOCK_PATH)]
    for fence in (0, 2, 3):
        await writer.record_lock(lock(fence))
    await writer.record_lock(lock(4))
    assert written_fences(service) == [("POST", None, "0"), ("PUT", V1, "3"), ("PUT", V2, "4")]


@pytest.mark.parametrize(("there", "writes"), [(6, [("PUT", ETAG, "7")]), (7, []), (8, []), (2**40, [])])
async def test_a_lock_keeps_the_highest_fence_that_any_writer_stored(
    service: FakeService, writer: TableReadModelWriter, there: int, writes: list[Any]
) -> None:
    service.answers = [stored_fence(there)]
    await writer.record_lock(lock(7))
    assert written_fences(service) == writes


async def test_a_lock_that_another_has_moved_is_read_again(
    service: FakeService, writer: TableReadModelWriter
) -> None:
    service.answers = [stored_fence(5), CHANGED, stored_fence(6), CHANGED, stored_fence(9)]
    await writer.record_lock(lock(7))
    assert [method for method, _ in service.asked] == ["GET", "PUT", "GET", "PUT", "GET"]
    service.requests.clear()
    await writer.record_lock(lock(9))
    assert service.requests == []


async def test_a_lock_that_another_has_inserted_is_read_again(
    service: FakeService, writer: TableReadModelWriter
) -> None:
    service.answers = [ABSENT, table_refusal(409), stored_fence(6)]
    await writer.record_lock(lock(7))
    assert written_fences(service) == [("POST", None, "7"), ("PUT", ETAG, "7")]


async def test_those_who_wait_for_a_lock_find_the_highest_of_their_fences_written_at_once(
    service: FakeService, writer: TableReadModelWriter
) -> None:
    service.answers = [stored_fence(1)]
    await asyncio.gather(*(writer.record_lock(lock(fence)) for fence in (2, 5, 3, 4)))
    assert written_fences(service) == [("PUT", ETAG, "5")]


async def test_a_lock_is_in_use_since_the_moment_that_belongs_to_its_fence(
    service: FakeService, writer: TableReadModelWriter
) -> None:
    service.answers = [stored_fence(1)]
    starts = [replace(lock(fence), used_at=MOMENT + timedelta(seconds=fence)) for fence in (2, 5, 3, 4)]
    await asyncio.gather(*map(writer.record_lock, starts))
    (body,) = [body for body in service.bodies if b"LastFence" in body]
    assert datetime.fromisoformat(sent(body)["UsedAt"]) == MOMENT + timedelta(seconds=5)


async def test_a_lock_that_could_not_be_written_is_not_taken_for_written(
    service: FakeService, writer: TableReadModelWriter
) -> None:
    service.answers = [stored_fence(1), table_refusal(503)]
    with pytest.raises(UnknownOutcomeError):
        await writer.record_lock(lock(2))
    await writer.record_lock(lock(2))
    assert written_fences(service) == [("PUT", ETAG, "2")] * 2


async def test_what_is_known_of_locks_is_forgotten_when_there_are_too_many(
    service: FakeService, writer: TableReadModelWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "_MOST_LOCK_ROWS", 2)
    service.answer = stored_fence(7)
    reads = []
    for name in ("p1", "p2", "p1", "p3", "p1", "p2"):
        await writer.record_lock(KnownLock("a lock", name, 7))
        reads.append(len(service.requests))
    # With the third lock there are more than two; the next call forgets all.
    assert reads == [1, 2, 2, 3, 4, 5]


async def test_a_first_summary_is_one_request(service: FakeService, writer: TableReadModelWriter) -> None:
    service.answer = inserted(V1)
    assert await writer.record_summary(ENDED, Watermark(9, "h"), None) == V1
    assert service.asked == [("POST", "/JobSummaries")]
    values = sent(service.bodies[0])
    assert (values["PartitionKey"], values["RowKey"], values["ProjectedSeq"]) == (MINUTE, KEY, 9)


async def test_a_summary_replaces_only_the_version_that_it_was_made_from(
    service: FakeService, writer: TableReadModelWriter
) -> None:
    service.answer = written(V2)
    assert await writer.record_summary(ENDED, Watermark(9, "h"), V1) == V2
    assert service.asked == [("PUT", f"/JobSummaries{SUMMARY_PATH}")]
    assert service.requests[0].headers["If-Match"] == V1
    service.answer = CHANGED
    with pytest.raises(StaleError):
        await writer.record_summary(ENDED, Watermark(9, "h"), V1)


async def test_a_first_summary_is_stale_where_there_is_one(
    service: FakeService, writer: TableReadModelWriter
) -> None:
    service.answer = table_refusal(409)
    with pytest.raises(StaleError):
        await writer.record_summary(ENDED, Watermark(9, "h"), None)


async def test_a_watermark_is_read_from_the_summary(
    service: FakeService, writer: TableReadModelWriter
) -> None:
    fence = {"RunningFence": str(2**40), "RunningFence@odata.type": "Edm.Int64"}
    service.answers = [row(KEY, ProjectedSeq=9, ProjectedHash="h", **fence), ABSENT]
    mark = await writer.watermark(JOB, MOMENT)
    assert mark == Watermark(9, "h", 2**40, ETAG)
    assert type(mark.running_fence) is int
    assert service.asked == [("GET", f"/JobSummaries{SUMMARY_PATH}")]
    assert await writer.watermark(JOB, MOMENT) == Watermark(0, "", 0, None)


async def test_wiping_empties_what_is_derived_and_forgets_what_was_known(
    service: FakeService, writer: TableReadModelWriter
) -> None:
    service.answers = [stored_fence(7)]
    await writer.record_lock(lock(7))
    service.requests.clear()

    def answer(request: web.BaseRequest) -> Prepared:
        if request.path.endswith("/JobSummaries()"):
            return page(stored("1"), stored("2"))
        return batch(part(204), part(204)) if request.path.endswith("$batch") else page()

    service.answer = answer
    counts = await writer.wipe()
    derived = ["JobSummaries", "JobAuditTrail", "RecentEvents", "LockRuns", "Locks"]
    assert counts == dict.fromkeys(derived, 0) | {"JobSummaries": 2}
    assert [path for method, path in service.asked if method == "GET"] == [f"/{name}()" for name in derived]
    service.requests.clear()
    service.answers = [ABSENT, inserted()]
    await writer.record_lock(lock(7))
    assert [method for method, _ in service.asked] == ["GET", "POST"]


async def test_a_writer_keeps_to_the_names_of_its_installation(service: FakeService) -> None:
    service.connection.names = StorageNames(prefix="Blue")
    writer = TableReadModelWriter(service.connection)
    service.answer = written()
    await writer.record_trail([entry()])
    await writer.record_recent([entry()])
    await writer.record_summary(ENDED, Watermark(9, "h"), V1)
    await writer.record_lock_runs("p", [LOCK_RUN])
    service.answers = [stored_fence(1)]
    await writer.record_lock(lock(7))
    tables = [path.partition("(")[0] for method, path in service.asked if method != "GET"]
    assert tables == [f"/Blue{table}" for table in Table if table not in {Table.WORKERS, Table.KINDS}]
    service.answer = Prepared(201, headers={"ETag": ETAG, "Last-Modified": "Sat, 21 Nov 2026 01:47:05 GMT"})
    service.bodies.clear()
    await writer.prepare()
    created = [json.loads(body)["TableName"] for body in service.bodies if body]
    assert created == ["BlueJournal", "BlueJobIndex", "BlueSchedules", *(f"Blue{table}" for table in Table)]
    service.answer = page()
    await writer.check()
    assert service.asked[-1] == ("GET", "/BlueKinds()")
