"""Values keep their type and their size on the way to the store and back."""

import math
from datetime import UTC, datetime
from typing import Any

import pytest
from azure.data.tables import EdmType, EntityProperty

from azure_storage.values import decode_document, decode_values, encode_values
from coordination.ports import Row, Value


@pytest.mark.parametrize("value", ["", "text", "7", "ü \U0001f512", True, False, 0, 2**31 - 1, -(2**31)])
def test_a_value_that_json_has_is_sent_as_it_is(value: Value) -> None:
    encoded = encode_values({"v": value})
    assert encoded == {"v": value}
    assert type(encoded["v"]) is type(value)


@pytest.mark.parametrize("value", [2**31, -(2**31) - 1, 2**63 - 1, -(2**63)])
def test_a_number_beyond_32_bits_is_sent_as_text_with_its_type(value: int) -> None:
    assert encode_values({"v": value}) == {"v": str(value), "v@odata.type": "Edm.Int64"}


@pytest.mark.parametrize("value", [0.5, 1.0, 1e300, -0.0])
def test_a_number_with_a_point_stays_one_also_when_it_is_whole(value: float) -> None:
    encoded = encode_values({"v": value})
    assert encoded == {"v": value, "v@odata.type": "Edm.Double"}
    assert type(encoded["v"]) is float
    assert math.copysign(1, encoded["v"]) == math.copysign(1, value)


def test_what_is_none_is_not_sent_and_what_follows_it_is() -> None:
    assert encode_values({"a": None, "b": 1, "c": None, "d": ""}) == {"b": 1, "d": ""}


def test_a_row_comes_back_without_what_the_store_adds() -> None:
    document = {
        "odata.metadata": "http://somewhere",
        "odata.etag": 'W/"1"',
        "PartitionKey": "p",
        "RowKey": "k",
        "Timestamp": "2026-01-01T00:00:00Z",
        "text": "",
        "number": 7,
        "share@odata.type": "Edm.Double",
        "share": 1,
        "on": False,
        "big@odata.type": "Edm.Int64",
        "big": str(2**40),
    }
    row = decode_document(document)
    assert row == Row("k", {"text": "", "number": 7, "share": 1.0, "on": False, "big": 2**40}, 'W/"1"')
    assert [type(value) for value in row.values.values()] == [str, int, float, bool, int]


@pytest.mark.parametrize(
    "stored",
    [
        {"v": "2026-01-01T00:00:00Z", "v@odata.type": "Edm.DateTime"},
        {"v": "AA==", "v@odata.type": "Edm.Binary"},
        {"v": None},
        {"v": [1]},
    ],
)
def test_a_stored_value_of_a_type_that_is_never_written_is_not_taken_for_another(
    stored: dict[str, Any],
) -> None:
    with pytest.raises(ValueError, match="type that is never written"):
        decode_document({"PartitionKey": "p", "RowKey": "k", "odata.etag": "e", **stored})


def test_a_number_beyond_32_bits_comes_back_as_a_number() -> None:
    assert decode_values({"v": EntityProperty(2**40, EdmType.INT64)}) == {"v": 2**40}


@pytest.mark.parametrize("value", [b"bytes", datetime(2026, 1, 1, tzinfo=UTC), None])
def test_a_value_of_a_type_that_is_never_written_is_not_taken_for_another(value: Any) -> None:
    with pytest.raises(ValueError, match="type that is never written"):
        decode_values({"v": value})
