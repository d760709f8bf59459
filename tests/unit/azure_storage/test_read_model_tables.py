"""Access to the read models' tables: what is sent, in how many requests, and what an answer means."""

import json
import re
from typing import Any

import pytest
from aiohttp import web
from tests.unit.azure_storage.answers import (
    batch,
    page,
    part,
    row,
    sent,
    stored,
    table_error,
    table_refusal,
    written,
)
from tests.unit.azure_storage.fake_service import FakeService, Prepared

from azure_storage.calls import CallOutcome, MissingTableError
from azure_storage.names import StorageNames
from azure_storage.read_models import Table
from azure_storage.read_models import tables as tables_module
from azure_storage.read_models.tables import Tables
from coordination.ports import AccessDeniedError, UnknownOutcomeError
from read_models.documents import StaleError

OLD, NEW = "W/\"datetime'old'\"", "W/\"datetime'new'\""
ENTITY = {"PartitionKey": "p", "RowKey": "k", "N": 1}
PLACE = "/BlueSome(PartitionKey='p',RowKey='k')"

Sent = list[tuple[str, str, dict[str, Any]]]


@pytest.fixture
def tables(service: FakeService) -> Tables:
    service.connection.names = StorageNames(prefix="Blue")
    return Tables(service.connection)


def operations(body: bytes) -> Sent:
    """Return method, path and row of each operation of a transaction."""
    found = re.findall(
        r"^(\w+) \S+?/account(/\S+) HTTP.*?(\{.*?\}|$)\r?\n--", body.decode(), re.DOTALL | re.MULTILINE
    )
    return [(method, path, sent(text or "{}")) for method, path, text in found]


async def test_a_row_that_is_there_is_read(service: FakeService, tables: Tables) -> None:
    service.answer = row("k", N=1)
    found = await tables.get("Some", "p", "k")
    assert found is not None
    assert (found["RowKey"], found["N"]) == ("k", 1)
    assert service.asked == [("GET", PLACE)]
    assert [(call.operation, call.outcome) for call in service.calls] == [("read_models.get", CallOutcome.OK)]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (table_refusal(404, "TableNotFound"), MissingTableError),
        (table_refusal(400), UnknownOutcomeError),
        (table_refusal(409), UnknownOutcomeError),
        (table_refusal(503), UnknownOutcomeError),
        (table_refusal(403), AccessDeniedError),
    ],
)
async def test_a_row_is_missing_only_when_the_store_says_so(
    service: FakeService, tables: Tables, answer: Prepared, error: type[Exception]
) -> None:
    service.answer = table_refusal(404, "ResourceNotFound")
    assert await tables.get("Some", "p", "k") is None
    service.answer = answer
    with pytest.raises(error) as raised:
        await tables.get("Some", "p", "k")
    assert type(raised.value) is error


async def test_a_row_that_was_not_read_is_inserted(service: FakeService, tables: Tables) -> None:
    service.answer = Prepared(
        201, json.dumps(stored("k")).encode(), {"ETag": NEW, "Content-Type": "application/json"}
    )
    assert await tables.put("Some", ENTITY, None) == NEW
    assert service.asked == [("POST", "/BlueSome")]
    assert sent(service.bodies[0]) == ENTITY
    assert [call.operation for call in service.calls] == ["read_models.put"]


@pytest.mark.parametrize(("merge", "method"), [(False, "PUT"), (True, "PATCH")])
async def test_a_row_that_was_read_is_written_only_at_the_version_that_was_read(
    service: FakeService, tables: Tables, merge: bool, method: str
) -> None:
    service.answer = written(NEW)
    assert await tables.put("Some", ENTITY, OLD, merge=merge) == NEW
    assert service.asked == [(method, PLACE)]
    assert service.requests[0].headers["If-Match"] == OLD
    assert sent(service.bodies[0]) == ENTITY


