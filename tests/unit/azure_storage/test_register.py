"""The register: two rows per job in the shard of its id, written in one transaction."""

import hashlib
import json
import re
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from tests.unit.azure_storage.answers import (
    ETAG,
    batch,
    page,
    part,
    row,
    stored,
    table_error,
    table_refusal,
    written,
)
from tests.unit.azure_storage.fake_service import FakeService, Prepared, asked_for

from azure_storage import register as module
from azure_storage.calls import CallOutcome
from azure_storage.names import StorageNames
from azure_storage.register import SHARDS, TableRegister, shard
from coordination.ports import (
    AccessDeniedError,
    ActiveJob,
    AlreadyRegisteredError,
    DueRemoval,
    InvalidTransactionError,
    Registration,
    UnknownOutcomeError,
)

MOMENT = datetime(2026, 11, 21, 1, 47, 5, 840943, tzinfo=UTC)
JOB = Registration("an-id", "Köln's lock", "partition-of-it", "hash", MOMENT)
SHARD = hashlib.sha256(b"an-id").hexdigest()[0]
PLACE = {
    "lock_name": JOB.lock_name,
    "partition": JOB.partition,
    "registered_at": "2026-11-21T01:47:05.840943+00:00",
}

DUE = datetime(2026, 11, 21, 3, 0, tzinfo=timezone(timedelta(hours=2)))
LATER = PLACE | {"due_at": "2026-11-21T03:00:00+02:00"}


@pytest.fixture
def register(service: FakeService) -> TableRegister:
    return TableRegister(service.connection)


def test_ids_are_spread_over_sixteen_shards_for_ever_the_same() -> None:
    assert shard("an-id") == SHARD
    # Changing this would lose every registered job.
    assert [shard(f"job-{n}") for n in range(6)] == [
        hashlib.sha256(f"job-{n}".encode()).hexdigest()[0] for n in range(6)
    ]
    assert {shard(str(uuid.UUID(int=n))) for n in range(500)} == set(SHARDS) == set("0123456789abcdef")


async def test_both_rows_are_written_at_once_or_neither(
    service: FakeService, register: TableRegister
) -> None:
    service.answer = batch(part(204, f"ETag: {ETAG}"), part(204, f"ETag: {ETAG}"))
    await register.add(JOB)
    assert service.asked == [("POST", "/$batch")]
    text = service.bodies[0].decode()
    assert re.findall(r"(\w+) http://\S+/account/(\S+) HTTP", text) == [("POST", "JobIndex")] * 2
    assert [json.loads(line) for line in re.findall(r"^\{.*\}\r$", text, re.MULTILINE)] == [
        {"PartitionKey": SHARD, "RowKey": "job|an-id", **PLACE, "request_hash": "hash"},
        {"PartitionKey": SHARD, "RowKey": "active|an-id", **PLACE},
    ]
    assert [call.operation for call in service.calls] == ["journal.register"]


async def test_a_registration_that_is_malformed_is_not_an_id_that_is_taken(
    service: FakeService, register: TableRegister
) -> None:
    service.answer = batch(part(400, body=table_error("PropertyValueTooLarge", "0:no")))
    with pytest.raises(InvalidTransactionError, match=r"row job\|an-id: no"):
        await register.add(JOB)


async def test_a_job_is_looked_up_in_its_shard(service: FakeService, register: TableRegister) -> None:
    service.answer = row("job|an-id", **PLACE, request_hash="hash")
    assert await register.find("an-id") == JOB
    assert service.asked == [("GET", f"/JobIndex(PartitionKey='{SHARD}',RowKey='job|an-id')")]
    assert [call.operation for call in service.calls] == ["journal.find"]


