"""The settings of ingress."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator

from contracts.telemetry.names import Source
from inputs.configuration import ConfiguredInput, read_inputs
from inputs.input_types import installed_types
from service_defaults.settings import ServiceSettings, process_environment


class IngressSettings(ServiceSettings):
    """The settings of ingress, in addition to those of every service."""

    source = Source.INGRESS

    port: Annotated[int, Field(ge=0, le=65535)] = 8060

    #: A file with inputs (TOML): queues of other systems, and which jobs their messages become. Without it,
    #: this service does nothing.
    inputs: Path | None = None

    @field_validator("inputs")
    @classmethod
    def _file_is_usable(cls, value: Path | None) -> Path | None:
        if value is not None:
            _read(value)
        return value

    def configured(self) -> Sequence[ConfiguredInput]:
        """Return the inputs of the file; none without it."""
        return [] if self.inputs is None else _read(self.inputs)

    @property
    def further_secrets(self) -> Sequence[str]:
        """The secrets that the file names."""
        return [secret for each in self.configured() for secret in each.secrets]


def _read(path: Path) -> Sequence[ConfiguredInput]:
    try:
        return read_inputs(path, installed_types(), process_environment())
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
