"""The settings of the publisher."""

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator

from contracts.api_keys import read_clients
from contracts.telemetry.names import Source
from service_defaults.exposure import ExposedSettings
from service_defaults.site_guard import LOOPBACK_HOSTS

_HOST = re.compile(r"[0-9a-z]([0-9a-z._-]*[0-9a-z])?|[0-9a-f:.]*:[0-9a-f:.]*|\*")

#: No host's name, but what a service listens on to be reached by each of its own.
_ALL_ADDRESSES = {"0.0.0.0", "::"}  # noqa: S104


class PublisherSettings(ExposedSettings):
    """The settings of the publisher, in addition to those of every service."""

    source = Source.PUBLISHER

    port: Annotated[int, Field(ge=0, le=65535)] = 8000

    #: How long a submission waits for its wake-up to be confirmed; the sweeper sends another if it was not.
    wake_up_timeout_seconds: Annotated[float, Field(gt=0, le=30)] = 2.0

    #: Number of SubmitJob commands from RabbitMQ that are handled at the same time.
    submissions_at_once: Annotated[int, Field(ge=1, le=200)] = 10

    #: Number of streams of events, and of requests that wait for a result, that this process serves at the
    #: same time; more get 503.
    most_followers: Annotated[int, Field(ge=1, le=100_000)] = 1000

    #: A file with the clients and their API keys (TOML), which `turnstile keys` writes: each request needs a
    #: key then. Read again when it changes. Without it, every caller may do all.
    keys_file: Path | None = None
    #: Host names by which callers reach the publisher besides those of the loopback, separated by commas. A
    #: request with another Host header, as a page of another site may have a browser send, is refused.
    #: * allows all, and so does nothing where each request needs a key and other machines may call.
    allowed_hosts: Annotated[str, Field(max_length=10_000)] = ""
    #: Requests per second of each client with an API key, unless its table says otherwise; 0 sets no limit.
    client_rate: Annotated[float, Field(ge=0, le=1_000_000)] = 50.0
    #: Requests that such a client may send at once.
    client_burst: Annotated[int, Field(ge=1, le=1_000_000)] = 200
    #: Number of streams, and of requests that wait for a result, of each client with an API key that this
    #: process serves at the same time; more get 429.
    client_followers: Annotated[int, Field(ge=1, le=100_000)] = 100

    #: What happens to a job whose caller does not record its trace (`traceparent: …-00`): with own it has a
    #: trace of its own, recorded as OTEL_TRACES_SAMPLER says, with a link to the caller's; with follow, none.
    unsampled_callers: Literal["own", "follow"] = "own"

    #: Number of jobs that may continue one trace of a caller, per publisher process; each further job has a
    #: trace of its own, with a link to the caller's. 0 gives every job its own.
    jobs_per_trace: Annotated[int, Field(ge=0, le=10_000)] = 20

    @field_validator("allowed_hosts")
    @classmethod
    def _are_hosts(cls, value: str) -> str:
        if not all(_HOST.fullmatch(host) for host in _split(value)):
            raise ValueError("must be host names without ports, separated by commas, or *")
        return value

    @field_validator("keys_file")
    @classmethod
    def _file_of_keys_is_usable(cls, value: Path | None) -> Path | None:
        if value is not None:
            try:
                read_clients(value)
            except OSError as error:
                raise ValueError(f"{value} cannot be read: {error.strerror}") from None
        return value

    @property
    def authenticates(self) -> bool:
        """Whether each request needs a key."""
        return self.keys_file is not None

    @property
    def way_to_authenticate(self) -> str:
        """What makes each request need a key."""
        return "set TURNSTILE_KEYS_FILE to a file that `turnstile keys new` writes"

    @property
    def accepted_hosts(self) -> frozenset[str] | None:
        """The hosts that requests may name; None for all.

        Where each request needs a key, a site that sends a browser here gains nothing. If other machines may
        call, any name may be that of a proxy.
        """
        given = _split(self.allowed_hosts)
        if "*" in given or (not given and self.authenticates and not self.is_local):
            return None
        own = set() if self.host in _ALL_ADDRESSES else {self.host.lower()}
        return frozenset({*LOOPBACK_HOSTS, *given, *own})


def _split(hosts: str) -> list[str]:
    return [host for part in hosts.lower().split(",") if (host := part.strip().strip("[]"))]