@pytest.mark.parametrize("etag", [None, OLD])
@pytest.mark.parametrize(
    ("status", "error"),
    [(status, StaleError) for status in (404, 409, 412)]
    + [(status, UnknownOutcomeError) for status in (400, 413, 408, 429, 500, 503)]
    + [(status, AccessDeniedError) for status in (401, 403)],
)
async def test_a_row_has_changed_only_when_the_store_says_so(
    service: FakeService, tables: Tables, etag: str | None, status: int, error: type[Exception]
) -> None:
    service.answer = table_refusal(status)
    with pytest.raises(error) as raised:
        await tables.put("Some", ENTITY, etag)
    assert type(raised.value) is error
    assert len(service.requests) == 1


@pytest.mark.parametrize(("merge", "method"), [(False, "PUT"), (True, "PATCH")])
async def test_a_single_row_is_written_over_any_version(
    service: FakeService, tables: Tables, merge: bool, method: str
) -> None:
    service.answer = written()
    await tables.upsert("Some", [ENTITY], merge=merge)
    assert service.asked == [(method, PLACE)]
    assert "If-Match" not in service.requests[0].headers
    assert sent(service.bodies[0]) == ENTITY
    assert [call.operation for call in service.calls] == ["read_models.upsert"]


@pytest.mark.parametrize(("merge", "method"), [(False, "PUT"), (True, "PATCH")])
async def test_rows_of_one_partition_go_in_one_transaction_and_in_order(
    service: FakeService, tables: Tables, merge: bool, method: str
) -> None:
    service.answers = [batch(part(204, "ETag: x"), part(204, "ETag: y"))]
    service.answer = written()
    rows = [
        {"PartitionKey": partition, "RowKey": key, "N": n}
        for n, (partition, key) in enumerate([("a", "2"), ("a", "1"), ("b", "1"), ("a", "3")])
    ]
    await tables.upsert("Some", iter(rows), merge=merge)
    assert service.asked == [
        ("POST", "/$batch"),
        (method, "/BlueSome(PartitionKey='b',RowKey='1')"),
        (method, "/BlueSome(PartitionKey='a',RowKey='3')"),
    ]
    assert operations(service.bodies[0]) == [
        (method, "/BlueSome(PartitionKey='a',RowKey='2')", rows[0]),
        (method, "/BlueSome(PartitionKey='a',RowKey='1')", rows[1]),
    ]
    assert b"If-Match" not in service.bodies[0]


async def sizes_of_transactions(service: FakeService, tables: Tables, texts: list[str]) -> list[int]:
    """Write rows with such texts, and return how many went in each request."""

    def answer(request: web.BaseRequest) -> Prepared:
        if not request.path.endswith("$batch"):
            return written()
        return batch(*[part(204, "ETag: x")] * len(operations(service.bodies[-1])))

    service.answer = answer
    rows = [{"PartitionKey": "p", "RowKey": f"{n:03d}", "T": text} for n, text in enumerate(texts)]
    await tables.upsert("Some", rows)
    return [len(operations(body)) or 1 for body in service.bodies]


@pytest.mark.parametrize(
    ("rows", "sizes"), [(0, []), (1, [1]), (2, [2]), (100, [100]), (101, [100, 1]), (202, [100, 100, 2])]
)
async def test_a_transaction_has_at_most_a_hundred_rows(
    service: FakeService, tables: Tables, rows: int, sizes: list[int]
) -> None:
    assert await sizes_of_transactions(service, tables, ["x"] * rows) == sizes


# Keys, names and marks count, too: 12 characters of each row.
@pytest.mark.parametrize(
    ("lengths", "sizes"),
    [
        ([249_988, 249_988], [2]),
        ([249_988, 249_989], [1, 1]),
        ([499_988, 1, 1], [1, 2]),
        ([600_000, 600_000, 1], [1, 1, 1]),
        ([100_000] * 6, [4, 2]),
        ([499_988, 249_988, 249_988], [1, 2]),
        ([499_988, 249_988, 249_989], [1, 1, 1]),
    ],
)
async def test_a_transaction_stays_far_below_the_largest_size(
    service: FakeService, tables: Tables, lengths: list[int], sizes: list[int]
) -> None:
    assert await sizes_of_transactions(service, tables, ["x" * length for length in lengths]) == sizes


