"""What jobs may read: a local folder and a blob container, named by the operator."""

import re
from pathlib import Path

from pydantic import SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_PREFIX = "TURNSTILE_INPUT_"
_CONTAINER = re.compile(r"https?://[^/?#\s]+/[^?#\s]+(\?[^#\s]*)?")


class InputSettings(BaseSettings):
    """Where input may come from; what is not set cannot be read from."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, frozen=True, env_ignore_empty=True)

    #: Jobs may read files under this folder, and no others.
    folder: Path | None = None
    #: URL of a blob container with a shared access signature that allows to read its blobs.
    container_url: SecretStr | None = None

    @field_validator("container_url")
    @classmethod
    def _is_the_address_of_a_container(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not _CONTAINER.fullmatch(value.get_secret_value()):
            raise ValueError("must look like https://ACCOUNT.blob.core.windows.net/CONTAINER?SIGNATURE")
        return value


def explain(error: ValidationError) -> str:
    """Return which setting is wrong, without its value, which may hold a signature."""
    found = error.errors(include_input=False, include_url=False, include_context=False)[0]
    return f"{_PREFIX}{found['loc'][0]}".upper() + f" {found['msg'].removeprefix('Value error, ')}"
