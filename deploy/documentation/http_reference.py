"""The publisher's OpenAPI document as Markdown."""

from collections.abc import Iterator
from typing import Any

from deploy.documentation.marks import code, table
from publisher.http.application import make_application

Schema = dict[str, Any]

# The page says once that bodies have these types.
_USUAL = {"application/json", "application/problem+json"}


def operations_and_schemas() -> str:
    """Return a section for each operation and each schema."""
    document = make_application().openapi()
    operations = [
        _operation(method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    schemas = document["components"]["schemas"]
    described = [_schema(name, schema) for name, schema in sorted(schemas.items()) if schema]
    return "\n".join(["## Operations\n", *operations, "## Schemas\n", *described])


def _operation(method: str, path: str, operation: Schema) -> str:
    parts = [f"### {operation['summary']}\n", f"`{method.upper()} {path}`\n"]
    if "description" in operation:
        parts.append(operation["description"] + "\n")
    if operation.get("parameters"):
        rows = [
            (
                code(one["name"]),
                one["in"] + (", required" if one["required"] else ""),
                _type(one["schema"]),
                _text(one),
            )
            for one in operation["parameters"]
        ]
        parts.append(table(("parameter", "in", "type", "means"), rows))
    if "requestBody" in operation:
        parts.append(f"Body: {_contents(operation['requestBody'])}\n")
    answers = [
        (status, _contents(answer), _one_line(answer["description"]))
        for status, answer in sorted(operation["responses"].items())
    ]
    parts.append(table(("status", "body", "means"), answers))
    return "\n".join(parts)


def _contents(body: Schema) -> str:
    return ", ".join(
        _type(content["schema"]) + ("" if media_type in _USUAL else f" ({code(media_type)})")
        for media_type, content in body.get("content", {}).items()
    )


def _schema(name: str, schema: Schema) -> str:
    parts = [f"### {_shown(name)}\n"]
    if "description" in schema:
        parts.append(schema["description"] + "\n")
    if "enum" in schema:
        parts.append("One of " + ", ".join(map(code, schema["enum"])) + ".\n")
    required = schema.get("required", [])
    fields = [
        (code(field), _type(described), "yes" if field in required else "", _text(described))
        for field, described in schema.get("properties", {}).items()
    ]
    if fields:
        parts.append(table(("field", "type", "required", "means"), fields))
    return "\n".join(parts)


def _type(schema: Schema) -> str:
    """Return a schema's type in words, with a link where it is described on this page."""
    if "$ref" in schema:
        name = _shown(schema["$ref"].rpartition("/")[2])
        return "any JSON value" if name == "JsonValue" else f"[{name}](#{name.lower().replace(' ', '-')})"
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    if schema.get("type") == "array":
        return f"array of {_type(schema['items'])}"
    return str(schema.get("type", "any JSON value")) + "".join(f", {limit}" for limit in _limits(schema))


def _limits(schema: Schema) -> Iterator[str]:
    if "format" in schema:
        yield schema["format"]
    for key, words in (
        ("minimum", "at least"),
        ("maximum", "at most"),
        ("maxLength", "length at most"),
        ("maxProperties", "entries at most"),
    ):
        if key in schema:
            yield f"{words} {schema[key]}"
    if schema.get("default") not in {None, ""}:
        yield f"default `{schema['default']}`"
    if "pattern" in schema:
        yield f"`{schema['pattern']}`"


def _shown(name: str) -> str:
    """Return the name of a schema as people read it: pydantic spells `Page[Event]` as `Page_Event_`."""
    return name.rstrip("_").replace("_", " of ")


def _text(described: Schema) -> str:
    return _one_line(described.get("description", ""))


def _one_line(text: str) -> str:
    return " ".join(text.split())
