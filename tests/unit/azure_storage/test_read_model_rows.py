"""What is written into the read models is what is read from them, over the wire and with values missing."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from azure.data.tables import EntityProperty
from tests.unit.azure_storage.answers import ETAG, page, sent, stored, written
from tests.unit.azure_storage.documents import EVENT, JOB, LATER, LOCK_RUN, MOMENT, SUMMARY, entry, summary
from tests.unit.azure_storage.fake_service import FakeService

from azure_storage.read_models import lock_rows, rows
from azure_storage.read_models.keys import inverted_minute, summary_key
from azure_storage.read_models.tables import Tables
from contracts.jobs import Kind, Worker
from read_models.documents import KnownLock, LockRun, Watermark
from read_models.ordering import event_order, inverted_time

MINUTE = inverted_minute(MOMENT)


async def through_the_store(service: FakeService, row: dict[str, Any]) -> Any:
    """Send a row, and return it as it is when it comes back."""
    tables = Tables(service.connection)
    service.answer = written()
    await tables.upsert("Some", [row])
    service.answer = page(stored("", **json.loads(service.bodies[-1])))
    (found,) = await tables.page("Some", "PartitionKey eq @p", {"p": ""}, 1)
    return found


def values(service: FakeService) -> dict[str, Any]:
    return sent(service.bodies[0])


@pytest.mark.parametrize(
    "missing", [{}, {"fence": None}, {"worker": None}, {"trace_id": None}, {"data": {}}, {"message": ""}]
)
@pytest.mark.parametrize("make", [rows.trail_row, rows.recent_row])
async def test_an_event_comes_back_as_it_was(
    service: FakeService, make: Any, missing: dict[str, Any]
) -> None:
    given = entry(**missing)
    back = rows.read_event(await through_the_store(service, make(given)))
    assert back == given.event
    assert back.timestamp_utc.utcoffset() == MOMENT.utcoffset()


async def test_an_event_is_kept_under_its_job_with_the_chain_it_belongs_to(service: FakeService) -> None:
    await through_the_store(service, rows.trail_row(entry()))
    row = values(service)
    assert (row["PartitionKey"], row["RowKey"]) == (JOB, f"{JOB}-000003")
    assert (row["Hash"], row["PreviousHash"]) == ("a hash", "the one before")
    assert "ChainBroken" not in row
    assert row["Fence"] == str(2**40)
    assert row["Fence@odata.type"] == "Edm.Int64"
    assert row["TimestampUtc@odata.type"] == "Edm.DateTime"
    # As it stands in the journal, where it takes no more room than a value may.
    assert row["Data"] == json.dumps(EVENT.data, ensure_ascii=False, separators=(",", ":"))


def test_an_entry_that_does_not_fit_the_one_before_is_marked() -> None:
    assert rows.trail_row(replace(entry(), is_broken=True))["ChainBroken"] is True


def test_a_recent_event_is_kept_by_its_time_and_without_the_chain() -> None:
    row = rows.recent_row(entry())
    assert row["PartitionKey"] == MINUTE
    assert row["RowKey"] == event_order(MOMENT, 2**40, JOB, 3)
    assert not {"Hash", "PreviousHash"} & set(row)
    assert rows.recent_row(entry(fence=None))["RowKey"] == event_order(MOMENT, None, JOB, 3)


@pytest.mark.parametrize(
    "missing",
    [
        {},
        {"trace_id": None},
        {"started_at": None},
        {"finished_at": None},
        {"queued_at": None, "cancel_requested": False},
        {"finalized": True},
        {"name": "", "worker": None, "error": None, "fence": None, "attempt": 0, "properties": {}},
    ],
)
async def test_a_summary_comes_back_as_it_was(service: FakeService, missing: dict[str, Any]) -> None:
    given = summary(**missing)
    found = await through_the_store(service, rows.summary_row(given, Watermark(9, "h", 2**40)))
    assert rows.read_summary(found) == given
    assert (found["ProjectedHash"], found["RunningFence"].value) == ("h", 2**40)


def test_a_summary_is_kept_by_the_time_of_its_submission() -> None:
    row = rows.summary_row(SUMMARY, Watermark(9, "h"))
    assert (row["PartitionKey"], row["RowKey"]) == summary_key(JOB, MOMENT)
    assert summary_key(JOB, MOMENT) == (MINUTE, f"{inverted_time(MOMENT)}|{JOB}")
    assert row["ProjectedSeq"] == 9


def test_a_row_of_an_earlier_version_is_read_without_what_it_left_empty() -> None:
    row = rows.summary_row(SUMMARY, Watermark(9, "h"))
    later = ("Property_", "QueuedAt", "CancelRequested")
    earlier = {name: value for name, value in row.items() if not name.startswith(later)}
    empty = {"Fence": 0, "Worker": "", "ErrorType": "", "ErrorMessage": ""}
    nothing: dict[str, Any] = {"fence": None, "worker": None, "error": None, "properties": {}}
    nothing |= {"queued_at": None, "cancel_requested": False}
    assert rows.read_summary(earlier | empty) == summary(**nothing)


async def test_a_tenure_comes_back_as_it_was_with_its_version(service: FakeService) -> None:
    found = await through_the_store(
        service, lock_rows.lock_run_row("a-partition", LOCK_RUN) | {"Overlap": "mine"}
    )
    back = lock_rows.read_lock_run(found)
    assert back == replace(LOCK_RUN, overlap="mine")
    assert back.etag == ETAG
    assert back.runs == {f"Run_{JOB.replace('-', '_')}_2"}


async def test_what_a_lock_run_of_an_earlier_version_does_not_tell_is_not_known(service: FakeService) -> None:
    row = lock_rows.lock_run_row("a-partition", LOCK_RUN)
    later = {"Kind", "Name", "QueuedAt", "LastEventAt", "EndedBy", "RunnerDied"}
    assert later <= row.keys()
    earlier = {name: value for name, value in row.items() if name not in later}
    back = lock_rows.read_lock_run(await through_the_store(service, earlier))
    unknown: dict[str, Any] = {"kind": None, "name": None, "queued_at": None, "last_event_at": None}
    assert back == replace(LOCK_RUN, **unknown, ended_by=None, runner_died=None)


@pytest.mark.parametrize(
    ("half", "names"),
    [
        (LockRun("a", 7), set()),
        (LockRun("a", 7, ended_at=LATER, outcome="Failed", ended_in="op"), {"Until", "Outcome", "EndedIn"}),
        (
            LockRun("a", 7, worker="w", tenure="t", began_at=MOMENT, begun_in="op"),
            {"Worker", "Tenure", "From", "BegunIn"},
        ),
        (LockRun("a", 7, job_id="j-1"), {"JobId"}),
        (LockRun("a", 7, attempt=1), {"Attempt"}),
        (LockRun("a", 7, kind="k", name=""), {"Kind", "Name"}),
        (LockRun("a", 7, queued_at=MOMENT, last_event_at=LATER), {"QueuedAt", "LastEventAt"}),
        (LockRun("a", 7, ended_by="w", runner_died=False), {"EndedBy", "RunnerDied"}),
        (LockRun("a", 7, job_id="j-1", attempt=1), {"JobId", "Attempt", "Run_j_1_1"}),
    ],
)
def test_what_is_not_known_of_a_lock_run_is_left_as_it_stands(half: LockRun, names: set[str]) -> None:
    row = lock_rows.lock_run_row("a-partition", half)
    assert set(row) == {"PartitionKey", "RowKey", "Lock", "Fence"} | names
    assert (row["PartitionKey"], row["RowKey"]) == ("a-partition", "000000000000000007")


def test_the_runs_of_one_fence_have_values_of_their_own() -> None:
    runs = [("j-1", 1), ("j-1", 2), ("j-2", 1), ("j-1", 11)]
    named = {
        name
        for job_id, attempt in runs
        for name in lock_rows.lock_run_row("p", LockRun("a", 7, job_id, attempt))
        if name.startswith("Run_")
    }
    assert named == {"Run_j_1_1", "Run_j_1_2", "Run_j_2_1", "Run_j_1_11"}


async def test_a_lock_comes_back_as_it_was(service: FakeService) -> None:
    lock = KnownLock("Köln's", "k-ln-s-0123", 2**40, LATER)
    found = await through_the_store(service, lock_rows.lock_row("locks", lock))
    back = lock_rows.read_lock(found | {"RowKey": "k-ln-s-0123"})
    assert (back, back.used_at) == (lock, LATER)
    row = lock_rows.lock_row("locks", KnownLock("a", "a-1", 0))
    assert "UsedAt" not in row
    assert lock_rows.read_lock(await through_the_store(service, row) | {"RowKey": "a-1"}).used_at is None
    assert values(service)["PartitionKey"] == "locks"
    assert values(service)["LastFence@odata.type"] == "Edm.Int64"


def kind(length: int, sign: str = "x") -> Kind:
    """Return a kind whose JSON has so many characters."""
    empty = Kind(kind="k", parameters={"t": ""}, published_at=MOMENT)
    room = length - len(empty.model_dump_json())
    return empty.model_copy(update={"parameters": {"t": sign * room}})


CHUNK = rows._LONGEST_TEXT


@pytest.mark.parametrize(
    ("length", "chunks"), [(240, 1), (CHUNK, 1), (CHUNK + 1, 2), (2 * CHUNK, 2), (2 * CHUNK + 1, 3)]
)
@pytest.mark.parametrize("sign", ["x", "\U0001f512"])
async def test_a_long_document_comes_back_whole(
    service: FakeService, length: int, chunks: int, sign: str
) -> None:
    document = kind(length, sign)
    assert len(document.model_dump_json()) == length
    found = await through_the_store(service, rows.document_row("kinds", "k", document))
    assert Kind.model_validate_json(rows.read_document(found)) == document
    texts = [value for name, value in found.items() if name.startswith("Json")]
    assert len(texts) == found["Chunks"] == chunks
    # The store takes 64 KiB in UTF-16.
    assert all(len(text.encode("utf-16-le")) <= 64 * 1024 for text in texts)


async def test_a_document_that_became_shorter_is_read_without_the_rest_of_the_old_one(
    service: FakeService,
) -> None:
    worker = Worker(worker="w", seen_at=MOMENT)
    row = rows.document_row("workers", "w", worker)
    assert set(row) == {"PartitionKey", "RowKey", "Chunks", "Json0"}
    found = await through_the_store(service, row | {"Json1": "rest"})
    assert Worker.model_validate_json(rows.read_document(found)) == worker


def test_a_moment_comes_back_to_the_microsecond_and_in_utc() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    row = rows.recent_row(entry(timestamp_utc=moment))
    assert rows.read_event({**row, "Fence": EntityProperty(7, "Edm.Int64")}).timestamp_utc == moment
    assert rows.read_event(row).fence == 2**40
