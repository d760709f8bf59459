"""The settings of a service that people and programs use: whether strangers may reach it."""

import ipaddress
from typing import Self

from pydantic import model_validator

from service_defaults.settings import PREFIX, ServiceSettings


class ExposedSettings(ServiceSettings):
    """The settings of such a service, in addition to those of every service."""

    #: Whether the service may be reached from other machines although it asks no caller who it is.
    allow_anonymous: bool = False

    @model_validator(mode="after")
    def _asks_who_calls(self) -> Self:
        if not (self.is_local or self.allow_anonymous or self.authenticates):
            raise ValueError(
                f"{PREFIX}HOST: at {self.host} other machines can reach the service, and it asks no caller "
                f"who it is; {self.ways_out}"
            )
        return self

    @property
    def ways_out(self) -> str:
        """How to go on when the service would be open to all."""
        ways = [
            f"set {PREFIX}HOST=127.0.0.1",
            *([self.way_to_authenticate] if self.way_to_authenticate else []),
            f"set {PREFIX}ALLOW_ANONYMOUS=true if all who can reach it may do all",
        ]
        return ", or ".join(ways)

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the service."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            # Another name may be that of any address.
            return False

    @property
    def authenticates(self) -> bool:
        """Whether callers have to prove who they are."""
        return False

    @property
    def way_to_authenticate(self) -> str:
        """How to have callers prove who they are; empty where they cannot."""
        return ""
