"""The settings every service has, read from environment variables that begin with TURNSTILE_."""

import os
import re
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from yarl import URL

from contracts.topology import Topology
from service_defaults.telemetry_settings import TelemetrySettings
from service_defaults.web_addresses import checked_web_address

PREFIX = "TURNSTILE_"

#: A host name or an address; uvicorn takes an IPv6 address without brackets.
_HOST = re.compile(r"[0-9A-Za-z]([0-9A-Za-z._-]{0,252})|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")

SettingsT = TypeVar("SettingsT", bound="ServiceSettings")


class ServiceSettings(TelemetrySettings):
    """What a service needs to reach its broker, its storage and its telemetry."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="ignore", populate_by_name=True, env_ignore_empty=True
    )

    #: Where RabbitMQ is: amqp:// or, encrypted, amqps://. User and password in it come before the next two.
    rabbitmq_url: SecretStr = SecretStr("amqp://127.0.0.1:5672/")
    #: The user and the password for an address without them.
    rabbitmq_user: Annotated[str, Field(min_length=1)] = "turnstile"
    rabbitmq_password: SecretStr = SecretStr("turnstile")
    #: First part of every exchange's and queue's name; keeps installations apart on one broker.
    rabbitmq_namespace: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{0,62}$")] = "turnstile"

    #: The storage account by connection string (Azurite, or an account key); unset it to give both URLs.
    storage_connection_string: SecretStr | None = None
    #: The account's blob address, reached with the machine's managed identity instead of a key.
    storage_blob_url: str | None = None
    #: The account's table address, reached with the machine's managed identity instead of a key.
    storage_table_url: str | None = None
    #: Put before the name of every table and container; keeps installations apart in one account.
    storage_namespace: Annotated[str, Field(pattern=r"^([a-z][a-z0-9]{0,19})?$")] = ""

    #: How long a wake-up that found its lock held waits before it is sent again; shorter means more messages.
    deferral_seconds: Annotated[float, Field(ge=0.1, le=3600)] = 5.0

    #: The address the service listens on: 127.0.0.1 for this machine only, 0.0.0.0 in a container.
    host: str = "127.0.0.1"
    #: The port of the HTTP API and the health checks; 0 takes a free one.
    port: Annotated[int, Field(ge=0, le=65535)] = 8080

    #: How much is logged.
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"],
        BeforeValidator(lambda value: value.upper() if isinstance(value, str) else value),
    ] = "INFO"
    #: How logs look: json for machines, console for people; auto takes console on a terminal.
    log_format: Literal["auto", "json", "console"] = "auto"

    @field_validator("rabbitmq_url")
    @classmethod
    def _is_an_amqp_address(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value().startswith(("amqp://", "amqps://")):
            raise ValueError("must start with amqp:// or amqps://")
        try:
            address = URL(value.get_secret_value())
            is_complete = bool(address.host) and address.port != 0 and not address.fragment
        except ValueError:
            # Its message would show a part of the password.
            is_complete = False
        if not is_complete:
            raise ValueError(
                "must look like amqp://user:password@host:5672/, with / ? # % in the password written as "
                f"%2F %3F %23 %25; or have no user, which {PREFIX}RABBITMQ_USER and "
                f"{PREFIX}RABBITMQ_PASSWORD then are"
            )
        return value

    @field_validator("storage_connection_string")
    @classmethod
    def _names_an_account(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            parts = [part.strip() for part in value.get_secret_value().split(";")]
            for name in ("AccountName=", "AccountKey="):
                if not any(part.startswith(name) and part != name for part in parts):
                    raise ValueError(f"has no {name.rstrip('=')}; copy the whole text from the account")
        return value

    @field_validator("storage_blob_url", "storage_table_url")
    @classmethod
    def _is_an_address_of_the_account(cls, value: str | None) -> str | None:
        return checked_web_address(value)

    @field_validator("host")
    @classmethod
    def _can_be_listened_on(cls, value: str) -> str:
        if not _HOST.fullmatch(value):
            raise ValueError("must be an address or a host name, such as 127.0.0.1")
        return value

    @model_validator(mode="after")
    def _storage_is_reachable_in_one_way(self) -> Self:
        has_urls = self.storage_blob_url is not None and self.storage_table_url is not None
        has_any_url = self.storage_blob_url is not None or self.storage_table_url is not None
        if self.storage_connection_string is None and not has_urls:
            raise ValueError(
                f"{PREFIX}STORAGE_CONNECTION_STRING: not set; set it, "
                f"or both {PREFIX}STORAGE_BLOB_URL and {PREFIX}STORAGE_TABLE_URL"
            )
        if self.storage_connection_string is not None and has_any_url:
            raise ValueError(
                f"{PREFIX}STORAGE_CONNECTION_STRING: set together with a storage URL; unset one of the two"
            )
        return self

    @property
    def rabbitmq_address(self) -> URL:
        """Where RabbitMQ is, with user and password."""
        address = URL(self.rabbitmq_url.get_secret_value())
        if address.user is not None:
            return address
        return address.with_user(self.rabbitmq_user).with_password(self.rabbitmq_password.get_secret_value())

    @property
    def further_secrets(self) -> Sequence[str]:
        """What must not stand in logs, in addition to the settings that are secret."""
        return ()

    @property
    def topology(self) -> Topology:
        """The names of exchanges and queues."""
        return Topology(self.rabbitmq_namespace)

    @property
    def deferral_milliseconds(self) -> int:
        """The deferral as the broker counts it."""
        return round(self.deferral_seconds * 1000)


def process_environment() -> Mapping[str, str]:
    """Return the environment variables of this process, for files that name variables with secrets."""
    return os.environ


def read_settings(settings_class: type[SettingsT]) -> SettingsT:
    """Read the settings from the environment.

    What is wrong with them is printed, one line per environment variable with the remedy, and the process
    ends with exit code 2.
    """
    try:
        return settings_class()
    except ValidationError as error:
        print("Turnstile cannot start with these settings:", file=sys.stderr)
        for line in complaints(settings_class, error):
            print(f"  {line}", file=sys.stderr)
        raise SystemExit(2) from None


def complaints_about(settings_class: type[BaseSettings], environment: Mapping[str, str]) -> list[str]:
    """Return what is wrong with the settings of a process that gets these variables, as `complaints` does.

    An empty variable counts as none; the environment of this process does not count.
    """
    prefix = settings_class.model_config.get("env_prefix", "")
    given: dict[str, Any] = {}
    for name, field in settings_class.model_fields.items():
        alias = field.validation_alias
        variable = alias if isinstance(alias, str) else f"{prefix}{name}".upper()
        if value := environment.get(variable):
            given[alias if isinstance(alias, str) else name] = value
    try:
        _of_what_is_given(settings_class)(**given)
    except ValidationError as error:
        return complaints(settings_class, error)
    return []


@cache
def _of_what_is_given(settings_class: type[BaseSettings]) -> type[BaseSettings]:
    named = {"__module__": settings_class.__module__}
    return type(settings_class.__name__, (_WithoutEnvironment, settings_class), named)


class _WithoutEnvironment(BaseSettings):
    """Settings that are what they are given."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read nothing else."""
        return (init_settings,)


def complaints(settings_class: type[BaseSettings], error: ValidationError) -> list[str]:
    """Return what is wrong, naming environment variables; never shows a value, as it may be a secret."""
    prefix = settings_class.model_config.get("env_prefix", "")
    lines = []
    for detail in error.errors(include_input=False, include_url=False, include_context=False):
        text = detail["msg"].removeprefix("Value error, ")
        if not detail["loc"]:
            lines.append(text)
            continue
        name = str(detail["loc"][0])
        field = settings_class.model_fields.get(name.lower().removeprefix(prefix.lower()))
        variable = name if field is None else f"{prefix}{name.upper().removeprefix(prefix)}"
        text = text[:1].lower() + text[1:]
        lines.append(f"{variable}: {text}; {_remedy(settings_class, name)}")
    return lines


def _remedy(settings_class: type[BaseSettings], name: str) -> str:
    for field_name, field in settings_class.model_fields.items():
        if name in {field_name, field.validation_alias}:
            if field.is_required():
                return "set it"
            if isinstance(field.default, SecretStr):
                return "correct it, or unset it to use the default"
            default = "nothing" if field.default in {None, ""} else field.default
            return f"correct it, or unset it to use the default ({default})"
    return "correct it"
