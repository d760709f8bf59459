"""Lists are continued exactly where they ended, and ask for exactly what is wanted."""

import base64
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from tests.unit.azure_storage.answers import ETAG, page, row, stored, table_refusal
from tests.unit.azure_storage.documents import (
    EVENT,
    EVENT_VALUES,
    JOB,
    LOCK_RUN,
    SUMMARY_VALUES,
    entry,
)
from tests.unit.azure_storage.fake_service import FakeService, Prepared, asked_for

from azure_storage.calls import MissingTableError
from azure_storage.names import StorageNames
from azure_storage.read_models import Table, TableReadModels
from azure_storage.read_models.keys import inverted_minute
from azure_storage.read_models.rows import property_column
from contracts import lock_names
from contracts.statuses import JobStatus
from coordination.ports import UnknownOutcomeError
from read_models.cursors import CursorError, ForeignCursorError, read_cursor, write_cursor
from read_models.documents import KnownLock, TrailEntry
from read_models.filters import JobFilter
from read_models.lists import EVENTS, jobs_list, lock_runs_list, locks_list
from read_models.ordering import inverted_time, job_order

#: What the cursors of some lists begin with.
EVERY_JOB, RUNS = jobs_list(JobFilter()), lock_runs_list("a lock")

ABSENT = table_refusal(404, "ResourceNotFound")
NEWEST = (
    "PartitionKey ge '{0}' and ( PartitionKey gt '{0}' or RowKey gt '{1}' ) and PartitionKey lt ':'".format
)


@pytest.fixture
def models(service: FakeService) -> TableReadModels:
    service.answer = page()
    return TableReadModels(service.connection)


def events(*keys: tuple[str, str]) -> Prepared:
    return page(*(stored(key, of=minute, **EVENT_VALUES) for minute, key in keys))


def fences(*values: int) -> Prepared:
    rows = ({"Lock": "a lock", "Fence": str(n), "Fence@odata.type": "Edm.Int64"} for n in values)
    return page(*(stored(f"{n:018d}", **each) for n, each in zip(values, rows, strict=True)))


def lock_row(key: str, fence: int = 7) -> dict[str, Any]:
    number = {"LastFence": str(fence), "LastFence@odata.type": "Edm.Int64"}
    return stored(key, of="locks", Lock=f"lock {key}", **number)


async def test_recent_events_go_on_behind_the_last_one_given(
    service: FakeService, models: TableReadModels
) -> None:
    service.answers = [events(("1", "a"), ("1", "b"), ("2", "a")), events(("2", "a"))]
    first = await models.events(2)
    assert first.items == [EVENT, EVENT]
    assert first.next is not None
    assert read_cursor(EVENTS, first.next, 2) == ["1", "b"]
    second = await models.events(2, first.next)
    assert (second.items, second.next) == ([EVENT], None)
    assert asked_for(service) == [
        ("/RecentEvents()", NEWEST("", ""), "3"),
        ("/RecentEvents()", NEWEST("1", "b"), "3"),
    ]


async def test_a_page_that_is_just_full_is_the_last_one(
    service: FakeService, models: TableReadModels
) -> None:
    service.answer = events(("1", "a"), ("1", "b"))
    page_of_two = await models.events(2)
    assert (len(page_of_two.items), page_of_two.next) == (2, None)


WINDOW = (
    "PartitionKey ge '{0}' and ( PartitionKey gt '{0}' or RowKey gt '{1}' )"
    " and PartitionKey le '{2}' and ( PartitionKey lt '{2}' or RowKey lt '{3}' )".format
)
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
BEHIND_NOON = (inverted_minute(NOON), f"{inverted_time(NOON)}}}")


@pytest.mark.parametrize(
    ("wanted", "condition"),
    [
        (JobFilter(), ""),
        (JobFilter(statuses={JobStatus.RUNNING}), " and ( Status eq 'Running' )"),
        (
            JobFilter(statuses={JobStatus.QUEUED, JobStatus.FAILED}),
            " and ( Status eq 'Failed' or Status eq 'Queued' )",
        ),
        (JobFilter(kinds={"it's"}), " and ( Kind eq 'it''s' )"),
        (JobFilter(lock="@row or 1 eq 1"), " and ( Lock eq '@row or 1 eq 1' )"),
        (JobFilter(lock=""), " and ( Lock eq '' )"),
        (JobFilter(worker="w-1", lock="l"), " and ( Lock eq 'l' ) and ( Worker eq 'w-1' )"),
        (JobFilter(name_prefix="a n"), " and ( Name ge 'a n' and Name lt 'a n\uffff' )"),
        (
            JobFilter(properties={"team": "a"}),
            f""" and ( {property_column("team")} eq '["team", "a"]' )""",
        ),
    ],
)
async def test_the_storage_is_asked_for_the_jobs_that_are_wanted(
    service: FakeService, models: TableReadModels, wanted: JobFilter, condition: str
) -> None:
    assert (await models.jobs(wanted, 1, write_cursor(jobs_list(wanted), "1", "b"))).items == []
    query = WINDOW("1", "b", ":", "") + condition
    assert asked_for(service) == [("/JobSummaries()", query, "2")]


