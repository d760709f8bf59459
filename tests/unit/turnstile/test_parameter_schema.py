"""The schema of parameters accepts what the model accepts, under all its names."""

import json
from typing import Any

import pytest
from pydantic import AliasChoices, AliasPath, BaseModel, ConfigDict, Field, ValidationError

from submission.schemas import Schema
from turnstile.parameter_schema import schema_of


class Choices(BaseModel):
    """Fields that were renamed; the old names are still taken."""

    model_config = ConfigDict(extra="forbid")

    account: str = Field(validation_alias=AliasChoices("account", "account_id", "account-id"))
    size: int = Field(1, validation_alias=AliasChoices("size", "length"))


class ByName(BaseModel):
    """Fields with an alias, which are taken by their own names, too."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    account: str = Field(alias="accountId")
    size: int = Field(alias="sizeInBytes")


class OnlyByName(BaseModel):
    """Fields whose alias is for output alone."""

    model_config = ConfigDict(extra="forbid", validate_by_name=True, validate_by_alias=False)

    account: str = Field(alias="accountId")


class Nested(BaseModel):
    """A model in a model."""

    inner: Choices
    more: list[ByName] = []


class Itself(BaseModel):
    """A model that contains itself."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(validation_alias=AliasChoices("name", "title"))
    children: "list[Itself]" = []


GIVEN: list[tuple[type[BaseModel], dict[str, Any]]] = [
    (Choices, {"account": "a"}),
    (Choices, {"account_id": "a", "length": 2}),
    (Choices, {"account-id": "a"}),
    (Choices, {}),
    (Choices, {"size": 1}),
    (Choices, {"account_id": 7}),
    (Choices, {"account": "a", "length": "x"}),
    (Choices, {"account": "a", "account_idx": "a"}),
    (ByName, {"accountId": "a", "sizeInBytes": 1}),
    (ByName, {"account": "a", "sizeInBytes": 1}),
    (ByName, {"account": "a", "size": 1}),
    (ByName, {"account": "a"}),
    (ByName, {"size": 1}),
    (OnlyByName, {"account": "a"}),
    (OnlyByName, {"accountId": "a"}),
    (Nested, {"inner": {"account_id": "a"}}),
    (Nested, {"inner": {}}),
    (Nested, {"inner": {"account": "a"}, "more": [{"account": "a", "size": 1}]}),
    (Nested, {"inner": {"account": "a"}, "more": [{"account": "a"}]}),
    (Itself, {"title": "a", "children": [{"name": "b"}, {"title": "c"}]}),
    (Itself, {"title": "a", "children": [{}]}),
]


@pytest.mark.parametrize(("model", "given"), GIVEN)
def test_a_schema_accepts_and_refuses_what_its_model_does(
    model: type[BaseModel], given: dict[str, Any]
) -> None:
    try:
        model.model_validate_json(json.dumps(given))
        is_right = True
    except ValidationError:
        is_right = False
    assert (Schema.compiled(schema_of(model)).wrong_parameters(given) == []) is is_right


def test_a_missing_field_is_named_by_its_first_name() -> None:
    (problem,) = Schema.compiled(schema_of(Choices)).wrong_parameters({})
    assert (problem.field, problem.message) == ("parameters.account", "is required")


class InAPlace(BaseModel):
    """A field that is taken out of a list."""

    first: str = Field(validation_alias=AliasChoices("first", AliasPath("names", 0)))


def test_a_place_inside_a_value_is_nothing_that_a_schema_says() -> None:
    assert schema_of(InAPlace) == InAPlace.model_json_schema()


class Plain(BaseModel):
    """A model without other names."""

    account: str
    size: int = 1


def test_the_schema_of_a_model_without_other_names_is_that_of_pydantic() -> None:
    assert schema_of(Plain) == Plain.model_json_schema()