@pytest.mark.parametrize(
    ("rows", "answer", "error", "requests"),
    [
        (1, table_refusal(400), UnknownOutcomeError, 1),
        # A transaction that is refused as a whole is tried row by row.
        (2, table_refusal(400), UnknownOutcomeError, 3),
        (1, table_refusal(403), AccessDeniedError, 1),
        (2, table_refusal(403), AccessDeniedError, 1),
    ],
)
async def test_a_write_that_is_refused_is_not_passed_over(
    service: FakeService, tables: Tables, rows: int, answer: Prepared, error: type[Exception], requests: int
) -> None:
    service.answer = answer
    with pytest.raises(error) as raised:
        await tables.upsert("Some", [{**ENTITY, "RowKey": str(n)} for n in range(rows)])
    assert type(raised.value) is error
    assert len(service.requests) == requests


async def test_a_page_has_as_many_rows_as_are_wanted_and_no_more(
    service: FakeService, tables: Tables
) -> None:
    service.answers = [
        page(stored("1"), following="2"),
        page(following="2"),
        page(stored("2"), following="3"),
    ]
    found = await tables.page("Some", "PartitionKey eq @p and N eq @n", {"p": "it's", "n": 7}, 2)
    assert [entity["RowKey"] for entity in found] == ["1", "2"]
    assert [request.query["$top"] for request in service.requests] == ["2", "2", "2"]
    assert {request.query["$filter"] for request in service.requests} == {
        "PartitionKey eq 'it''s' and N eq 7"
    }
    assert [request.query.get("NextRowKey") for request in service.requests] == [None, "2", "2"]
    assert {call.operation for call in service.calls} == {"read_models.page"}


@pytest.mark.parametrize(("limit", "asked_for"), [(1, "1"), (1000, "1000"), (1001, "1000")])
async def test_the_store_is_never_asked_for_more_rows_than_it_gives(
    service: FakeService, tables: Tables, limit: int, asked_for: str
) -> None:
    service.answer = page(stored("1"))
    assert len(await tables.page("Some", "PartitionKey eq @p", {"p": ""}, limit)) == 1
    assert [request.query["$top"] for request in service.requests] == [asked_for]


async def test_every_row_is_found_over_all_pages(service: FakeService, tables: Tables) -> None:
    service.answers = [page(stored("1"), following="2"), page(following="2"), page(stored("2"))]
    found = [entity["RowKey"] async for entity in tables.every("Some", "PartitionKey eq @p", {"p": "q"})]
    assert found == ["1", "2"]
    assert {request.query["$filter"] for request in service.requests} == {"PartitionKey eq 'q'"}
    assert {request.query["$top"] for request in service.requests} == {"1000"}


async def test_rows_are_found_without_a_condition_too(service: FakeService, tables: Tables) -> None:
    service.answer = page(stored("1"))
    assert [entity["RowKey"] async for entity in tables.every("Some")] == ["1"]
    assert "$filter" not in service.requests[0].query
    assert service.requests[0].query["$top"] == "1000"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (table_refusal(404, "TableNotFound"), MissingTableError),
        (table_refusal(400), UnknownOutcomeError),
        (table_refusal(403), AccessDeniedError),
    ],
)
async def test_a_page_that_is_missing_is_not_an_empty_one(
    service: FakeService, tables: Tables, answer: Prepared, error: type[Exception]
) -> None:
    service.answers = [page(stored("1"), following="2")]
    service.answer = answer
    with pytest.raises(error) as raised:
        await tables.page("Some", "PartitionKey eq @p", {"p": ""}, 2)
    assert type(raised.value) is error