async def test_active_jobs_are_those_of_every_shard(service: FakeService, register: TableRegister) -> None:
    pages = [
        page(
            stored("active|an-id", **PLACE),
            stored("due|2026-11-21T01:00:00.000000Z|other-id", **LATER),
            following="active|x",
        )
    ]
    service.answers = [*pages, *[page()] * 15, page(stored("active|third", **PLACE))]
    service.answer = page()
    active = [job async for job in register.active(MOMENT)]
    assert sorted(job.job_id for job in active) == ["an-id", "other-id", "third"]
    assert ActiveJob("an-id", JOB.lock_name, JOB.partition, MOMENT) in active
    assert ActiveJob("other-id", JOB.lock_name, JOB.partition, MOMENT, DUE) in active
    filters = {request.query["$filter"] for request in service.requests}
    assert filters == {
        f"PartitionKey eq '{each}' and RowKey ge 'active|' and RowKey lt 'due|2026-11-21T01:47:05.840943Z~'"
        for each in SHARDS
    }
    assert {call.operation for call in service.calls} == {"journal.active"}


@pytest.mark.parametrize("position", [0, 7, 15])
async def test_one_shard_without_an_answer_leaves_unknown_which_jobs_are_active(
    service: FakeService, register: TableRegister, position: int
) -> None:
    first = page(stored("active|an-id", **PLACE), following="active|b")
    service.answers = [*[first] * position, table_refusal(503), *[first] * (15 - position)]
    service.answer = page()
    with pytest.raises(UnknownOutcomeError):
        async for _ in register.active(MOMENT):
            pass
    # The error waits for the others, so that none of them is left running.
    assert len(service.calls) == 1 + 15 * 2


async def test_retiring_deletes_the_active_row_alone(service: FakeService, register: TableRegister) -> None:
    service.answer = Prepared(204)
    await register.retire("an-id")
    assert service.asked == [("DELETE", f"/JobIndex(PartitionKey='{SHARD}',RowKey='active|an-id')")]
    assert service.requests[0].headers["If-Match"] == "*"
    assert [(call.operation, call.outcome) for call in service.calls] == [("journal.retire", CallOutcome.OK)]


async def test_retiring_what_is_retired_is_harmless(service: FakeService, register: TableRegister) -> None:
    service.answer = table_refusal(404, "ResourceNotFound")
    await register.retire("an-id")
    assert len(service.requests) == 1


@pytest.mark.parametrize(
    ("status", "expected"), [(409, UnknownOutcomeError), (503, UnknownOutcomeError), (403, AccessDeniedError)]
)
async def test_a_job_is_retired_only_when_the_store_says_so(
    service: FakeService, register: TableRegister, status: int, expected: type[Exception]
) -> None:
    service.answer = table_refusal(status)
    with pytest.raises(expected) as raised:
        await register.retire("an-id")
    assert type(raised.value) is expected
    assert len(service.requests) == 1


@pytest.mark.parametrize("status", [404, 409, 412])
async def test_a_registration_that_is_refused_is_of_an_id_that_is_taken(
    service: FakeService, register: TableRegister, status: int
) -> None:
    service.answer = batch(part(status, body=table_error("SomeCode", "0:no")))
    with pytest.raises(AlreadyRegisteredError):
        await register.add(JOB)


async def test_a_job_that_is_due_later_is_kept_apart_under_its_due_time(
    service: FakeService, register: TableRegister
) -> None:
    service.answer = batch(part(204, f"ETag: {ETAG}"), part(204, f"ETag: {ETAG}"))
    await register.add(replace(JOB, due_at=DUE))
    rows = [json.loads(line) for line in re.findall(r"^\{.*\}\r$", service.bodies[0].decode(), re.MULTILINE)]
    assert [row["RowKey"] for row in rows] == ["job|an-id", "due|2026-11-21T01:00:00.000000Z|an-id"]
    service.answer = Prepared(204)
    await register.retire("an-id", DUE)
    assert [key for _, key in service.asked[1:]] == [
        f"/JobIndex(PartitionKey='{SHARD}',RowKey='due|2026-11-21T01:00:00.000000Z|an-id')"
    ]


async def test_a_mark_is_one_row_that_is_replaced(service: FakeService, register: TableRegister) -> None:
    service.answer = written()
    await register.mark("p1")
    assert service.asked == [("PUT", "/JobIndex(PartitionKey='marks',RowKey='p1')")]
    assert "If-Match" not in service.requests[0].headers
    assert [call.operation for call in service.calls] == ["journal.mark"]


