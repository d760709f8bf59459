"""Rows of the read models as they are read back: values by their types, the version, and answers cut off."""

from datetime import UTC, datetime
from typing import Any

import pytest
from azure.data.tables import EdmType, EntityProperty
from tests.unit.azure_storage.answers import ETAG, page, row, stored
from tests.unit.azure_storage.fake_service import FakeService, Prepared

from azure_storage.read_models.tables import Tables
from coordination.ports import UnknownOutcomeError

VALUES: dict[str, Any] = {
    "Text": "it's",
    "Number": 7,
    "Long": str(2**40),
    "Long@odata.type": "Edm.Int64",
    "Part": "1",
    "Part@odata.type": "Edm.Double",
    "At": "2026-11-21T01:47:05.1234567Z",
    "At@odata.type": "Edm.DateTime",
    "Is": True,
    "Timestamp": "2026-11-21T01:47:06Z",
    "Timestamp@odata.type": "Edm.DateTime",
}
READ = {
    "PartitionKey": "p",
    "RowKey": "k",
    "Text": "it's",
    "Number": 7,
    "Long": EntityProperty(2**40, EdmType.INT64),
    "Part": 1.0,
    "At": datetime(2026, 11, 21, 1, 47, 5, 123456, tzinfo=UTC),
    "Is": True,
}


@pytest.fixture
def tables(service: FakeService) -> Tables:
    return Tables(service.connection)


async def test_values_are_read_by_their_types_and_with_the_version(
    service: FakeService, tables: Tables
) -> None:
    service.answers = [row("k", **VALUES), page(stored("k", **VALUES))]
    single = await tables.get("Some", "p", "k")
    (listed,) = await tables.page("Some", "PartitionKey eq @p", {"p": "p"}, 1)
    for found in (single, listed):
        assert found is not None
        assert (dict(found), found.etag) == (READ, ETAG)
        assert isinstance(found["Part"], float)


@pytest.mark.parametrize("body", [b"", b'{"value": [{"RowKey": "k"}', b"[]", b'{"RowKey": "k"}'])
async def test_an_answer_that_is_cut_off_or_has_no_version_is_not_an_answer(
    service: FakeService, tables: Tables, body: bytes
) -> None:
    service.answer = Prepared(200, body, {"Content-Type": "application/json"})
    with pytest.raises(UnknownOutcomeError):
        await tables.get("Some", "p", "k")
    with pytest.raises(UnknownOutcomeError):
        await tables.page("Some", "PartitionKey eq @p", {"p": "p"}, 1)


async def test_words_of_a_query_are_filled_in_and_texts_stay_texts(
    service: FakeService, tables: Tables
) -> None:
    service.answer = page()
    await tables.page("Some", "PartitionKey eq @p and ( N eq @n )", {"p": "' or @n eq '", "n": 7}, 1)
    assert service.requests[0].query["$filter"] == "PartitionKey eq ''' or @n eq ''' and ( N eq 7 )"


async def test_a_token_asks_for_what_follows(service: FakeService, tables: Tables) -> None:
    service.answer = page(following="2")
    _, token = await tables.part("Some", "PartitionKey eq @p", {"p": "p"}, 1)
    assert token == {"PartitionKey": "p", "RowKey": "2"}
    _, token = await tables.part("Some", "PartitionKey eq @p", {"p": "p"}, 1, {**token, "RowKey": ""})
    asked = service.requests[1].query
    assert (asked["NextPartitionKey"], "NextRowKey" in asked) == ("p", False)
