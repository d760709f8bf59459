"""Translation of row values between the journal's types and those of Table Storage."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from azure.data.tables import EntityProperty

from coordination.ports import Row, Value, Values

_KEYS = ("PartitionKey", "RowKey", "Timestamp")

#: Follows the name of a property; its value is the type.
_TYPE = "@odata.type"

#: Types that the journal writes, with what makes a value of JSON one of Python; most are not named.
_TYPES: Mapping[str | None, Callable[[Any], Value] | None] = {
    None: None,
    "Edm.String": None,
    "Edm.Boolean": None,
    "Edm.Int32": None,
    "Edm.Int64": int,
    "Edm.Double": float,
}


def encode_values(values: Values) -> dict[str, Any]:
    """Return the JSON properties to send; values that are None are not sent, so a merge leaves them alone."""
    encoded: dict[str, Any] = {}
    for name, value in values.items():
        if value is None:
            continue
        encoded[name] = value
        if isinstance(value, float):
            encoded[f"{name}@odata.type"] = "Edm.Double"
        elif not isinstance(value, (bool, str)) and not -(2**31) <= value < 2**31:
            encoded[f"{name}@odata.type"] = "Edm.Int64"
            encoded[name] = str(value)
    return encoded


def encode_entity(entity: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON properties to send of a row of a read model, without its keys."""
    encoded: dict[str, Any] = {}
    for name, value in entity.items():
        if name in _KEYS:
            continue
        if type(value) is str:
            # Most are texts, which are sent as they are.
            encoded[name] = value
        elif isinstance(value, EntityProperty):
            encoded[name], encoded[f"{name}@odata.type"] = (
                str(value.value),
                str(getattr(value.edm_type, "value", value.edm_type)),
            )
        elif isinstance(value, datetime):
            encoded[name] = value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            encoded[f"{name}@odata.type"] = "Edm.DateTime"
        else:
            encoded |= encode_values({name: value})
    return encoded


def decode_document(document: Mapping[str, Any]) -> Row:
    """Return the row that an answer holds as JSON with minimal metadata.

    Raises ValueError for a value of a type that the journal never writes.
    """
    values: dict[str, Value | None] = {}
    for name, value in document.items():
        if name in _KEYS or name.startswith("odata.") or name.endswith(_TYPE):
            continue
        edm_type = document.get(f"{name}{_TYPE}")
        if edm_type not in _TYPES:
            raise ValueError(f"a row holds a value of a type that is never written: {edm_type}")
        convert = _TYPES[edm_type]
        values[name] = _plain(value if convert is None else convert(value))
    return Row(document["RowKey"], values, document["odata.etag"])


def decode_values(entity: Mapping[str, Any]) -> dict[str, Value | None]:
    """Return the values of a stored entity."""
    return {name: _plain(value) for name, value in entity.items() if name not in _KEYS}


def _plain(value: Any) -> Value | None:
    if isinstance(value, EntityProperty):
        value = value.value
    if isinstance(value, (str, int, float, bool)):
        return value
    raise ValueError(f"a row holds a value of a type that is never written: {type(value).__name__}")
