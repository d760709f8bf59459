"""Rows are read whole, in pages, each within its own time."""

import pytest
from tests.unit.azure_storage.answers import ETAG, page, row, stored, table_refusal
from tests.unit.azure_storage.fake_service import FakeService, Prepared

from azure_storage.journal import TableJournal
from azure_storage.queries import TableQueries
from coordination.ports import Row, UnknownOutcomeError

ENDED = "PartitionKey eq 'p' and RowKey {} '{}' and RowKey lt '{}'"


@pytest.fixture
async def queries(service: FakeService) -> TableQueries:
    return TableQueries(service.connection, "Some", 5.0)


def numbers(rows: list[Row]) -> list[str]:
    return [row.key for row in rows]


async def test_a_row_is_read_by_a_key_with_any_characters(
    service: FakeService, queries: TableQueries
) -> None:
    service.answer = row("it's|ü", n=1, **{"big": str(2**40), "big@odata.type": "Edm.Int64"})
    assert await queries.read("name", "it's p", "it's|ü") == Row("it's|ü", {"n": 1, "big": 2**40}, ETAG)
    assert service.asked == [("GET", "/Some(PartitionKey='it''s p',RowKey='it''s|ü')")]
    assert [call.operation for call in service.calls] == ["name"]


@pytest.mark.parametrize(
    ("prefix", "after", "condition"),
    [
        ("event|a|", "", ENDED.format("ge", "event|a|", "event|a}")),
        ("event|a|", "event|a|000003", ENDED.format("gt", "event|a|000003", "event|a}")),
        # Exactly the prefix is a key like any other, and one may go on behind it.
        ("event|a|", "event|a|", ENDED.format("gt", "event|a|", "event|a}")),
        ("event|a|", "event|a", ENDED.format("ge", "event|a|", "event|a}")),
        ("it's", "", ENDED.format("ge", "it''s", "it''t")),
        ("", "", ENDED.format("gt", "", "\uffff")),
        ("", "k", ENDED.format("gt", "k", "\uffff")),
    ],
)
async def test_a_range_begins_at_its_prefix_or_behind_a_key_and_ends_with_the_prefix(
    service: FakeService, queries: TableQueries, prefix: str, after: str, condition: str
) -> None:
    service.answer = page()
    assert await queries.read_range("name", "p", prefix, None, after) == []
    assert service.requests[0].query["$filter"] == condition
    assert service.requests[0].path == "/account/Some()"


@pytest.mark.parametrize(
    ("limit", "asked_for"), [(None, "1000"), (1, "1"), (1000, "1000"), (1001, "1000"), (3, "3")]
)
async def test_no_more_rows_are_asked_for_than_are_wanted(
    service: FakeService, queries: TableQueries, limit: int | None, asked_for: str
) -> None:
    service.answer = page()
    await queries.read_range("name", "p", "k", limit)
    assert service.requests[0].query["$top"] == asked_for


async def test_a_range_is_read_page_by_page_also_over_empty_ones(
    service: FakeService, queries: TableQueries, limits: list[float]
) -> None:
    service.answers = [
        page(stored("k1"), stored("k2"), following="k3"),
        page(following="k4"),
        page(stored("k4")),
        page(stored("never asked for")),
    ]
    assert numbers(await queries.read_range("name", "p", "k")) == ["k1", "k2", "k4"]
    assert [request.query.get("NextRowKey") for request in service.requests] == [None, "k3", "k4"]
    # The time is each page's own.
    assert limits == [5.0] * 3
    assert [call.operation for call in service.calls] == ["name"] * 3


async def test_a_range_ends_with_as_many_rows_as_are_wanted(
    service: FakeService, queries: TableQueries
) -> None:
    service.answer = page(stored("k1"), stored("k2"), following="k3")
    assert numbers(await queries.read_range("name", "p", "k", 2)) == ["k1", "k2"]
    assert len(service.requests) == 1
    assert numbers(await queries.read_range("name", "p", "k", 3)) == ["k1", "k2", "k1"]
    assert len(service.requests) == 3


@pytest.mark.parametrize("failure", [table_refusal(503), table_refusal(404, "ResourceNotFound"), Prepared(0)])
async def test_a_range_whose_second_page_is_missing_is_not_half_a_range(
    service: FakeService, queries: TableQueries, failure: Prepared
) -> None:
    service.answers = [page(stored("k1"), following="k2")]
    service.answer = failure
    with pytest.raises(UnknownOutcomeError):
        await queries.read_range("name", "p", "k")
    assert len(service.calls) == 2


async def test_a_journal_reads_its_own_table(service: FakeService) -> None:
    journal = TableJournal(service.connection)
    service.answers = [row("k"), page(stored("k|2"))]
    assert await journal.read("p", "k") == Row("k", {}, ETAG)
    assert numbers(await journal.read_range("p", "k|", 5, "k|1")) == ["k|2"]
    assert [path for _, path in service.asked] == ["/Journal(PartitionKey='p',RowKey='k')", "/Journal()"]
    assert service.requests[1].query["$top"] == "5"
    assert service.requests[1].query["$filter"] == ENDED.format("gt", "k|1", "k}")
    assert [call.operation for call in service.calls] == ["journal.read", "journal.read_range"]


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"value": [{"Partit', b"[]", b"{}"])
async def test_an_answer_that_is_cut_off_is_not_an_empty_range(
    service: FakeService, queries: TableQueries, body: bytes
) -> None:
    service.answer = Prepared(200, body, {"Content-Type": "application/json"})
    with pytest.raises(UnknownOutcomeError):
        await queries.read_range("name", "p", "k")