async def test_emptying_a_table_deletes_every_row_and_counts_them(
    service: FakeService, tables: Tables
) -> None:
    rows = [stored(str(n), of="a", Long="x") for n in range(3)] + [stored("1", of="b")]
    service.answers = [
        page(*rows, following="x"),
        batch(*[part(204)] * 3),
        batch(part(204)),
        page(stored("2", of="b")),
        batch(part(204)),
    ]
    assert await tables.wipe("Some") == 5
    assert service.asked == [
        ("GET", "/BlueSome()"),
        ("POST", "/$batch"),
        ("POST", "/$batch"),
        ("GET", "/BlueSome()"),
        ("POST", "/$batch"),
    ]
    deleted = [operations(body) for body in service.bodies if body]
    assert [[(method, path) for method, path, _ in each] for each in deleted] == [
        [("DELETE", f"/BlueSome(PartitionKey='a',RowKey='{n}')") for n in range(3)],
        [("DELETE", "/BlueSome(PartitionKey='b',RowKey='1')")],
        [("DELETE", "/BlueSome(PartitionKey='b',RowKey='2')")],
    ]
    operations_ = [call.operation for call in service.calls]
    assert operations_ == [f"read_models.{name}" for name in ("page", "delete", "delete", "page", "delete")]


async def test_rows_that_another_process_deletes_too_are_deleted_one_by_one(
    service: FakeService, tables: Tables
) -> None:
    service.answers = [
        page(*[stored(str(n)) for n in range(3)]),
        batch(part(404, body=table_error("ResourceNotFound", "1:no"))),
        Prepared(204),
        table_refusal(404, "ResourceNotFound"),
        Prepared(204),
    ]
    assert await tables.wipe("Some") == 3
    assert service.asked[2:] == [("DELETE", f"/BlueSome(PartitionKey='p',RowKey='{n}')") for n in range(3)]


async def test_emptying_a_table_ends_where_the_store_does_not_answer(
    service: FakeService, tables: Tables
) -> None:
    service.answers = [page(stored("1"), following="2")]
    service.answer = table_refusal(503)
    with pytest.raises(UnknownOutcomeError):
        await tables.wipe("Some")
    assert len(service.requests) == 2


async def test_whether_tables_are_there_is_asked_of_the_one_created_last(
    service: FakeService, tables: Tables
) -> None:
    service.answer = page()
    await tables.check()
    assert service.asked == [("GET", "/BlueKinds()")]
    assert service.requests[0].query["$top"] == "1"


async def test_whether_tables_are_there_is_not_asked_while_the_storage_answers(
    service: FakeService, tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.answers = [row("k")]
    service.answer = page()
    await tables.get("Kinds", "p", "k")
    assert len(service.requests) == 1
    for requests in (2, 2, 2):
        # An answer to another call says nothing of the tables, until they were there once.
        await tables.check()
        assert len(service.requests) == requests
    monkeypatch.setattr(tables_module, "_ANSWERED_SECONDS", -1.0)
    await tables.check()
    assert len(service.requests) == 3


async def test_whether_tables_are_there_is_asked_again_after_a_call_without_an_answer(
    service: FakeService, tables: Tables
) -> None:
    service.answer = page()
    await tables.check()
    service.answer = table_refusal(503)
    with pytest.raises(UnknownOutcomeError):
        await tables.get("Kinds", "p", "k")
    for _ in range(2):
        with pytest.raises(UnknownOutcomeError):
            await tables.check()
    service.answer = table_refusal(404, "TableNotFound")
    with pytest.raises(MissingTableError):
        await tables.check()
    service.answer = page()
    await tables.check()


async def test_preparing_creates_the_tables_of_the_installation(service: FakeService, tables: Tables) -> None:
    service.answer = Prepared(201, headers={"ETag": OLD, "Last-Modified": "Sat, 21 Nov 2026 01:47:05 GMT"})
    await tables.prepare()
    created = [json.loads(body)["TableName"] for body in service.bodies if body]
    assert created == ["BlueJournal", "BlueJobIndex", "BlueSchedules", *(f"Blue{table}" for table in Table)]
