"""Which fields a form has for a JSON schema (draft 2020-12, as pydantic writes it).

What a form cannot show field by field is a field of JSON text: lists, unions, objects of any names, objects
that contain themselves or lie deeper than three levels.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from pydantic import JsonValue

#: A field's place: the names of the objects it is in, and its own.
Path = tuple[str, ...]

Schema = Mapping[str, Any]

_DEEPEST = 3
_MOST_REFERENCES = 20


class FieldType(Enum):
    """What is entered into a field."""

    TEXT = auto()
    INTEGER = auto()
    NUMBER = auto()
    BOOLEAN = auto()
    #: One of `choices`.
    CHOICE = auto()
    DATE = auto()
    DATE_TIME = auto()
    #: An object; `fields` are entered.
    GROUP = auto()
    #: JSON text.
    JSON = auto()


@dataclass(frozen=True)
class FormField:
    """One field of a form."""

    path: Path
    type: FieldType
    title: str = ""
    description: str = ""
    is_required: bool = False
    #: What the field has before anything is entered; also None without `has_default`.
    default: JsonValue = None
    has_default: bool = False
    choices: tuple[JsonValue, ...] = ()
    #: Limits in words, such as "1 to 50".
    limits: str = ""
    longest: int | None = None
    fields: "tuple[FormField, ...]" = ()

    @property
    def name(self) -> str:
        """The property's name."""
        return self.path[-1]


def fields_of(schema: Schema) -> list[FormField]:
    """Return the fields for the properties of an object's schema, in its order."""
    return list(_properties(_resolved(schema, schema), schema, ()))


def leaves(fields: Sequence[FormField]) -> Iterator[FormField]:
    """Return the fields into which something is entered, those of groups included."""
    for field in fields:
        if field.type is FieldType.GROUP:
            yield from leaves(field.fields)
        else:
            yield field


def _properties(schema: Schema, root: Schema, path: Path) -> Iterator[FormField]:
    required = {*schema.get("required", ()), *_required_under_another_name(schema)}
    for name, described in schema.get("properties", {}).items():
        if isinstance(described, Mapping):
            yield _field(described, root, (*path, str(name)), is_required=name in required)


def _required_under_another_name(schema: Schema) -> Iterator[str]:
    """Yield the properties that are required unless another name of theirs is given."""
    for part in (schema, *schema.get("allOf", ())):
        if "if" in part:
            yield from part.get("else", {}).get("required", ())


def _field(described: Schema, root: Schema, path: Path, *, is_required: bool) -> FormField:
    schema = _resolved(_without_null(_resolved(described, root)), root)
    field_type = _type_of(schema, path)
    about: dict[str, Any] = {
        # Not the title of a schema that a reference names: it is that of a class.
        "title": _text(described.get("title")),
        "description": _text(described.get("description") or schema.get("description")),
        "is_required": is_required,
        "limits": _limits(schema),
        "longest": longest if isinstance(longest := schema.get("maxLength"), int) else None,
    }
    # A default is the property's; the schema that a reference names has none for this place.
    for source in (described, schema):
        if "default" in source:
            about |= {"default": source["default"], "has_default": True}
            break
    if field_type is FieldType.CHOICE:
        about["choices"] = tuple(schema.get("enum", [schema.get("const")]))
    if field_type is FieldType.GROUP:
        about["fields"] = tuple(_properties(schema, root, path))
    return FormField(path, field_type, **about)


def _resolved(schema: Schema, root: Schema) -> Schema:
    """Follow references, and merge a list of one (`allOf`); what the place itself says counts more."""
    for _ in range(_MOST_REFERENCES):
        every = schema.get("allOf")
        if "$ref" in schema:
            target = _lookup(str(schema["$ref"]), root)
        elif isinstance(every, list) and len(every) == 1:
            target = every[0]
        else:
            return schema
        schema = {
            **target,
            **{name: value for name, value in schema.items() if name not in ("$ref", "allOf")},
        }
    return {}


def _lookup(reference: str, root: Schema) -> Schema:
    found: Any = root
    for part in reference.removeprefix("#/").split("/"):
        found = found.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _without_null(schema: Schema) -> Schema:
    """Return the schema of what is not null: an empty field is left out, so null needs no field."""
    for union in ("anyOf", "oneOf"):
        options = schema.get(union)
        if isinstance(options, list):
            left = [option for option in options if option.get("type") != "null"]
            if len(left) == 1:
                rest = {name: value for name, value in schema.items() if name != union}
                return {**left[0], **rest}
    kinds = schema.get("type")
    if isinstance(kinds, list) and len(left := [kind for kind in kinds if kind != "null"]) == 1:
        return {**schema, "type": left[0]}
    return schema


_BY_TYPE = {
    "string": FieldType.TEXT,
    "integer": FieldType.INTEGER,
    "number": FieldType.NUMBER,
    "boolean": FieldType.BOOLEAN,
}
_BY_FORMAT = {"date": FieldType.DATE, "date-time": FieldType.DATE_TIME}


def _type_of(schema: Schema, path: Path) -> FieldType:
    if "enum" in schema or "const" in schema:
        return FieldType.CHOICE
    if any(union in schema for union in ("anyOf", "oneOf", "allOf", "not", "if")):
        return FieldType.JSON
    kind = schema.get("type")
    if kind == "string":
        return _BY_FORMAT.get(str(schema.get("format")), FieldType.TEXT)
    if kind == "object" and _is_closed(schema) and len(path) < _DEEPEST:
        return FieldType.GROUP
    return _BY_TYPE.get(str(kind), FieldType.JSON)


def _is_closed(schema: Schema) -> bool:
    """Whether an object has named properties only, and at least one."""
    return bool(schema.get("properties")) and schema.get("additionalProperties", False) is False


def _limits(schema: Schema) -> str:
    low = _bound(schema, "minimum", "at least {}", "exclusiveMinimum", "more than {}")
    high = _bound(schema, "maximum", "at most {}", "exclusiveMaximum", "less than {}")
    if "minimum" in schema and "maximum" in schema:
        return f"{schema['minimum']:,} to {schema['maximum']:,}"
    shortest, longest = schema.get("minLength"), schema.get("maxLength")
    characters = [
        f"at least {shortest:,} characters" if isinstance(shortest, int) and shortest > 1 else "",
        f"at most {longest:,} characters" if isinstance(longest, int) else "",
    ]
    step = f"a multiple of {schema['multipleOf']}" if "multipleOf" in schema else ""
    return ", ".join(part for part in (low, high, *characters, step) if part)


def _bound(schema: Schema, name: str, words: str, exclusive: str, exclusive_words: str) -> str:
    if name in schema:
        return words.format(schema[name])
    return exclusive_words.format(schema[exclusive]) if exclusive in schema else ""


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