async def test_all_marks_are_one_request(service: FakeService, register: TableRegister) -> None:
    service.answer = page(stored("p1"), stored("p2"))
    assert await register.marks() == {"p1": ETAG, "p2": ETAG}
    assert [request.query["$filter"].split(" and ")[0] for request in service.requests] == [
        "PartitionKey eq 'marks'"
    ]


async def test_a_mark_is_removed_at_the_version_that_was_seen(
    service: FakeService, register: TableRegister
) -> None:
    service.answer = Prepared(204)
    await register.unmark("p1", "v1")
    assert service.asked == [("DELETE", "/JobIndex(PartitionKey='marks',RowKey='p1')")]
    assert service.requests[0].headers["If-Match"] == "v1"
    for status in (404, 412):
        service.answer = table_refusal(status)
        await register.unmark("p1", "v1")


@pytest.mark.parametrize("status", [400, 409, 503])
async def test_a_refused_mark_is_no_mark(service: FakeService, register: TableRegister, status: int) -> None:
    service.answer = table_refusal(status)
    for ask in (register.mark("p1"), register.marks(), register.unmark("p1", "v1")):
        with pytest.raises(UnknownOutcomeError):
            await ask


async def test_every_job_ever_registered_is_gone_through(
    service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_CHUNK", 3)
    service.connection.names = StorageNames(prefix="Blue")
    jobs = [stored(f"job|{n}", **PLACE, request_hash=f"hash {n}") for n in range(7)]
    service.answers = [page(*jobs[:3]), page(*jobs[3:6]), page(), page(jobs[6])]
    service.answer = page()
    found = [job async for job in TableRegister(service.connection).all()]
    assert found == [replace(JOB, job_id=f"{n}", request_hash=f"hash {n}") for n in range(7)]
    condition = "PartitionKey eq '{}' and RowKey {} '{}' and RowKey lt 'job}}'".format
    assert asked_for(service) == [
        ("/BlueJobIndex()", condition("0", "ge", "job|"), "3"),
        ("/BlueJobIndex()", condition("0", "gt", "job|2"), "3"),
        ("/BlueJobIndex()", condition("0", "gt", "job|5"), "3"),
        *(("/BlueJobIndex()", condition(each, "ge", "job|"), "3") for each in SHARDS[1:]),
    ]
    assert {call.operation for call in service.calls} == {"journal.all"}


async def test_jobs_of_a_shard_without_an_answer_are_not_left_out(
    service: FakeService, register: TableRegister
) -> None:
    service.answers = [page()] * 15
    service.answer = table_refusal(503)
    with pytest.raises(UnknownOutcomeError):
        async for _ in register.all():
            pass


# --- jobs that leave -------------------------------------------------------------------


REMOVAL = DueRemoval("an-id", JOB.lock_name, JOB.partition, MOMENT)
REMOVAL_KEY = "removal|2026-11-21T01:47:05.840943Z|an-id"


async def test_a_retirement_notes_in_the_same_request_when_the_job_may_go(
    service: FakeService, register: TableRegister
) -> None:
    service.answer = batch(part(204), part(204, f"ETag: {ETAG}"))
    await register.retire("an-id", removal=REMOVAL)
    assert service.asked == [("POST", "/$batch")]
    text = service.bodies[0].decode()
    assert "RowKey='active%7Can-id'" in text
    assert f'"RowKey":"{REMOVAL_KEY}"' in text
    assert text.count("If-Match") == 1, "whatever was noted before is replaced"


async def test_what_is_due_is_read_from_all_shards_and_no_more_than_needed(
    service: FakeService, register: TableRegister
) -> None:
    values = {"lock_name": JOB.lock_name, "partition": JOB.partition, "removal_at": MOMENT.isoformat()}
    service.answers = [page(stored(REMOVAL_KEY, **values))]
    service.answer = page()
    assert await register.due_removals(MOMENT, 33) == [REMOVAL]
    assert len(service.requests) == 16
    _, condition, count = asked_for(service)[0]
    assert count == "3"
    assert "RowKey ge 'removal|'" in condition
    assert "RowKey lt 'removal|2026-11-21T01:47:05.840943Z~'" in condition
