"""The checker reads real tables and leases: what holds there holds, and what is missing in one is found."""

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.integration.proof.conftest import Written
from tests.unit.verification.authored import TRACEBACK, job_id
from tests.unit.verification.breaking import FIRST, SECOND, THIRD

from azure_storage.journal import TableJournal
from azure_storage.leases import BlobLeases
from coordination.journal import rows
from coordination.journal.limits import record_key
from coordination.ports import Insert, Transaction
from verification import Place, Scope

pytestmark = pytest.mark.integration

WAITING = job_id(51)
JOURNAL, INDEX, TRAIL = "Journal", "JobIndex", "JobAuditTrail"


@pytest.mark.parametrize("locks", [(), ("ledger", "busy")])
async def test_a_correct_history_holds_read_as_a_whole_or_lock_by_lock(
    written: Written, locks: tuple[str, ...]
) -> None:
    verdict = await written.verdict(scope=Scope(locks))
    assert verdict.violations == []
    assert (verdict.counts["jobs"], verdict.counts["events"]) == (8, 36)
    assert (verdict.counts["locks"], verdict.counts["unfinished"]) == (2, 3)
    assert (await written.verdict(scope=Scope(("busy",)))).counts["jobs"] == 3


async def test_rows_come_with_their_times_and_in_the_order_of_their_keys(written: Written) -> None:
    for author in (written.idle, written.busy):
        stored = [row async for page in written.evidence.journal(author.partition) for row in page]
        assert [row.key for row in stored] == [row.key for row in author.stored()]
        for row in stored:
            assert row.partition == author.partition
            assert row.committed is not None
            assert abs(datetime.now(UTC).timestamp() - row.committed) < 3600
    both = [row async for page in written.evidence.journal(None) for row in page]
    assert len(both) == len(written.idle.rows) + len(written.busy.rows)
    assert both == sorted(both, key=lambda row: (row.partition, row.key))


async def test_the_limits_and_the_slots_of_a_lock_are_read(written: Written) -> None:
    keys = [record_key(1), rows.lock_key(), rows.lock_key(1), rows.lock_key(63)]
    operations = [Insert(key, {"lock_name": "slots", "op_id": "limited"}) for key in keys]
    await TableJournal(written.connection).commit("slots", Transaction("limited", operations), 30.0)
    for partition in ("slots", None):
        read = [row async for page in written.evidence.journal(partition) for row in page]
        assert [row.key for row in read if row.partition == "slots"] == keys


async def test_one_job_is_read_with_its_events_and_its_row(written: Written) -> None:
    stored = await written.evidence.job(written.idle.partition, FIRST)
    assert [row.key for row in stored] == [
        *(rows.event_key(FIRST, seq) for seq in range(1, 7)),
        rows.job_key(FIRST),
    ]
    assert await written.evidence.job(written.idle.partition, WAITING) == []


async def test_a_line_is_read_up_to_its_first_ticket(written: Written) -> None:
    assert [row.key for row in await written.evidence.line(written.busy.partition)] == [
        rows.lock_key(),
        written.busy.jobs[WAITING].ticket_key,
    ]
    assert [row.key for row in await written.evidence.line(written.idle.partition)] == [rows.lock_key()]


async def test_the_register_and_the_list_of_active_jobs_are_read_from_all_shards(written: Written) -> None:
    registered = [place async for page in written.evidence.registered() for place in page]
    expected = {
        Place(job, author.partition) for author in (written.idle, written.busy) for job in author.jobs
    }
    assert len(registered) == 8
    assert set(registered) == expected
    active = [place async for page in written.evidence.active() for place in page]
    assert len(active) == 3
    assert set(active) == {Place(job, written.busy.partition) for job in written.busy.jobs}
    assert await written.evidence.find(FIRST) == Place(FIRST, written.idle.partition)
    assert await written.evidence.find(job_id(99)) is None


async def test_the_trail_of_one_job_or_of_all_is_read_with_their_traces(written: Written) -> None:
    of_one = [told async for page in written.evidence.trail(FIRST) for told in page]
    assert [told.key for told in of_one] == [f"{FIRST}-{seq:06d}" for seq in range(1, 7)]
    assert {told.partition for told in of_one} == {FIRST}
    assert all(told.trace_id for told in of_one)
    of_all = [told async for page in written.evidence.trail(None) for told in page]
    assert len(of_all) == 36
    assert of_one == [told for told in of_all if told.partition == FIRST]