RARE = (
    "PartitionKey ge 'state|{0}|1' and ( PartitionKey gt 'state|{0}|1' or RowKey gt 'b' )"
    " and PartitionKey le 'state|{0}|:' and ( PartitionKey lt 'state|{0}|:' or RowKey lt '' ){1}".format
)


@pytest.mark.parametrize(
    ("wanted", "queries"),
    [
        (JobFilter(statuses={JobStatus.FAILED}), [RARE("Failed", "")]),
        (
            JobFilter(statuses={JobStatus.TIMED_OUT}, lock="l"),
            [RARE("TimedOut", " and ( Lock eq 'l' )")],
        ),
        (
            JobFilter(statuses={JobStatus.FAILED, JobStatus.CANCELLED}),
            [RARE("Cancelled", ""), RARE("Failed", "")],
        ),
        (JobFilter(taken_over=True), [RARE("TakenOver", "")]),
        (
            JobFilter(taken_over=True, statuses={JobStatus.FAILED}),
            [RARE("TakenOver", " and ( Status eq 'Failed' )")],
        ),
    ],
)
async def test_jobs_in_rare_states_are_looked_for_in_the_lists_of_those(
    service: FakeService, models: TableReadModels, wanted: JobFilter, queries: list[str]
) -> None:
    assert (await models.jobs(wanted, 1, write_cursor(jobs_list(wanted), "1", "b"))).items == []
    assert asked_for(service) == [("/JobSummaries()", query, "2") for query in queries]


def rare(state: str, *named: str) -> list[dict[str, Any]]:
    return [stored(name, of=f"state|{state}|1", **SUMMARY_VALUES | {"Name": name}) for name in named]


async def test_a_page_of_several_lists_waits_for_each_of_them_and_goes_on_in_each(
    service: FakeService, models: TableReadModels
) -> None:
    """Where one list ends between two rows, nothing behind that is known to be next."""
    wanted = JobFilter(statuses={JobStatus.FAILED, JobStatus.CANCELLED})
    few = TableReadModels(service.connection, most_requests=1)
    service.answers = [page(*rare("Cancelled", "a", "d")), page(*rare("Failed", "b"), following="c")]
    first = await few.jobs(wanted, 5)
    assert [job.name for job in first.items] == ["a", "b"]
    assert first.next is not None
    service.answers = [page(*rare("Cancelled", "d")), page(*rare("Failed", "c"))]
    second = await few.jobs(wanted, 5, first.next)
    assert ([job.name for job in second.items], second.next) == (["c", "d"], None)
    cancelled, failed = service.requests[2:]
    assert "RowKey gt 'b'" in cancelled.query["$filter"]
    assert "NextRowKey" not in cancelled.query
    assert failed.query["NextRowKey"] == "c"


async def test_lists_that_both_end_between_rows_do_not_put_each_other_back(
    service: FakeService, models: TableReadModels
) -> None:
    wanted = JobFilter(statuses={JobStatus.FAILED, JobStatus.CANCELLED})
    few = TableReadModels(service.connection, most_requests=1)
    service.answers = [page(following="c1"), page(following="f1")]
    first = await few.jobs(wanted, 5)
    assert (first.items, first.looked_through, first.looked_back_to) == ([], 0, None)
    service.answers = [page(*rare("Cancelled", "x")), page(following="f2")]
    second = await few.jobs(wanted, 5, first.next)
    assert second.items == []
    service.answers = [page(*rare("Cancelled", "x")), page()]
    third = await few.jobs(wanted, 5, second.next)
    assert [job.name for job in third.items] == ["x"]
    assert [request.query["NextRowKey"] for request in service.requests[2:]] == ["c1", "f1", "c1", "f2"]


