"""Files with inputs: TOML, one table for each input.

```toml
[inputs.orders]
type = "rabbitmq"
source = { url = { env = "ORDERS_URL" }, queue = "orders", dead_letters = "orders.dead" }
job = { kind = "import-order", lock = "tenant:{body.tenant}", parameters = "{body}" }
```
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, SecretStr, ValidationError, model_validator

from contracts.field_words import in_words
from contracts.fields import WHOLE
from contracts.jobs import NAME_IN_WORDS
from contracts.schedules import SCHEDULE_NAME
from inputs.input_types import InputType
from inputs.mapping import JobMapping
from inputs.port import Input
from inputs.secret_references import ENVIRONMENT

#: What the name and the identity of an input may be.
INPUT_NAME = SCHEDULE_NAME


class InputFileError(ValueError):
    """The file cannot be used; the message names the input, the field and the reason."""


class InputDefinition(BaseModel):
    """One input: where its messages come from, which jobs they become, and how fast."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    type: str
    #: What the ids of jobs are made of, the name unless it is set. With another one, each message that waits
    #: becomes a new job, so it stays when the input gets a new name or its queue moves.
    identity: Annotated[str | None, Field(pattern=INPUT_NAME)] = None
    #: Messages in hand at the same time.
    at_once: Annotated[int, Field(ge=1, le=200), WHOLE] = 4
    #: Seconds after which a message that could not be handled is given back to its queue.
    message_timeout: Annotated[float, Field(ge=1, le=3600)] = 300.0
    #: Seconds for which the messages of a kind that no worker knows wait for one that does.
    kind_patience: Annotated[float, Field(ge=0, le=3600)] = 60.0
    #: A message that was delivered more often is refused. Less than the limit of the queue itself, which
    #: would set the message aside without a reason.
    max_deliveries: Annotated[int, Field(ge=2, le=1000), WHOLE] = 9
    #: The input pauses while this many jobs wait for the lock of a message; it never does without.
    most_waiting: Annotated[int | None, Field(ge=1, le=1000), WHOLE] = None
    source: dict[str, JsonValue]
    job: JobMapping

    @model_validator(mode="after")
    def _fields_fit_together(self) -> Self:
        if self.kind_patience >= self.message_timeout:
            raise ValueError("kind_patience: must be less than message_timeout")
        if self.most_waiting is not None and self.job.lock is None:
            raise ValueError("most_waiting: needs job.lock, as the jobs of that lock are counted")
        return self


@dataclass(frozen=True)
class ConfiguredInput:
    """An input that can be opened."""

    name: str
    definition: InputDefinition
    type: InputType
    #: Of the class that its type says.
    settings: BaseModel

    @property
    def identity(self) -> str:
        """What the ids of its jobs are made of."""
        return self.definition.identity or self.name

    def open(self) -> Input:
        """Return the input, which connects at its first use."""
        return self.type.open(self.settings, self.definition.at_once)

    @property
    def secrets(self) -> list[str]:
        """What must not stand in logs."""
        values = (getattr(self.settings, name) for name in type(self.settings).model_fields)
        return [value.get_secret_value() for value in values if isinstance(value, SecretStr)]


def read_inputs(
    path: Path, types: Mapping[str, InputType], environment: Mapping[str, str]
) -> list[ConfiguredInput]:
    """Return the inputs of a file. Raises InputFileError or OSError.

    `types` are those that may be used, by name; `environment` has the secrets that the file names.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputFileError(f"{path} is not TOML: {error}") from None
    unknown = sorted(document.keys() - {"inputs"})
    tables = document.get("inputs")
    if unknown or not isinstance(tables, dict) or not tables:
        found = f", and not {unknown[0]!r}" if unknown else ""
        raise InputFileError(f"{path} has tables [inputs.NAME]{found}")
    reader = _Reader(path, types, environment)
    found_inputs = [reader.input(name, table) for name, table in sorted(tables.items())]
    names: dict[str, str] = {}
    for each in found_inputs:
        other = names.setdefault(each.identity, each.name)
        if other != each.name:
            raise InputFileError(
                f"{path}: inputs.{each.name}.identity: {each.identity!r} is that of inputs.{other}, too; "
                "give each input its own, or equal ids of their messages would be one job"
            )
    return found_inputs


@dataclass(frozen=True)
class _Reader:
    path: Path
    types: Mapping[str, InputType]
    environment: Mapping[str, str]

    def input(self, name: str, table: object) -> ConfiguredInput:
        if not re.fullmatch(INPUT_NAME, name):
            raise InputFileError(f"{self.path}: {name!r} cannot name an input; use {NAME_IN_WORDS}")
        definition = self._read(InputDefinition, table, "inputs", name)
        found = self.types.get(definition.type)
        if found is None:
            known = ", ".join(sorted(self.types)) or "none is installed"
            raise InputFileError(
                f"{self.path}: inputs.{name}.type: {definition.type!r} is not a type of inputs; "
                f"known: {known}"
            )
        settings = self._read(found.settings, definition.source, "inputs", name, "source")
        return ConfiguredInput(name, definition, found, settings)

    def _read(self, model: type[Any], table: object, *place: str) -> Any:
        try:
            return model.model_validate(table, context={ENVIRONMENT: self.environment})
        except ValidationError as error:
            first = error.errors()[0]
            # A value of several forms is named with the form that was tried.
            parts = [part for part in first["loc"] if str(part).isidentifier() or isinstance(part, int)]
            where = ".".join(str(part) for part in (*place, *parts))
            raise InputFileError(f"{self.path}: {where}: {in_words(first, model)}") from None
