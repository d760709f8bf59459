"""What jobs may read: a local folder and a blob container, named by the operator."""

from pathlib import Path

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class InputSettings(BaseSettings):
    """Where input may come from; what is not set cannot be read from."""

    model_config = SettingsConfigDict(env_prefix="TURNSTILE_INPUT_", frozen=True)

    #: Jobs may read files under this folder, and no others.
    folder: Path | None = None
    #: URL of a blob container with a shared access signature that allows to read its blobs.
    container_url: SecretStr | None = None