async def test_a_cursor_has_room_for_the_places_of_all_lists(
    service: FakeService, models: TableReadModels
) -> None:
    """Azure's tokens are the keys in base64, with their lengths."""
    states = JobStatus.CANCELLED, JobStatus.FAILED, JobStatus.TIMED_OUT
    last = f"1!72!{base64.b64encode(job_order(NOON, JOB).encode()).decode()}"
    for state in states:
        token = f"1!40!{base64.b64encode(f'state|{state}|{inverted_minute(NOON)}'.encode()).decode()}"
        headers = {"x-ms-continuation-NextPartitionKey": token, "x-ms-continuation-NextRowKey": last}
        service.answers.append(replace(page(), headers=page().headers | headers))
    few = TableReadModels(service.connection, most_requests=1)
    first = await few.jobs(JobFilter(statuses=frozenset(states)), 5)
    assert first.next is not None
    await few.jobs(JobFilter(statuses=frozenset(states)), 5, first.next)
    assert [request.query["NextRowKey"] for request in service.requests[3:]] == [last] * 3


async def test_jobs_of_a_time_are_asked_for_by_their_keys(
    service: FakeService, models: TableReadModels
) -> None:
    await models.jobs(JobFilter(submitted_from=NOON), 1)
    await models.jobs(JobFilter(submitted_before=NOON), 1)
    await models.jobs(JobFilter(submitted_before=NOON), 1, write_cursor(EVERY_JOB, "9" * 10, "b"))
    assert [query for _, query, _ in asked_for(service)] == [
        WINDOW("", "", *BEHIND_NOON),
        WINDOW(*BEHIND_NOON, ":", ""),
        WINDOW("9" * 10, "b", ":", ""),
    ]


def summaries(*named: str) -> list[dict[str, Any]]:
    return [stored(name, of="1", **SUMMARY_VALUES | {"Name": name}) for name in named]


async def test_conditions_that_have_no_room_in_a_query_are_applied_to_what_it_finds(
    service: FakeService, models: TableReadModels
) -> None:
    kinds = {f"kind-{number}" for number in range(10)}
    others = [row | {"Kind": "kind-3"} for row in summaries("b", "d", "e")]
    service.answer = page(*summaries("a"), others[0], *summaries("c"), *others[1:])
    found = await models.jobs(JobFilter(kinds=kinds), 2)
    assert [job.name for job in found.items] == ["b", "d"]
    assert found.next == write_cursor(jobs_list(JobFilter(kinds=kinds)), "1", "d")
    assert asked_for(service) == [("/JobSummaries()", WINDOW("", "", ":", ""), "1000")]


async def test_a_list_of_jobs_takes_three_requests_at_most_and_goes_on_where_it_ended(
    service: FakeService, models: TableReadModels
) -> None:
    service.answers = [page(following="1"), page(*summaries("a"), following="2"), page(following="3")]
    first = await models.jobs(JobFilter(lock="Köln's"), 5)
    assert [job.name for job in first.items] == ["a"]
    assert len(service.requests) == 3
    assert first.next is not None
    service.answers = [page(*summaries("b"))]
    second = await models.jobs(JobFilter(lock="Köln's"), 5, first.next)
    assert ([job.name for job in second.items], second.next) == (["b"], None)
    assert service.requests[3].query["NextRowKey"] == "3"


async def test_a_full_page_of_jobs_is_not_followed_by_a_request_for_more(
    service: FakeService, models: TableReadModels
) -> None:
    service.answers = [page(*summaries("a", "b"), following="c")]
    found = await models.jobs(JobFilter(), 2)
    assert (len(found.items), found.next) == (2, write_cursor(EVERY_JOB, "1", "b"))


async def test_a_place_that_the_storage_does_not_know_is_a_wrong_cursor(
    service: FakeService, models: TableReadModels
) -> None:
    service.answer = table_refusal(400)
    with pytest.raises(CursorError):
        await models.jobs(JobFilter(), 2, write_cursor(EVERY_JOB, "token", "-61", "-62"))
    with pytest.raises(UnknownOutcomeError):
        await models.jobs(JobFilter(), 2)
    service.requests.clear()
    with pytest.raises(CursorError):
        await models.jobs(JobFilter(), 2, write_cursor(EVERY_JOB, "token", "-61", "-6x"))
    assert service.requests == []


async def test_the_trail_of_a_job_is_whole(service: FakeService, models: TableReadModels) -> None:
    service.answers = [
        page(stored("1", **EVENT_VALUES), following="2"),
        page(stored("2", **EVENT_VALUES | {"Seq": 4})),
    ]
    assert await models.audit_trail("it's") == [EVENT, entry(seq=4).event]
    assert (
        asked_for(service) == [("/JobAuditTrail()", "PartitionKey eq 'it''s' and RowKey gt ''", "1000")] * 2
    )


