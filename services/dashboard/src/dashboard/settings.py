"""The settings of the dashboard."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from contracts.telemetry.names import Source
from service_defaults.exposure import ExposedSettings
from service_defaults.web_addresses import checked_web_address
from turnstile.client import ClientError
from turnstile.client.keys import KeyAuth


class DashboardSettings(ExposedSettings):
    """The settings of the dashboard, in addition to those of every service."""

    source = Source.DASHBOARD

    port: Annotated[int, Field(ge=0, le=65535)] = 8050

    #: The publisher's address, through which the dashboard submits and cancels.
    url: str = "http://127.0.0.1:8000"
    #: The publisher's address for people, in commands that pages show; unset, the one above.
    publisher_public_url: str | None = None
    #: The API key that the dashboard sends the publisher; it needs the scope act-as, to name the actor.
    api_key: SecretStr | None = None
    #: A file with that key, read again when the publisher refuses the key.
    api_key_file: Path | None = None
    #: Whether the dashboard only shows: no page submits, cancels or changes anything.
    read_only: bool = False
    #: The path under which a proxy shows the dashboard, such as ops/turnstile; unset, it is at the root.
    base_path: Annotated[str, Field(pattern=r"^([A-Za-z0-9._~-]+(/[A-Za-z0-9._~-]+)*)?$")] = ""
    #: The name under which actions are recorded, as viewers do not sign in.
    actor: Annotated[str, Field(min_length=1, max_length=200)] = "dashboard"
    #: Where a job's trace is shown, with {trace_id} in it; unset, there are no links to traces.
    trace_url: str | None = None
    #: Where a job's log lines are shown, with {job_id} in it; unset, there are no links to logs.
    logs_url: str | None = None
    #: Seconds between two refreshes of a page that a viewer looks at.
    refresh_seconds: Annotated[float, Field(ge=0.5, le=60)] = 2.0

    @property
    def public_url(self) -> str:
        """Where people reach the publisher."""
        return self.publisher_public_url or self.url

    @property
    def auth(self) -> KeyAuth | None:
        """What sends the API key with each request; None without one."""
        if self.api_key is not None:
            return KeyAuth(self.api_key.get_secret_value())
        return None if self.api_key_file is None else KeyAuth(file=self.api_key_file)

    @field_validator("api_key")
    @classmethod
    def _is_a_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            _check_key(lambda: KeyAuth(value.get_secret_value()))
        return value

    @field_validator("api_key_file")
    @classmethod
    def _has_a_key(cls, value: Path | None) -> Path | None:
        if value is not None:
            _check_key(lambda: KeyAuth(file=value))
        return value

    @field_validator("url", "publisher_public_url")
    @classmethod
    def _is_the_web_address_of_an_api(cls, value: str | None) -> str | None:
        address = checked_web_address(value)
        return None if address is None else address.rstrip("/")

    @field_validator("trace_url", "logs_url")
    @classmethod
    def _is_a_link(cls, value: str | None, info: ValidationInfo) -> str | None:
        wanted = "{trace_id}" if info.field_name == "trace_url" else "{job_id}"
        if value is not None and wanted not in value:
            raise ValueError(f"must have {wanted} in it")
        return checked_web_address(value)


def _check_key(read: Callable[[], KeyAuth]) -> None:
    try:
        read()
    except ClientError as error:
        raise ValueError(str(error).removeprefix("api_key: ")) from None
