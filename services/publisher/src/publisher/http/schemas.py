"""The schemas of the OpenAPI document, as stock generators of clients understand them best.

Pydantic's schemas say what a model accepts. A client wants to know what is on the wire.
"""

import re
from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]

_NULL = {"type": "null"}

#: What pydantic calls a page of something.
_PAGE = re.compile(r"Page_(\w+)_")
_PAGE_REFERENCE = re.compile(r"\bPage_(\w+)_$")


def complete(document: Schema) -> None:
    """Correct all schemas of a document."""
    known = document["components"]["schemas"]
    for old in [name for name in known if _PAGE.fullmatch(name)]:
        known[_PAGE.sub(r"\1Page", old)] = known.pop(old)
    _rename_references(document)
    for parameter in _parameters(document):
        parameter["schema"] = _without_null(parameter["schema"])
        for schema in each_schema(parameter["schema"]):
            _correct(schema)
    for component in known.values():
        for schema in each_schema(component):
            _correct(schema)
            # Generators demand fields that have one, or send it as if the caller had chosen it.
            schema.pop("default", None)


def each_schema(schema: Schema) -> Iterator[Schema]:
    """Yield a schema and all schemas within it."""
    yield schema
    for name in ("properties", "$defs"):
        for within in schema.get(name, {}).values():
            yield from each_schema(within)
    for name in ("items", "additionalProperties", "contentSchema"):
        if isinstance(schema.get(name), dict):
            yield from each_schema(schema[name])
    for name in ("anyOf", "allOf", "oneOf", "prefixItems"):
        for within in schema.get(name, []):
            yield from each_schema(within)


def _rename_references(part: Any) -> None:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            part["$ref"] = _PAGE_REFERENCE.sub(r"\1Page", part["$ref"])
        part = list(part.values())
    if isinstance(part, list):
        for within in part:
            _rename_references(within)


def _parameters(document: Schema) -> Iterator[Schema]:
    for methods in document["paths"].values():
        for operation in methods.values():
            yield from operation.get("parameters", [])


def _correct(schema: Schema) -> None:
    # It repeats the name, and some generators call their types after it.
    schema.pop("title", None)
    if schema.get("type") == "number":
        # Without it, Go's generator takes a number of 32 bits.
        schema.setdefault("format", "double")


def _without_null(schema: Schema) -> Schema:
    """Return the schema of a parameter that may be left out: no address contains a null."""
    if schema.get("default", _NULL) is None:
        schema.pop("default")
    kept = [one for one in schema.get("anyOf", []) if one != _NULL]
    if len(kept) != 1:
        return schema
    return {**{name: value for name, value in schema.items() if name != "anyOf"}, **kept[0]}