async def test_the_entries_of_a_trail_are_read_behind_a_number(
    service: FakeService, models: TableReadModels
) -> None:
    chained = EVENT_VALUES | {"Hash": "h4", "PreviousHash": "h3"}
    service.answer = page(stored("1", **chained), stored("2", **chained, ChainBroken=True))
    assert await models.trail_entries("it's", after=3) == [
        TrailEntry(EVENT, "h4", "h3"),
        TrailEntry(EVENT, "h4", "h3", is_broken=True),
    ]
    await models.trail_entries("it's")
    assert asked_for(service) == [
        ("/JobAuditTrail()", "PartitionKey eq 'it''s' and RowKey gt 'it''s-000003'", "1000"),
        ("/JobAuditTrail()", "PartitionKey eq 'it''s' and RowKey gt ''", "1000"),
    ]


@pytest.mark.parametrize(
    ("last", "limit", "low", "more"), [(7, 3, 5, True), (7, 6, 2, True), (7, 7, 1, False), (7, 9, 0, False)]
)
async def test_tenures_begin_with_the_locks_last_fence_and_end_with_its_first(
    service: FakeService, models: TableReadModels, last: int, limit: int, low: int, more: bool
) -> None:
    service.answers = [row("p", **lock_row("p", last)), fences(5, 7)]
    found = await models.lock_runs("a lock", limit)
    assert [lock_run.fence for lock_run in found.items] == [7, 5]
    assert found.next == (write_cursor(RUNS, str(low)) if more else None)
    partition = lock_names.partition("a lock")
    assert service.asked[0] == ("GET", f"/Locks(PartitionKey='locks',RowKey='{partition}')")
    condition = f"PartitionKey eq '{partition}' and RowKey ge '{low:018d}' and RowKey lt '{last + 1:018d}'"
    assert service.requests[1].query["$filter"] == condition
    assert service.requests[1].query["$top"] == str(limit)


async def test_tenures_go_on_below_the_last_ones_asked_for(
    service: FakeService, models: TableReadModels
) -> None:
    service.answer = fences(2, 3, 4)
    found = await models.lock_runs("a lock", 3, write_cursor(RUNS, "5"))
    assert [lock_run.fence for lock_run in found.items] == [4, 3, 2]
    assert found.next == write_cursor(RUNS, "2")
    (condition,) = [query for _, query, _ in asked_for(service)]
    assert condition.endswith(f"RowKey ge '{2:018d}' and RowKey lt '{5:018d}'")


async def test_a_tenure_is_read_with_all_that_is_known(service: FakeService, models: TableReadModels) -> None:
    moments = {"From": "2026-11-21T01:47:05.840943Z", "Until": "2026-11-21T01:48:00Z"}
    moments |= {"QueuedAt": "2026-11-21T01:47:05.000003Z", "LastEventAt": "2026-11-21T01:48:00.000004Z"}
    values: dict[str, Any] = moments | {f"{name}@odata.type": "Edm.DateTime" for name in moments}
    values |= {"Lock": LOCK_RUN.lock, "Fence": str(2**40), "Fence@odata.type": "Edm.Int64", "JobId": JOB}
    values |= {"Worker": "w-1", "Tenure": "lease-id", "Outcome": "Completed"}
    numbers: dict[str, Any] = {"Attempt": 2, "BegunIn": "op-1", "EndedIn": "op-2"}
    values |= {"Kind": "ten-steps", "Name": "a name", "EndedBy": "w-2", "RunnerDied": True}
    service.answer = page(stored("k", **values, **numbers))
    assert (await models.lock_runs("a lock", 3, write_cursor(RUNS, "9"))).items == [LOCK_RUN]


async def test_a_lock_that_was_never_used_has_no_tenures(
    service: FakeService, models: TableReadModels
) -> None:
    service.answers = [ABSENT]
    found = await models.lock_runs("a lock", 3)
    assert (found.items, found.next) == ([], None)
    condition = service.requests[1].query["$filter"]
    assert condition.endswith(f"RowKey ge '{0:018d}' and RowKey lt '{1:018d}'")


@pytest.mark.parametrize(
    "cursor", [write_cursor(RUNS, "a"), write_cursor(RUNS, "5", "6"), write_cursor(RUNS, "-5"), "W10"]
)
async def test_a_wrong_cursor_is_refused_for_tenures(
    service: FakeService, models: TableReadModels, cursor: str
) -> None:
    with pytest.raises(CursorError):
        await models.lock_runs("a lock", 3, cursor)
    assert service.requests == []


