"""Which fields a form has for a schema, as pydantic writes it for the parameters of a job."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest
from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from dashboard.forms.schema import FieldType, FormField, fields_of, leaves
from turnstile.parameter_schema import schema_of


class Closed(BaseModel):
    """Parameters as handlers declare them."""

    model_config = ConfigDict(extra="forbid")


class Size(StrEnum):
    SMALL = "small"
    LARGE = "large"


class Address(Closed):
    street: str
    number: int | None = None


class Order(Closed):
    path: Annotated[str, Field(description="Where it is.", max_length=80)]
    steps: Annotated[int, Field(ge=1, le=50)] = 10
    seconds: Annotated[float, Field(gt=0, lt=600)] = 0.5
    dry: bool = False
    size: Size = Size.LARGE
    mode: Literal["fast", "safe"] | None = None
    due: date | None = None
    at: datetime | None = None
    to: Address
    back: Address | None = None
    lines: list[Address] = []
    labels: dict[str, str] = {}
    either: int | str = 1
    anything: Any = None


def found(model: type[BaseModel]) -> dict[str, FormField]:
    return {field.name: field for field in fields_of(model.model_json_schema())}


def test_each_type_of_a_field_is_recognised_in_the_order_of_the_schema() -> None:
    assert [(name, field.type.name) for name, field in found(Order).items()] == [
        ("path", "TEXT"),
        ("steps", "INTEGER"),
        ("seconds", "NUMBER"),
        ("dry", "BOOLEAN"),
        ("size", "CHOICE"),
        ("mode", "CHOICE"),
        ("due", "DATE"),
        ("at", "DATE_TIME"),
        ("to", "GROUP"),
        ("back", "GROUP"),
        ("lines", "JSON"),
        ("labels", "JSON"),
        ("either", "JSON"),
        ("anything", "JSON"),
    ]


def test_what_is_required_and_what_is_the_default() -> None:
    fields = found(Order)
    assert [name for name, field in fields.items() if field.is_required] == ["path", "to"]
    assert {name: field.default for name, field in fields.items() if field.has_default} == {
        "steps": 10,
        "seconds": 0.5,
        "dry": False,
        "size": "large",
        "mode": None,
        "due": None,
        "at": None,
        "back": None,
        "lines": [],
        "labels": {},
        "either": 1,
        "anything": None,
    }


def test_descriptions_choices_and_limits() -> None:
    fields = found(Order)
    assert (fields["path"].description, fields["path"].limits) == ("Where it is.", "at most 80 characters")
    assert fields["path"].longest == 80
    assert (fields["size"].choices, fields["mode"].choices) == (("small", "large"), ("fast", "safe"))
    assert (fields["steps"].limits, fields["seconds"].limits) == ("1 to 50", "more than 0, less than 600")


def test_a_nested_object_has_the_fields_of_its_own() -> None:
    fields = found(Order)
    assert [(leaf.path, leaf.type, leaf.is_required) for leaf in fields["back"].fields] == [
        (("back", "street"), FieldType.TEXT, True),
        (("back", "number"), FieldType.INTEGER, False),
    ]
    assert [leaf.path for leaf in leaves([fields["to"]])] == [("to", "street"), ("to", "number")]


class Tree(Closed):
    name: str
    below: "Tree | None" = None


def test_an_object_within_itself_ends_in_json() -> None:
    inner = found(Tree)["below"]
    depth = 1
    while inner.type is FieldType.GROUP:
        inner = inner.fields[-1]
        depth += 1
    assert (inner.type, depth) == (FieldType.JSON, 3)


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#/$defs/none"},
        {"$ref": "#/$defs/loop"},
        {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": True},
        {"type": ["string", "integer"]},
        {"oneOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]},
        {},
    ],
)
def test_what_a_form_cannot_show_is_json(schema: dict[str, Any]) -> None:
    root = {"properties": {"x": schema}, "$defs": {"loop": {"$ref": "#/$defs/loop"}}}
    [field] = fields_of(root)
    assert field.type is FieldType.JSON


@pytest.mark.parametrize(
    ("schema", "limits"),
    [
        ({"type": "integer", "minimum": 3}, "at least 3"),
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 9}, "more than 0, at most 9"),
        ({"type": "integer", "multipleOf": 5}, "a multiple of 5"),
        ({"type": "integer", "minimum": 1, "maximum": 65536}, "1 to 65,536"),
        ({"type": "string", "minLength": 1}, ""),
        ({"type": "string", "minLength": 2}, "at least 2 characters"),
    ],
)
def test_limits_are_said_in_words(schema: dict[str, Any], limits: str) -> None:
    [field] = fields_of({"properties": {"x": schema}})
    assert field.limits == limits


def test_a_constant_is_the_only_choice() -> None:
    [field] = fields_of({"properties": {"x": {"const": 3}}})
    assert (field.type, field.choices) == (FieldType.CHOICE, (3,))


@pytest.mark.parametrize("schema", [{}, {"type": "object"}, {"properties": {}}, {"properties": {"a": True}}])
def test_a_schema_without_properties_has_no_fields(schema: dict[str, Any]) -> None:
    assert fields_of(schema) == []


class _Renamed(BaseModel):
    account: str = Field(validation_alias=AliasChoices("account", "account_id"))
    note: str = Field("", validation_alias=AliasChoices("note", "comment"))
    size: int = Field(validation_alias=AliasChoices("size", "length"))


def test_a_field_of_several_names_is_one_field() -> None:
    fields = {field.name: field.is_required for field in fields_of(schema_of(_Renamed))}
    assert fields == {"account": True, "note": False, "size": True}
