"""The JSON schema of a kind's parameters, by which submissions are checked before a worker sees them."""

import re
from typing import Any

from pydantic import AliasChoices, AliasPath, BaseModel
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema


def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """Return a schema that accepts every name by which the model takes a field."""
    return model.model_json_schema(schema_generator=_AllNames)


class _AllNames(GenerateJsonSchema):
    """Of several names of a field, pydantic's own schema knows the first alone."""

    def model_schema(self, schema: core_schema.ModelSchema) -> dict[str, Any]:
        """Describe a model."""
        found: dict[str, Any] = super().model_schema(schema)
        model = schema["cls"]
        properties = found.get("properties", {})
        for name, field in model.model_fields.items():
            first, *others = _names(model, name, field)
            if others and first in properties:
                _add_names(found, first, [other for other in others if other not in properties])
        return found


def _add_names(schema: dict[str, Any], first: str, others: list[str]) -> None:
    # Patterns and not properties: a form has one field for all of them.
    patterns = {f"^{re.escape(other)}$": schema["properties"][first] for other in others}
    schema["patternProperties"] = {**schema.get("patternProperties", {}), **patterns}
    if first in schema.get("required", ()):
        schema["required"] = [name for name in schema["required"] if name != first]
        given = {"anyOf": [{"required": [other]} for other in others]}
        schema.setdefault("allOf", []).append({"if": given, "else": {"required": [first]}})


def _names(model: type[BaseModel], name: str, field: FieldInfo) -> list[str]:
    """Return the names under which a field is accepted; that in pydantic's schema comes first."""
    config = model.model_config
    alias = field.validation_alias
    names: list[str] = []
    if alias is not None and config.get("validate_by_alias", True):
        choices = alias.choices if isinstance(alias, AliasChoices) else [alias]
        names += [choice for choice in choices if isinstance(choice, str)]
        names += [
            str(choice.path[0])
            for choice in choices
            if isinstance(choice, AliasPath) and len(choice.path) == 1
        ]
    if not names or config.get("validate_by_name") or config.get("populate_by_name"):
        names.append(name)
    return list(dict.fromkeys(names))