@pytest.mark.parametrize("parts", [("a",), ("a", "b", "c", "d"), ()])
async def test_a_cursor_with_other_parts_is_refused_for_events_and_summaries(
    models: TableReadModels, parts: tuple[str, ...]
) -> None:
    with pytest.raises(CursorError):
        await models.events(3, write_cursor(EVENTS, *parts))
    with pytest.raises(CursorError):
        await models.jobs(JobFilter(), 3, write_cursor(EVERY_JOB, *parts))


@pytest.mark.parametrize("of", [EVENTS, EVERY_JOB, RUNS, locks_list(""), lock_runs_list("other"), "1"])
async def test_a_cursor_of_another_list_is_refused_without_a_request(
    service: FakeService, models: TableReadModels, of: str
) -> None:
    reads: dict[str, Callable[..., Awaitable[object]]] = {
        EVENTS: models.events,
        EVERY_JOB: partial(models.jobs, JobFilter()),
        RUNS: partial(models.lock_runs, "a lock"),
        locks_list(""): models.locks,
    }
    for own, read in reads.items():
        if own == of:
            continue
        for parts in (("1",), ("1", "b")):
            with pytest.raises(ForeignCursorError):
                await read(3, write_cursor(of, *parts))
    assert service.requests == []


async def test_runs_are_read_from_one_fence_to_another(service: FakeService, models: TableReadModels) -> None:
    service.answer = fences(5, 7)
    assert [run.fence for run in await models.lock_runs_between("a lock", 5, 8)] == [5, 7]
    partition = lock_names.partition("a lock")
    condition = f"PartitionKey eq '{partition}' and RowKey ge '{5:018d}' and RowKey lt '{9:018d}'"
    assert asked_for(service) == [("/LockRuns()", condition, "4")]


async def test_locks_are_found_by_the_start_of_their_names(
    service: FakeService, models: TableReadModels
) -> None:
    named = {"a-b-1": "a/b", "a-b-2": "A b", "a-b-3": "a-b"}
    service.answer = page(*(lock_row(key) | {"Lock": name} for key, name in named.items()))
    found = await models.locks(2, prefix="A ")
    assert [lock.lock for lock in found.items] == ["A b"]
    assert found.next == write_cursor(locks_list("a "), "a-b-2")
    await models.locks(2, found.next, prefix="A ")
    assert [query for _, query, _ in asked_for(service)] == [
        "PartitionKey eq 'locks' and RowKey gt 'a' and RowKey lt 'a~'",
        "PartitionKey eq 'locks' and RowKey gt 'a-b-2' and RowKey lt 'a~'",
    ]


async def test_locks_go_on_behind_the_last_one_given(service: FakeService, models: TableReadModels) -> None:
    service.answers = [page(lock_row("a"), lock_row("b", 2**40), lock_row("c")), page(lock_row("c"))]
    first = await models.locks(2)
    assert first.items == [KnownLock("lock a", "a", 7), KnownLock("lock b", "b", 2**40)]
    second = await models.locks(2, first.next)
    assert (second.items, second.next) == ([KnownLock("lock c", "c", 7)], None)
    assert asked_for(service) == [
        ("/Locks()", "PartitionKey eq 'locks' and RowKey gt ''", "3"),
        ("/Locks()", "PartitionKey eq 'locks' and RowKey gt 'b'", "3"),
    ]
    service.answer = page(lock_row("a"), lock_row("b"))
    assert (await models.locks(2)).next is None
    assert (await models.locks(1)).next == write_cursor(locks_list(""), "a")
    with pytest.raises(CursorError):
        await models.locks(2, write_cursor(locks_list(""), "a", "b"))


async def test_a_reader_keeps_to_the_names_of_its_installation(service: FakeService) -> None:
    service.connection.names = StorageNames(prefix="Blue")
    models = TableReadModels(service.connection)
    service.answer = page()
    await models.audit_trail(JOB)
    await models.events(1)
    await models.jobs(JobFilter(), 1)
    await models.lock_runs("a lock", 1, write_cursor(RUNS, "7"))
    await models.locks(1)
    await models.check()
    service.answer = Prepared(201, headers={"ETag": ETAG, "Last-Modified": "Sat, 21 Nov 2026 01:47:05 GMT"})
    await models.prepare()
    assert [path for _, path in service.asked[:6]] == [
        f"/Blue{table}()" for table in Table if table is not Table.WORKERS
    ]
    created = [body.partition(b": ")[2] for body in service.bodies if body.startswith(b'{"TableName"')]
    assert created[3:] == [f'"Blue{table}"}}'.encode() for table in Table]
    service.answer = table_refusal(404, "TableNotFound")
    with pytest.raises(MissingTableError):
        await TableReadModels(service.connection).check()