@pytest.mark.parametrize("scope", [Scope(), Scope(("ledger", "busy"))])
async def test_a_job_that_is_missing_in_one_table_is_found(written: Written, scope: Scope) -> None:
    await written.delete(INDEX, f"job|{SECOND}")
    await written.delete(INDEX, f"active|{WAITING}")
    await written.delete(TRAIL, f"{FIRST}-000003")
    assert await written.broken(scope=scope) == {"I3": [SECOND], "I7": [FIRST], "I9": [WAITING]}


async def test_a_lease_that_is_held_on_an_idle_lock_is_found_until_it_is_released(written: Written) -> None:
    leases, lease = BlobLeases(written.connection), str(uuid.uuid4())
    for author in (written.idle, written.busy):
        await leases.acquire(author.partition, 60, lease, 30.0)
    (violation,) = (await written.verdict()).violations
    assert (violation.invariant.value, violation.lock) == ("I9", "ledger")
    await leases.release(written.idle.partition, lease, 30.0)
    assert await written.broken() == {}


async def test_a_value_of_a_type_that_is_never_written_is_found(written: Written) -> None:
    odd: list[dict[str, Any]] = [
        {"message": datetime(2026, 11, 21, tzinfo=UTC)},
        {"message": b"bytes"},
        {"seq": "four"},
        {"lock_name": 5},
        {"fence": 1e30},
    ]
    for values in odd:
        async with written.changed(JOURNAL, rows.event_key(FIRST, 4), **values):
            assert set((await written.broken(scope=Scope(("ledger",))))["I1"]) == {FIRST}, values
    (violation,) = (await written.verdict()).violations
    assert violation.invariant.value == "I2", "what was written again has the time of that"


@pytest.mark.parametrize("seq", [1, 4])
async def test_an_odd_value_in_the_trail_is_found(written: Written, seq: int) -> None:
    odd: list[dict[str, Any]] = [
        {"Message": datetime(2026, 11, 21, tzinfo=UTC)},
        {"Message": b"bytes"},
        {"Seq": "four"},
        {"Lock": 5},
        {"Attempt": "one"},
        {"TraceId": 7},
        {"EventId": "other"},
        {"ChainBroken": True},
        {"TimestampUtc": "yesterday"},
        {"Hash": uuid.UUID(int=5)},
    ]
    for values in odd:
        async with written.changed(TRAIL, f"{FIRST}-{seq:06d}", **values):
            found = await written.broken(scope=Scope(("ledger",)))
            assert {invariant: set(jobs) for invariant, jobs in found.items()} == {"I7": {FIRST}}, values
    assert await written.broken() == {}


@pytest.mark.parametrize("scope", [Scope(), Scope(("ledger", "busy"))])
async def test_lists_that_say_otherwise_are_found_where_they_are(written: Written, scope: Scope) -> None:
    fence = f"{2:018d}"
    async with (
        written.changed("LockRuns", fence, EndedBy="another", RunnerDied=False),
        written.changed("Locks", written.idle.partition, UsedAt=datetime(2026, 11, 21, tzinfo=UTC)),
    ):
        assert await written.broken(scope=scope) == {"I12": [SECOND, SECOND, None]}
    assert await written.broken(scope=scope) == {}
    await written.delete("LockRuns", fence)
    assert await written.broken(scope=scope) == {"I12": [SECOND]}


async def test_a_job_is_found_in_each_list_it_stands_in(written: Written) -> None:
    failed = written.idle.jobs[THIRD]
    places = [row.place async for page in written.evidence.listed_jobs() for row in page]
    assert sorted(place for place in places if place) == ["Cancelled", "Failed", "TakenOver", "TakenOver"]
    assert places.count("") == 8
    for place in ("", "Failed"):
        row = await written.evidence.listed_job(THIRD, failed.submitted_at, place)
        assert row is not None
        assert (row.place, row.values["ErrorType"], row.is_misplaced) == (place, "ValueError", False)
    assert await written.evidence.listed_job(THIRD, failed.submitted_at, "Cancelled") is None
    assert await written.evidence.traceback(written.idle.partition, THIRD) == TRACEBACK
    assert await written.evidence.traceback(written.idle.partition, FIRST) is None
