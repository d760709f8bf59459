"""Secrets of configuration files: the file says where a secret stands, never the secret itself."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, SecretStr, ValidationInfo

#: The name in pydantic's context of the environment variables that references may name.
ENVIRONMENT = "environment"

_FORM = 'must be { env = "NAME" } or { file = "PATH" }'


def _resolved(value: object, info: ValidationInfo) -> SecretStr:
    if isinstance(value, str):
        raise ValueError(f"{_FORM}, as secrets do not stand in this file")
    if not isinstance(value, Mapping) or len(value) != 1:
        raise ValueError(_FORM)
    ((way, place),) = value.items()
    if way not in {"env", "file"} or not isinstance(place, str) or not place:
        raise ValueError(_FORM)
    secret = _of_environment(place, info) if way == "env" else _of_file(Path(place))
    if not secret:
        raise ValueError(f"{place} is empty; put the secret there")
    return SecretStr(secret)


def _of_environment(name: str, info: ValidationInfo) -> str:
    environment: Mapping[str, Any] = (info.context or {}).get(ENVIRONMENT, {})
    if name not in environment:
        raise ValueError(f"the environment variable {name} is not set; set it, or name another one")
    return str(environment[name])


def _of_file(path: Path) -> str:
    try:
        # Tools that write secrets into files end them with a line break.
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not UTF-8; write the secret as text") from None
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None


#: A secret that an input needs, such as a password: `{ env = "NAME" }` or `{ file = "PATH" }` in the file.
Secret = Annotated[SecretStr, BeforeValidator(_resolved)]
