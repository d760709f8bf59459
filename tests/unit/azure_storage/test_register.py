"""The register: two rows per job in the shard of its id, written in one transaction."""

import hashlib
import json
import re
import uuid
from datetime import UTC, datetime

import pytest
from tests.unit.azure_storage.answers import ETAG, batch, page, part, row, stored, table_error, table_refusal
from tests.unit.azure_storage.fake_service import FakeService, Prepared

from azure_storage.calls import CallOutcome
from azure_storage.journal import TableJournal
from azure_storage.register import SHARDS, shard
from coordination.ports import (
    AccessDeniedError,
    ActiveJob,
    AlreadyRegisteredError,
    InvalidTransactionError,
    Journal,
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


@pytest.fixture
def journal(service: FakeService) -> Journal:
    return TableJournal(service.connection)


def test_ids_are_spread_over_sixteen_shards_for_ever_the_same() -> None:
    assert shard("an-id") == SHARD
    # Changing this would lose every registered job.
    assert [shard(f"job-{n}") for n in range(6)] == [
        hashlib.sha256(f"job-{n}".encode()).hexdigest()[0] for n in range(6)
    ]
    assert {shard(str(uuid.UUID(int=n))) for n in range(500)} == set(SHARDS) == set("0123456789abcdef")


async def test_both_rows_are_written_at_once_or_neither(service: FakeService, journal: Journal) -> None:
    service.answer = batch(part(204, f"ETag: {ETAG}"), part(204, f"ETag: {ETAG}"))
    await journal.register(JOB)
    assert service.asked == [("POST", "/$batch")]
    text = service.bodies[0].decode()
    assert re.findall(r"(\w+) http://\S+/account/(\S+) HTTP", text) == [("POST", "JobIndex")] * 2
    assert [json.loads(line) for line in re.findall(r"^\{.*\}\r$", text, re.MULTILINE)] == [
        {"PartitionKey": SHARD, "RowKey": "job|an-id", **PLACE, "request_hash": "hash"},
        {"PartitionKey": SHARD, "RowKey": "active|an-id", **PLACE},
    ]
    assert [call.operation for call in service.calls] == ["journal.register"]


async def test_a_registration_that_is_malformed_is_not_an_id_that_is_taken(
    service: FakeService, journal: Journal
) -> None:
    service.answer = batch(part(400, body=table_error("PropertyValueTooLarge", "0:no")))
    with pytest.raises(InvalidTransactionError, match=r"row job\|an-id: no"):
        await journal.register(JOB)


async def test_a_job_is_looked_up_in_its_shard(service: FakeService, journal: Journal) -> None:
    service.answer = row("job|an-id", **PLACE, request_hash="hash")
    assert await journal.find("an-id") == JOB
    assert service.asked == [("GET", f"/JobIndex(PartitionKey='{SHARD}',RowKey='job|an-id')")]
    assert [call.operation for call in service.calls] == ["journal.find"]


async def test_active_jobs_are_those_of_every_shard(service: FakeService, journal: Journal) -> None:
    pages = [page(stored("active|an-id", **PLACE), stored("active|other|id", **PLACE), following="active|x")]
    service.answers = [*pages, *[page()] * 15, page(stored("active|third", **PLACE))]
    service.answer = page()
    active = [job async for job in journal.active()]
    assert sorted(job.job_id for job in active) == ["an-id", "other|id", "third"]
    assert ActiveJob("an-id", JOB.lock_name, JOB.partition, MOMENT) in active
    filters = {request.query["$filter"] for request in service.requests}
    assert filters == {
        f"PartitionKey eq '{each}' and RowKey ge 'active|' and RowKey lt 'active}}'" for each in SHARDS
    }
    assert {call.operation for call in service.calls} == {"journal.active"}


@pytest.mark.parametrize("position", [0, 7, 15])
async def test_one_shard_without_an_answer_leaves_unknown_which_jobs_are_active(
    service: FakeService, journal: Journal, position: int
) -> None:
    first = page(stored("active|an-id", **PLACE), following="active|b")
    service.answers = [*[first] * position, table_refusal(503), *[first] * (15 - position)]
    service.answer = page()
    with pytest.raises(UnknownOutcomeError):
        async for _ in journal.active():
            pass
    # The error waits for the others, so that none of them is left running.
    assert len(service.calls) == 1 + 15 * 2


async def test_retiring_deletes_the_active_row_alone(service: FakeService, journal: Journal) -> None:
    service.answer = Prepared(204)
    await journal.retire("an-id")
    assert service.asked == [("DELETE", f"/JobIndex(PartitionKey='{SHARD}',RowKey='active|an-id')")]
    assert service.requests[0].headers["If-Match"] == "*"
    assert [(call.operation, call.outcome) for call in service.calls] == [("journal.retire", CallOutcome.OK)]


async def test_retiring_what_is_retired_is_harmless(service: FakeService, journal: Journal) -> None:
    service.answer = table_refusal(404, "ResourceNotFound")
    await journal.retire("an-id")
    assert len(service.requests) == 1


@pytest.mark.parametrize(
    ("status", "expected"), [(409, UnknownOutcomeError), (503, UnknownOutcomeError), (403, AccessDeniedError)]
)
async def test_a_job_is_retired_only_when_the_store_says_so(
    service: FakeService, journal: Journal, status: int, expected: type[Exception]
) -> None:
    service.answer = table_refusal(status)
    with pytest.raises(expected) as raised:
        await journal.retire("an-id")
    assert type(raised.value) is expected
    assert len(service.requests) == 1


@pytest.mark.parametrize("status", [404, 409, 412])
async def test_a_registration_that_is_refused_is_of_an_id_that_is_taken(
    service: FakeService, journal: Journal, status: int
) -> None:
    service.answer = batch(part(status, body=table_error("SomeCode", "0:no")))
    with pytest.raises(AlreadyRegisteredError):
        await journal.register(JOB)
