"""Every field and every parameter of the OpenAPI document says what it is."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.unit.publisher.doubles import Api

_FEWEST = 150


def described(node: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Return every field of a schema, and every parameter, with its description."""
    if isinstance(node, list):
        for number, each in enumerate(node):
            yield from described(each, f"{path}/{number}")
    if not isinstance(node, dict):
        return
    # Where `properties` is the name of a field, it is found among the fields of its schema.
    if node.get("type") == "object":
        for name, field in node.get("properties", {}).items():
            yield f"{path}/{name}", field.get("description", "")
    if "in" in node and "name" in node:
        yield f"{path}/{node['name']}", node.get("description", "")
    for name, each in node.items():
        if name not in {"example", "examples", "default"}:
            yield from described(each, f"{path}/{name}")


async def test_every_field_and_every_parameter_has_a_description(api: Api) -> None:
    found = dict(described(await api.get("/openapi.json")))
    assert len(found) > _FEWEST
    assert [path for path, text in found.items() if not text.strip()] == []
    # A plain sentence: it begins like one, and ends like one.
    odd = {
        path: text
        for path, text in found.items()
        if not (text[0].isupper() or text[0] == "`" or text[0].isdigit())
    }
    assert odd == {}
    assert {path: text for path, text in found.items() if not text.endswith(".")} == {}


@pytest.mark.parametrize(
    "document",
    [
        {"type": "object", "properties": {"a": {"type": "string"}}},
        {"parameters": [{"name": "a", "in": "query", "schema": {}}]},
        {"schemas": {"x": {"type": "object", "properties": {"properties": {"type": "object"}}}}},
        {"x": [{"type": "object", "properties": {"a": {"description": " "}}}]},
    ],
)
def test_what_has_no_description_is_found(document: Any) -> None:
    assert [text.strip() for _, text in described(document)] == [""]
